"""One attempt of a step: a request goes out, and what comes back is written until it is complete."""

from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from antiphon.domain import events as e
from antiphon.domain.plans import RequestPlan
from antiphon.model.upstream import Upstream
from antiphon.money.pricing import RequestCost, request_cost
from antiphon.money.table import ModelTable
from antiphon.stores.base import Lease
from antiphon.turns.flusher import Flusher
from antiphon.turns.writing import Writing

PENDING_MAX = 4096
"""Deltas that may wait for the store before the upstream is made to wait too."""
PIECES_AT_ONCE = 8
"""How many pieces of an answer are read as they come, before reading keeps step with the commits."""


@dataclass(frozen=True, slots=True)
class Billing:
    """What an attempt costs, by the models' prices of the day."""

    table: ModelTable

    def cost(self, plan: RequestPlan, writing: Writing, at: int, stop_reason: str | None) -> RequestCost:
        day = datetime.fromtimestamp(at / 1000, UTC).date()
        return request_cost(writing.usage, plan.model, self.table, at=day, stop_reason=stop_reason)


async def write_answer(
    upstream: Upstream, flusher: Flusher, lease: Lease, plan: RequestPlan, writing: Writing
) -> None:
    """Stream one request into `writing`, committing as it goes. What is left pending is the caller's.

    Raises:
        AnswerError: it failed or was cut. FenceLost, StoreUnavailable: it may not be written any more.
    """
    flusher.add(lease, writing)
    try:
        pieces = 0
        async with aclosing(upstream.stream(plan)) as chunks:
            async for events in chunks:
                for event in events:
                    writing.apply(event)
                flusher.written(lease)
                pieces += 1
                if writing.waiting > PENDING_MAX:
                    await flusher.flush()
                if pieces > PIECES_AT_ONCE:
                    await flusher.before_commit()
    finally:
        await flusher.remove(lease)


def step_end(writing: Writing, plan: RequestPlan, billing: Billing, attempt: int, at: int) -> e.StepEnd:
    """The reported end of an attempt that is complete."""
    stop_reason = writing.ending.stop_reason or "unknown"
    cost = billing.cost(plan, writing, at, stop_reason)
    return e.StepEnd(
        at=at,
        step=writing.step,
        attempt=attempt,
        model=writing.model or plan.model,
        stop_reason=stop_reason,
        stop_sequence=writing.ending.stop_sequence,
        stop_details=writing.ending.stop_details,
        usage=cost.usage,
        cost_nanodollars=cost.nanodollars,
        saved_nanodollars=cost.saved_nanodollars,
        request_id=writing.request_id,
    )


def attempt_error(
    writing: Writing, plan: RequestPlan, billing: Billing, attempt: int, at: int, problem: e.Problem
) -> e.AttemptError:
    """The end of an attempt whose final usage never came, with what was reported until then."""
    cost = billing.cost(plan, writing, at, None)
    return e.AttemptError(
        at=at,
        step=writing.step,
        attempt=attempt,
        error=problem,
        usage=cost.usage,
        cost_nanodollars=cost.nanodollars,
        request_id=writing.request_id,
    )
