"""A fault before the headers is another outcome: no answer has begun."""

from typing import assert_never

import msgspec

from antiphon.simulator.errors import STATUS_OF_TYPE
from antiphon.simulator.faults import HangUp, Reset, Stall, StreamError, Truncate
from antiphon.simulator.script import Drop, Events, Fail, Outcome, Page, Reply


def before_headers(outcome: Outcome) -> Outcome:
    """What happens instead, if the outcome's fault strikes there; else the outcome."""
    if (
        not isinstance(outcome, Reply | Events)
        or outcome.fault is None
        or outcome.fault.at != "before_headers"
    ):
        return outcome
    fault, delay = outcome.fault, outcome.delay
    match fault:
        case StreamError():
            status = STATUS_OF_TYPE.get(fault.type, 500)
            return Fail(
                status=status, type=fault.type, message=fault.message, details=fault.details, delay=delay
            )
        case HangUp():
            return Drop(delay=delay)
        case Reset():
            return Drop(reset=True, delay=delay)
        case Truncate():
            return Page(status=200, body="", content_type="text/event-stream", delay=delay)
        case Stall():
            return msgspec.structs.replace(outcome, fault=None, delay=delay + fault.seconds)
        case _:
            assert_never(fault)
