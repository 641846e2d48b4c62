"""Making a summary as a turn starts, under its lease, so that what is sent becomes shorter."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import structlog

from antiphon.context import summaries
from antiphon.context.compaction import Nothing, SummariseOnPrefix
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.plans import RequestPlan
from antiphon.errors import OverBudget
from antiphon.stores.base import Change
from antiphon.stores.frames import Frame
from antiphon.turns import endings
from antiphon.turns.asides import announce, broken_off, listen
from antiphon.turns.ground import Ground, compaction_due
from antiphon.turns.parts import Parts
from antiphon.turns.writing import Writing

log = structlog.get_logger()

T = TypeVar("T")
Commit: TypeAlias = Callable[[Change], Awaitable[Sequence[Frame]]]
Wait: TypeAlias = Callable[[Coroutine[Any, Any, T]], Awaitable[T]]
"""Waits for work that somebody may stop, and raises if they do."""


async def compacted(parts: Parts, ground: Ground, commit: Commit, wait: Wait[Any]) -> Header | None:
    """Shorten what is sent, if that is due. Returns the conversation with its new compaction, or None.

    A summary that fails, is refused by a budget, or does not come to its own end, is not used: the request
    goes out as it is. Raises what `wait` does, with the request that was left in the ledger.
    """
    decision = compaction_due(parts, ground)
    if isinstance(decision, Nothing):
        return None
    plans = (decision.request,) if isinstance(decision, SummariseOnPrefix) else decision.requests
    header = ground.progress.header
    parts_of_it: list[str] = []
    for plan in plans:
        summary = await _summary(parts, header, plan, commit, wait)
        if summary is None:
            log.info("compaction_left", conversation_id=header.id)
            return None
        parts_of_it.append(summary)
    compact = e.ContextCompact(
        at=parts.now(),
        after_message_id=decision.after_message_id,
        summary=summaries.joined(parts_of_it),
        previous_seq=header.compact_seq,
    )
    frames = await commit(Change(events=[compact]))
    return replace(header, compact_seq=frames[-1].seq, last_seq=frames[-1].seq)


async def _summary(
    parts: Parts, header: Header, plan: RequestPlan, commit: Commit, wait: Wait[Any]
) -> str | None:
    try:
        aside = await announce(parts, header, "summary", plan, commit)
    except OverBudget:
        return None
    try:
        writing, end = await wait(listen(parts, aside))
    except BaseException:
        left = broken_off(parts, aside, Writing(0), endings.STOPPED)
        await commit(Change(events=[left]))
        raise
    await commit(Change(events=[end]))
    return summaries.accepted(end.stop_reason, writing.blocks)
