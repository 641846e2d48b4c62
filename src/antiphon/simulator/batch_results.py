"""From one request of a batch to its result."""

from collections.abc import Callable, Mapping
from typing import Any

from antiphon.simulator.answer import answer
from antiphon.simulator.batches import Batch
from antiphon.simulator.errors import ApiError, envelope, scripted_error
from antiphon.simulator.faults import StreamError
from antiphon.simulator.parts import Parts
from antiphon.simulator.prompt import read_prompt
from antiphon.simulator.script import Fail, Outcome, Reply
from antiphon.simulator.shape import Call
from antiphon.simulator.validate import check

NOT_IN_BATCHES: Mapping[str, Callable[[Any], bool]] = {
    "stream": bool,
    "fallbacks": bool,
    "max_tokens": lambda value: bool(value == 0),
    "speed": lambda value: bool(value == "fast"),
}
"""What a message of a batch must not ask for: by field, for which values."""

LOST = envelope("api_error", "Internal server error")


def result_of(params: dict[str, Any], batch: Batch, parts: Parts) -> dict[str, Any]:
    """Answer it as the script says, at half the price."""
    try:
        call = _call(params, batch, parts)
        return _answered(call, parts.playbook.take(call.model.id) or parts.default, parts)
    except ApiError as error:
        return _errored(envelope(error.kind, error.message, error.details))


def _call(params: dict[str, Any], batch: Batch, parts: Parts) -> Call:
    for name, is_refused in NOT_IN_BATCHES.items():
        if is_refused(params.get(name)):
            raise ApiError(400, f"{name}: this is not supported in batches")
    return check(
        parts.files.filled_in(params, batch.organization, parts.clock()),
        models=parts.models,
        version=batch.version,
        betas=batch.betas,
        counting=False,
        organization=batch.organization,
    )


def _answered(call: Call, outcome: Outcome, parts: Parts) -> dict[str, Any]:
    match outcome:
        case Reply(fault=None):
            return {"type": "succeeded", "message": _message(call, outcome, parts)}
        case Reply(fault=StreamError() as fault):
            return _errored(envelope(fault.type, fault.message, fault.details))
        case Fail():
            raise scripted_error(outcome, parts.clock())
        case _:
            return _errored(LOST)


def _message(call: Call, reply: Reply, parts: Parts) -> dict[str, Any]:
    prompt = read_prompt(call.body, call.model, call.organization, call.dropped)
    accounted = parts.cache.look_up(prompt, parts.clock())
    number = parts.log.next_number()
    whole = answer(reply, call, accounted, number)
    usage = {**whole.usage, "service_tier": "batch"}
    parts.cache.keep(accounted, parts.clock())
    if not whole.is_free:
        parts.ledger.charge(number, call.model.id, call.organization, usage)
    return whole._replace(usage=usage).message()


def _errored(error: dict[str, Any]) -> dict[str, Any]:
    return {"type": "errored", "error": {**error, "request_id": None}}
