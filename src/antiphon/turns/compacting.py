"""Making a summary as a turn starts, under its lease, so that what is sent becomes shorter."""

from dataclasses import replace

import structlog

from antiphon.context import summaries
from antiphon.context.compaction import Nothing, SummariseOnPrefix
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.plans import RequestPlan
from antiphon.errors import AnswerError, OverBudget
from antiphon.stores.base import Change
from antiphon.turns.asides import Commit, Wait, ask
from antiphon.turns.ground import Ground, compaction_due
from antiphon.turns.parts import Parts

log = structlog.get_logger()


async def compacted(
    parts: Parts, ground: Ground, commit: Commit, wait: Wait, *, forced: bool = False
) -> Header | None:
    """Shorten what is sent, if that is due or `forced`. Returns the conversation with its new compaction, or
    None.

    A summary that fails, is refused by a budget, or does not come to its own end, is not used: the request
    goes out as it is. Raises what else `wait` does.
    """
    decision = compaction_due(parts, ground, forced=forced)
    if isinstance(decision, Nothing):
        return None
    plans = (decision.request,) if isinstance(decision, SummariseOnPrefix) else decision.requests
    header, said = ground.progress.header, list[str]()
    for plan in plans:
        summary = await _summary(parts, ground, plan, commit, wait)
        if summary is None:
            log.info("compaction_left", conversation_id=header.id)
            return None
        said.append(summary)
    compact = e.ContextCompact(
        at=parts.now(),
        after_message_id=decision.after_message_id,
        summary=summaries.joined(said),
        previous_seq=header.compact_seq,
    )
    frames = await commit(Change(events=[compact]))
    return replace(header, compact_seq=frames[-1].seq, last_seq=frames[-1].seq)


async def _summary(parts: Parts, ground: Ground, plan: RequestPlan, commit: Commit, wait: Wait) -> str | None:
    try:
        asked = await ask(parts, ground, "summary", plan, commit, wait)
    except (OverBudget, AnswerError):
        return None
    return summaries.accepted(asked.end.stop_reason, asked.writing.blocks)
