"""How a turn ends: pure functions from what happened to the events and messages that say so."""

from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.domain import events as e
from antiphon.domain.messages import Block, Message
from antiphon.domain.plans import RequestPlan
from antiphon.errors import AntiphonError
from antiphon.stores.base import Change, TurnRecord
from antiphon.turns.progress import LOST, Progress, text_only
from antiphon.turns.writing import Writing

STOPPED = e.Problem(name="cancelled", title="Stopped", detail="The answer was stopped.")
OURS = e.Problem(
    name="internal",
    title="Something went wrong",
    detail="A fault in this program ended the answer. Your message was not answered; send it again.",
    retryable=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt of a step, on its way. `first_seq` is the seq of its `step_start`."""

    turn_id: str
    progress: Progress
    message_id: str
    plan: RequestPlan
    writing: Writing
    first_seq: int

    def message(self, content: Sequence[Block], model: str) -> Message:
        return Message(
            id=self.message_id,
            parent_id=self.progress.reply_to,
            role="assistant",
            content=tuple(content),
            turn_id=self.turn_id,
            model=model,
        )


def problem_of(error: AntiphonError) -> e.Problem:
    return e.Problem(
        name=error.name,
        title=error.title,
        detail=error.detail,
        retryable=error.retryable,
        retry_after_s=error.facts.get("retry_after"),
    )


def answered(step: Step, end: e.StepEnd, at: int) -> Change:
    """The whole answer stays, as the last message."""
    message = step.message(step.writing.blocks, end.model)
    kept = e.Kept(steps=step.progress.step + 1)
    closing = e.TurnEnd(at=at, turn_id=step.turn_id, status="completed", kept=kept, head=message.id)
    return Change(events=[*step.writing.take(), end, closing], messages=[message])


def refused(step: Step, end: e.StepEnd, sentence: str, at: int) -> Change:
    """Claude declined: visible in the log, not part of the history, never sent again."""
    closing = e.TurnEnd(
        at=at,
        turn_id=step.turn_id,
        status="refused",
        kept=e.Kept(steps=0),
        head=step.progress.back_to,
        error=e.Problem(name="refused", title="Claude declined to answer", detail=sentence),
    )
    return Change(events=[*step.writing.take(), end, closing])


def cut_short(
    step: Step, error: e.AttemptError, blocks: tuple[Block, ...], status: e.TurnStatus, at: int
) -> Change:
    """The answer ends before its end; finished steps and `blocks` of the running one stay."""
    progress = step.progress
    messages = [step.message(blocks, step.plan.model)] if blocks else []
    head = step.message_id if blocks else progress.reply_to
    closing = e.TurnEnd(
        at=at,
        turn_id=step.turn_id,
        status=status,
        kept=e.Kept(steps=progress.step, blocks=blocks),
        head=head,
        error=None if status == "cancelled" else error.error,
    )
    return Change(events=[error, closing], messages=messages)


def failed(step: Step, error: e.AttemptError, *, keep_partial: bool, at: int) -> Change:
    """No answer. Text that was written stays where a reader may have seen it, else nothing does."""
    pending = step.writing.take()
    blocks = text_only(step.writing.blocks) if keep_partial else ()
    if blocks:
        change = cut_short(step, error, blocks, "interrupted", at)
        return Change(events=[*pending, *change.events], messages=change.messages)
    closing = _nothing_kept(step.turn_id, step.progress, error.error, at)
    return Change(events=[error, closing])


def never_sent(record: TurnRecord, progress: Progress, problem: e.Problem, at: int) -> Change:
    """No request went out."""
    closing = _nothing_kept(record.id, progress, problem, at)
    return Change(events=[*progress.events, closing], messages=progress.messages)


def stopped_before(record: TurnRecord, progress: Progress, at: int) -> Change:
    """Stopped before a request went out: the user's message stays, unanswered and unpaid."""
    closing = e.TurnEnd(
        at=at, turn_id=record.id, status="cancelled", kept=e.Kept(steps=progress.step), head=progress.reply_to
    )
    return Change(events=[*progress.events, closing], messages=progress.messages)


def given_up(record: TurnRecord, progress: Progress, shown: Message, at: int) -> Change:
    """A turn whose replica died after text was shown that cannot be taken back: that text is the answer."""
    closing = e.TurnEnd(
        at=at,
        turn_id=record.id,
        status="interrupted",
        kept=e.Kept(steps=progress.step, blocks=shown.content),
        head=shown.id,
        error=LOST,
    )
    return Change(events=[*progress.events, closing], messages=[shown])


def _nothing_kept(turn_id: str, progress: Progress, problem: e.Problem, at: int) -> e.TurnEnd:
    steps = progress.step
    return e.TurnEnd(
        at=at,
        turn_id=turn_id,
        status="interrupted" if steps else "failed",
        kept=e.Kept(steps=steps),
        head=progress.reply_to if steps else progress.back_to,
        error=problem,
    )
