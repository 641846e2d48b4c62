"""Requests beside the answers: for a title, a summary, or to keep a cache warm. Each is in the ledger."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon.context.estimate import plan_tokens
from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.domain.plans import RequestPlan
from antiphon.domain.problems import problem_of
from antiphon.domain.usage import Usage, usage_from_wire
from antiphon.errors import AnswerError, StoreUnavailable
from antiphon.stores.base import Change
from antiphon.stores.frames import Frame, decode
from antiphon.turns import endings
from antiphon.turns.attempt import is_charged
from antiphon.turns.billing import Billing, prices_of
from antiphon.turns.ground import Ground
from antiphon.turns.parts import Parts
from antiphon.turns.tries import LOST
from antiphon.turns.writing import Writing

Commit: TypeAlias = Callable[[Change], Awaitable[Sequence[Frame]]]
Wait: TypeAlias = Callable[[Coroutine[Any, Any, e.RequestEnd]], Awaitable[e.RequestEnd]]
"""Waits for work that somebody may stop, and raises if they do."""


AGAIN_S = 0.5
"""How long to wait where the store cannot be reached."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came back, and how it ended."""

    writing: Writing
    end: e.RequestEnd


@dataclass(frozen=True, slots=True)
class _Aside:
    parts: Parts
    ground: Ground
    plan: RequestPlan
    start: e.RequestStart
    writing: Writing


async def ask(
    parts: Parts,
    ground: Ground,
    purpose: e.Purpose,
    plan: RequestPlan,
    commit: Commit,
    wait: Wait | None = None,
) -> Asked:
    """Make a request beside the answers of this conversation, announced before and settled after.

    Raises:
        OverBudget: nothing was sent. Whatever `wait` and `commit` do; what was announced is settled first.
    """
    aside, announcement = await _prepared(parts, ground, purpose, plan)
    announcing = asyncio.ensure_future(commit(announcement))
    try:
        await asyncio.shield(announcing)
        end = await (wait(_listen(aside)) if wait else _listen(aside))
    except BaseException:
        if await _was_announced(announcing):
            await commit(Change(events=[_broken_off(aside, endings.STOPPED, charged=aside.writing.sent)]))
        raise
    await _settle(aside, end, announcing.result()[-1].seq, commit)
    return Asked(aside.writing, end)


async def _settle(aside: _Aside, end: e.RequestEnd, announced: int, commit: Commit) -> None:
    """Tried until the store takes it, once: an entry of the ledger that nobody closes stays open for ever."""
    tried = False
    while True:
        with suppress(StoreUnavailable):
            if not tried or not await _is_settled(aside, announced):
                tried = True
                await commit(Change(events=[end]))
            return
        await asyncio.sleep(AGAIN_S)


async def _is_settled(aside: _Aside, announced: int) -> bool:
    """Whether its end was committed, although the store could not say so."""
    conversation_id = aside.ground.progress.header.id
    frames = await aside.parts.store.read(conversation_id, announced)
    ends = (decode(frame) for frame in frames if frame.type == e.RequestEnd.type)
    return any(isinstance(end, e.RequestEnd) and end.id == aside.start.id for end in ends)


async def _was_announced(announcing: "asyncio.Future[Sequence[Frame]]") -> bool:
    """Whether it was committed. Whoever is stopped before that is known waits for it: an entry of the ledger
    that nobody closes stays open for ever.
    """
    await asyncio.wait([announcing])
    return not announcing.cancelled() and announcing.exception() is None


async def _prepared(
    parts: Parts, ground: Ground, purpose: e.Purpose, plan: RequestPlan
) -> tuple[_Aside, Change]:
    """The request, and what announces it."""
    header, at, estimated = ground.progress.header, parts.now(), plan_tokens(plan)
    most = ground.billing.most_tokens(plan, estimated)
    if most is None:
        most = await parts.upstream.count_tokens(plan)
    held = ground.billing.held(plan, most, at)
    start = e.RequestStart(
        at=at,
        id=new_id(),
        purpose=purpose,
        model=plan.model,
        held_nanodollars=held,
        input_tokens=estimated,
    )
    announcement = Change(events=[start], hold=ground.billing.hold(header, held, at))
    return _Aside(parts, ground, plan, start, Writing(0)), announcement


async def _listen(aside: _Aside) -> e.RequestEnd:
    """Its end; what came is in its writing."""
    parts, writing = aside.parts, aside.writing
    writing.sent = True
    try:
        async with aclosing(parts.upstream.stream(aside.plan)) as chunks:
            async for events in chunks:
                writing.apply(events)
    except AnswerError as error:
        return _broken_off(aside, problem_of(error), charged=is_charged(error))
    writing.take()
    at, stop_reason = parts.now(), writing.ending.stop_reason or "unknown"
    cost = aside.ground.billing.cost(aside.plan, writing, at, stop_reason)
    parts.standings.note_usage(aside.plan.model, aside.start.input_tokens, cost.usage)
    return e.RequestEnd(
        at=at,
        id=aside.start.id,
        stop_reason=stop_reason,
        usage=cost.usage,
        cost_nanodollars=cost.nanodollars,
        saved_nanodollars=cost.saved_nanodollars,
        request_id=writing.request_id,
        prices=prices_of(cost),
    )


def _broken_off(aside: _Aside, problem: e.Problem, *, charged: bool) -> e.RequestEnd:
    """The end of one whose usage never came: charged at its bound, or nothing."""
    writing, start, at = aside.writing, aside.start, aside.parts.now()
    usage, billing = usage_from_wire(writing.usage), aside.ground.billing
    estimate = billing.estimate(start.model, start.input_tokens, usage, writing.blocks, at) if charged else 0
    return e.RequestEnd(
        at=at,
        id=start.id,
        error=problem,
        usage=usage,
        cost_nanodollars=start.held_nanodollars if charged else 0,
        estimate_nanodollars=estimate,
        request_id=writing.request_id,
    )


def lost_summaries(frames: Sequence[Frame], at: int, billing: Billing) -> list[e.RequestEnd]:
    """The ends of those whose replica died before it wrote them: each charged all that was held for it.

    `frames` are the log's since the turn was queued. A summary is made under the lease of its turn: whoever
    has that now knows that nobody waits for one any more.
    """
    begun: dict[str, e.RequestStart] = {}
    for event in (decode(frame) for frame in frames if frame.type in _BESIDE):
        match event:
            case e.RequestStart(purpose="summary"):
                begun[event.id] = event
            case e.RequestEnd():
                begun.pop(event.id, None)
            case _:
                pass
    return [
        e.RequestEnd(
            at=at,
            id=start.id,
            error=LOST,
            cost_nanodollars=start.held_nanodollars,
            estimate_nanodollars=billing.estimate(start.model, start.input_tokens, Usage(), (), at),
        )
        for start in begun.values()
    ]


_BESIDE = (e.RequestStart.type, e.RequestEnd.type)
