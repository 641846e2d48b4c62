"""What users import: one list, complete and in order."""

import msgspec
import pytest

from antiphon import simulator
from antiphon.simulator import (
    Drop,
    Events,
    Fail,
    Outcome,
    Page,
    Reply,
    Stall,
    cut_tool_call,
    refusal,
    spend_limit,
)


def test_every_public_name_is_there_and_sorted() -> None:
    assert simulator.__all__ == sorted(simulator.__all__)
    assert all(hasattr(simulator, name) for name in simulator.__all__)


@pytest.mark.parametrize(
    "outcome",
    [
        Reply(text="Hello", fault=Stall(after=2, ping_every=1)),
        Events(events=({"type": "ping"},), chunks="torn"),
        Fail(status=429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT", for_model="claude-haiku-5-5"),
        Page(status=200),
        Drop(reset=True, delay=0.5),
        refusal("Well,"),
        cut_tool_call("clock", "{"),
        spend_limit(),
    ],
)
def test_json_and_python_say_the_same(outcome: Outcome) -> None:
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome
