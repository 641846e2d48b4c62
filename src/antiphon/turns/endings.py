"""How a turn ends: pure functions from what happened to the events and messages that say so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from antiphon.domain import events as e
from antiphon.domain.messages import Block, Message
from antiphon.domain.plans import RequestPlan
from antiphon.errors import EmptyAnswer, NoRoom
from antiphon.model.stops import (
    Answered,
    CutShort,
    Empty,
    Limit,
    Paused,
    Refused,
    Stop,
    Unknown,
    UseTools,
    refusal_sentence,
)
from antiphon.stores.base import Change
from antiphon.turns.progress import Progress, text_only
from antiphon.turns.writing import Writing

STOPPED = e.Problem(name="cancelled", title="Stopped", detail="The answer was stopped.")
OURS = e.Problem(
    name="internal",
    title="Something went wrong",
    detail="A fault in this program ended the answer. Your message was not answered; send it again.",
    retryable=True,
)
EMPTY = e.Problem(
    name=EmptyAnswer.name,
    title=EmptyAnswer.title,
    detail="Claude ended its turn twice without a word. The conversation is unchanged; put the message in "
    "other words.",
)
NO_ROOM = {
    "max_tokens": e.Problem(
        name=NoRoom.name,
        title=NoRoom.title,
        detail="Claude used up all the tokens that an answer may have here before it said anything, by "
        "thinking or by asking for a tool. Allow more (max_tokens), or ask for less effort; the conversation "
        "is unchanged.",
    ),
    "context_window": e.Problem(
        name=NoRoom.name,
        title=NoRoom.title,
        detail="The conversation fills the model's context window, so that no room is left for an answer. "
        "Start a new conversation, or go on from an earlier message; this one is unchanged.",
    ),
}
"""By the limit that was reached before there was an answer."""
TOO_MANY_STEPS = e.Problem(
    name="too-many-steps",
    title="The answer took too many steps",
    detail="Claude kept asking for tools. What it found so far is kept; ask it to go on, or ask for less.",
)
LOST_TOO_OFTEN = e.Problem(
    name="internal",
    title="The answer was lost too often",
    detail="The server stopped again and again while it wrote this answer, so Claude is not asked for it any "
    "more. What you saw is kept; whoever runs the server finds in its log why it stopped.",
)
FATE_UNKNOWN = e.Problem(
    name="tool-unknown",
    title="A tool may or may not have run",
    detail="The server stopped while a tool was running that must not run twice. Check what it did before "
    "you ask again.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt of a step, on its way. `first_seq` is the seq of its `step_start`.

    `held_nanodollars` is the most that it can cost, which it is charged if its usage never comes;
    `input_tokens` an estimate.
    """

    turn_id: str
    progress: Progress
    message_id: str
    plan: RequestPlan
    writing: Writing
    first_seq: int
    held_nanodollars: int
    input_tokens: int

    def message(self, content: Sequence[Block], model: str) -> Message:
        return Message(
            id=self.message_id,
            parent_id=self.progress.reply_to,
            role="assistant",
            content=tuple(content),
            turn_id=self.turn_id,
            model=model,
        )


def ended_by(stop: Stop, step: Step, end: e.StepEnd, at: int) -> Change:
    """The end of a turn whose last request came to its end, and that does not go on."""
    match stop:
        case Refused():
            return refused(step, end, refusal_sentence(stop), at)
        case CutShort(limit):
            return cut_short(step, end, limit, at)
        case Empty():
            return unanswered(step, end, EMPTY, at)
        case Paused():
            return unanswered(step, end, TOO_MANY_STEPS, at)
        case Answered() | UseTools() | Unknown():
            return answered(step, end, at)
        case _:
            assert_never(stop)


def answered(step: Step, end: e.StepEnd, at: int) -> Change:
    """The whole answer stays, as the last message."""
    message = step.message(step.writing.blocks, end.model)
    kept = e.Kept(steps=step.progress.step + 1)
    closing = e.TurnEnd(at=at, turn_id=step.turn_id, status="completed", kept=kept, head=message.id)
    return Change(events=[*step.writing.take(), end, closing], messages=[message])


def cut_short(step: Step, end: e.StepEnd, limit: Limit, at: int) -> Change:
    """There was no room for all of it: what was said stays, but no tool use, of which the end may be missing.

    Where nothing was said, there is no answer.
    """
    blocks = tuple(block for block in step.writing.blocks if block.get("type") != "tool_use")
    if not text_only(blocks):
        return unanswered(step, end, NO_ROOM[limit], at)
    if len(blocks) == len(step.writing.blocks):
        return answered(step, end, at)
    message = step.message(blocks, end.model)
    kept = e.Kept(steps=step.progress.step, blocks=blocks)
    closing = e.TurnEnd(at=at, turn_id=step.turn_id, status="completed", kept=kept, head=message.id)
    return Change(events=[*step.writing.take(), end, closing], messages=[message])


def unanswered(step: Step, end: e.StepEnd, problem: e.Problem, at: int) -> Change:
    """The request came to its end, and to nothing: only its text stays, if there is some."""
    blocks = text_only(step.writing.blocks)
    shown = step.message(blocks, end.model) if blocks else None
    change = stopped(step.turn_id, step.progress, shown, "failed", problem, at)
    return replace(change, events=[*step.writing.take(), end, *change.events])


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
    return Change(events=[*step.writing.take(), end, closing], removed=step.progress.made)


def failed(step: Step, error: e.AttemptError, *, keep_partial: bool, at: int, kept: str = "") -> Change:
    """No answer. Text that was written stays where a reader may have seen it; `kept` says so."""
    pending = step.writing.take()
    blocks = text_only(step.writing.blocks) if keep_partial else ()
    shown = step.message(blocks, step.plan.model) if blocks else None
    change = stopped(step.turn_id, step.progress, shown, "failed", error.error, at, kept=kept)
    return Change(
        events=[*(pending if blocks else ()), error, *change.events],
        messages=change.messages,
        removed=change.removed,
    )


def cut(step: Step, error: e.AttemptError, blocks: tuple[Block, ...], at: int) -> Change:
    """Somebody stopped the answer; `blocks` of it were seen."""
    shown = step.message(blocks, step.plan.model) if blocks else None
    change = stopped(step.turn_id, step.progress, shown, "cancelled", None, at)
    return Change(events=[error, *change.events], messages=change.messages)


def stopped(
    turn_id: str,
    progress: Progress,
    shown: Message | None,
    status: e.TurnStatus,
    error: e.Problem | None,
    at: int,
    *,
    kept: str = "",
) -> Change:
    """The turn ends before its end: whole steps stay, and `shown` of the step after them.

    If it failed, or no money was left for it, and nothing stays, the conversation goes on from where it was;
    if it failed and something does, it was interrupted, and `kept` is the error's sentence. A step without a
    word is nothing.
    """
    something_stays = shown is not None or not progress.silent
    if status == "failed" and something_stays:
        status = "interrupted"
        error = replace(error, detail=kept) if error and kept else error
    goes_back = status in ("failed", "over_budget") and not something_stays
    closing = e.TurnEnd(
        at=at,
        turn_id=turn_id,
        status=status,
        kept=e.Kept(steps=0 if goes_back else progress.step, blocks=shown.content if shown else ()),
        head=progress.back_to if goes_back else shown.id if shown else progress.reply_to,
        error=error,
    )
    messages = [*progress.messages, *([shown] if shown else ())]
    gone = [progress.asked.id] if progress.asked and not shown else []
    back = progress.made if goes_back else ()
    return Change(events=[*progress.events, closing], messages=messages, removed=[*gone, *back])


def withdrawn(turn_id: str, message_id: str | None, at: int) -> Change:
    """A turn that waited is not wanted any more: unpaid, and its message is no part of the conversation."""
    closing = e.TurnEnd(at=at, turn_id=turn_id, status="cancelled", kept=e.Kept(steps=0), head=e.HEAD)
    return Change(events=[closing], removed=[message_id] if message_id else [])
