"""Requests beside the answers: for a title, a summary, or to keep a cache warm. Each is in the ledger."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_id
from antiphon.domain.plans import RequestPlan
from antiphon.domain.usage import usage_from_wire
from antiphon.errors import AnswerError
from antiphon.stores.base import Change
from antiphon.turns import endings
from antiphon.turns.attempt import is_charged
from antiphon.turns.billing import prices_of
from antiphon.turns.parts import Parts
from antiphon.turns.writing import Writing

Commit: TypeAlias = Callable[[Change], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A request beside an answer, and what it is held at."""

    purpose: e.Purpose
    plan: RequestPlan
    start: e.RequestStart


async def announce(
    parts: Parts, header: Header, purpose: e.Purpose, plan: RequestPlan, commit: Commit
) -> Aside:
    """Commit that it goes out. Raises OverBudget, StoreError: it does not."""
    at = parts.now()
    held = parts.billing.held(plan, at)
    start = e.RequestStart(at=at, id=new_id(), purpose=purpose, model=plan.model, held_nanodollars=held)
    await commit(Change(events=[start], hold=parts.billing.hold(header, held, at)))
    return Aside(purpose=purpose, plan=plan, start=start)


async def listen(parts: Parts, aside: Aside) -> tuple[Writing, e.RequestEnd]:
    """Its answer, and the event that ends it, which is the caller's to commit. Cancel it to leave."""
    writing = Writing(0)
    try:
        async with aclosing(parts.upstream.stream(aside.plan)) as chunks:
            async for events in chunks:
                for event in events:
                    writing.apply(event)
    except AnswerError as error:
        return writing, broken_off(
            parts, aside, writing, endings.problem_of(error), charged=is_charged(error)
        )
    writing.take()
    at, stop_reason = parts.now(), writing.ending.stop_reason or "unknown"
    cost = parts.billing.cost(aside.plan, writing, at, stop_reason)
    parts.standings.note_usage(aside.plan, cost.usage)
    return writing, e.RequestEnd(
        at=at,
        id=aside.start.id,
        stop_reason=stop_reason,
        usage=cost.usage,
        cost_nanodollars=cost.nanodollars,
        saved_nanodollars=cost.saved_nanodollars,
        request_id=writing.request_id,
        prices=prices_of(cost),
    )


def broken_off(
    parts: Parts, aside: Aside, writing: Writing, problem: e.Problem, *, charged: bool = True
) -> e.RequestEnd:
    """The end of one whose usage never came: charged at its bound, or nothing."""
    usage, at = usage_from_wire(writing.usage), parts.now()
    written = len(msgspec.json.encode(writing.blocks))
    return e.RequestEnd(
        at=at,
        id=aside.start.id,
        error=problem,
        usage=usage,
        cost_nanodollars=aside.start.held_nanodollars if charged else 0,
        estimate_nanodollars=parts.billing.estimate(aside.plan, usage, written, at) if charged else 0,
        request_id=writing.request_id,
    )
