"""One attempt of a step: a request goes out, and what comes back is written until it is complete."""

from contextlib import aclosing

from antiphon.domain import events as e
from antiphon.domain.usage import usage_from_wire
from antiphon.errors import AntiphonError
from antiphon.stores.base import Lease
from antiphon.turns.billing import Billing, prices_of
from antiphon.turns.endings import Step
from antiphon.turns.flusher import Flusher
from antiphon.turns.outgoing import Outgoing
from antiphon.turns.writing import Writing

PENDING_MAX = 4096
"""Deltas that may wait for the store before the upstream is made to wait too."""


async def write_answer(request: Outgoing, flusher: Flusher, lease: Lease, writing: Writing) -> None:
    """Stream one request into `writing`, committing as it goes. What is left pending is the caller's.

    Raises:
        AnswerError: it failed or was cut. FenceLost, StoreUnavailable: it may not be written any more.
    """
    entry = flusher.add(lease, writing)
    writing.sent = True
    request.go()
    try:
        async with aclosing(request):
            async for events in request:
                writing.apply(events)
                flusher.written(entry)
                if writing.waiting > PENDING_MAX:
                    await flusher.relieve()
    finally:
        await flusher.remove(entry)


def step_end(step: Step, billing: Billing, at: int) -> e.StepEnd:
    """The reported end of an attempt that is complete."""
    writing = step.writing
    stop_reason = writing.ending.stop_reason or "unknown"
    cost = billing.cost(step.plan, writing, at, stop_reason)
    return e.StepEnd(
        at=at,
        step=writing.step,
        attempt=step.progress.attempt,
        model=writing.model or step.plan.model,
        stop_reason=stop_reason,
        stop_sequence=writing.ending.stop_sequence,
        stop_details=writing.ending.stop_details,
        usage=cost.usage,
        cost_nanodollars=cost.nanodollars,
        saved_nanodollars=cost.saved_nanodollars,
        request_id=writing.request_id,
        prices=prices_of(cost),
    )


def attempt_error(
    step: Step, billing: Billing, at: int, problem: e.Problem, *, charged: bool
) -> e.AttemptError:
    """The end of an attempt whose final usage never came: it is `charged` all that was held, or nothing."""
    writing, model = step.writing, step.plan.model
    usage = usage_from_wire(writing.usage)
    estimate = billing.estimate(model, step.input_tokens, usage, writing.blocks, at) if charged else 0
    return e.AttemptError(
        at=at,
        step=writing.step,
        attempt=step.progress.attempt,
        error=problem,
        usage=usage,
        cost_nanodollars=step.held_nanodollars if charged else 0,
        estimate_nanodollars=estimate,
        request_id=writing.request_id,
    )


def is_charged(error: AntiphonError) -> bool:
    """Whether a failed request may have cost something.

    Only what cannot have arrived, and what was answered with an error status, has surely cost nothing.
    """
    facts = error.facts
    unanswered = facts.get("sent", True) and facts.get("status") is None
    return bool(facts.get("began", False) or unanswered)
