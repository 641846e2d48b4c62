"""Where a turn stands between its durable writes: pure values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from antiphon.domain import events as e
from antiphon.domain.blocks import is_empty
from antiphon.domain.conversations import Header
from antiphon.domain.fold import fold
from antiphon.domain.messages import Block, Message, text_block
from antiphon.domain.state import Conversation, ToolRun, Turn
from antiphon.domain.usage import Usage
from antiphon.stores.base import Change, TurnRecord
from antiphon.stores.frames import Frame, decode, decode_all
from antiphon.stores.projection import message_of
from antiphon.turns.approving import Permission, permissions_in
from antiphon.turns.billing import Billing
from antiphon.turns.tries import LOST, REDONE, Tries, after_step, lost_once, tries_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What comes next: the step and its attempt, and the message that it answers."""

    header: Header
    step: int
    attempt: int
    reply_to: str | None
    back_to: str | None
    """The conversation's head if nothing of this turn stays."""
    events: tuple[e.Event, ...] = ()
    """What opens the turn, to be committed with whatever comes first."""
    messages: tuple[Message, ...] = ()
    shown: Message | None = None
    """The text that an earlier attempt of this step has shown, as a message; None if it showed none."""
    asked: Message | None = None
    """The assistant's message whose tool uses want results before the next step; `step` is its step."""
    made: tuple[str, ...] = ()
    """The messages that the whole steps of this turn have made."""
    runs: tuple[ToolRun, ...] = ()
    """Tools of that message that were started before, finished or not."""
    tries: Tries = Tries()
    permissions: tuple[Permission, ...] = ()
    """What tools of that message have asked people for."""

    @property
    def silent(self) -> bool:
        """Whether no whole step of this turn has said or done anything."""
        return self.step == 0 or (self.step == 1 and self.tries.nudged)


def first_step(record: TurnRecord, after: str | None, at: int) -> Progress:
    """Open a queued turn. `after` is where the turn it was queued behind left the conversation."""
    queue, header = record.queue, record.header
    parent_id = queue.parent_id
    if parent_id == e.HEAD:
        parent_id = header.head if queue.after_turn is None else after
    asked: dict[str, Any] = {name: tuple(v) if name == "tools" else v for name, v in queue.settings.items()}
    changed: dict[str, Any] = {name: value for name, value in asked.items() if getattr(header, name) != value}
    events: list[e.Event] = [e.SettingsChange(at=at, **changed)] if changed else []
    events.append(e.TurnStart(at=at, turn_id=record.id, message_id=queue.message_id, parent_id=parent_id))
    bound = header.last_seq + 1 if changed.keys() & {"system", "model", "tools"} else header.settings_seq
    add = record.message
    return Progress(
        header=replace(header, settings_seq=bound, **changed) if changed else header,
        step=0,
        attempt=1,
        reply_to=add.message_id if add else parent_id,
        back_to=parent_id if add else header.head,
        events=tuple(events),
        messages=(replace(message_of(add), parent_id=parent_id),) if add else (),
    )


def since_start(record: TurnRecord, frames: Sequence[Frame]) -> Sequence[Frame]:
    """Those from the turn's start on: what came between its queueing and that is of the turn before it."""
    for index, frame in enumerate(frames):
        event = decode(frame) if frame.type == e.TurnStart.type else None
        if isinstance(event, e.TurnStart) and event.turn_id == record.id:
            return frames[index:]
    return ()


def next_attempt(record: TurnRecord, frames: Sequence[Frame], at: int, billing: Billing) -> Progress:
    """Go on with a turn that another replica left. `frames` are the log's since it started."""
    state = fold(decode_all(frames), _only(record))
    turn = state.turns[record.id]
    writing = turn.writing
    if writing is None and turn.stop_reason == "tool_use" and len(turn.steps[-1]) == 1:
        asked = state.messages[turn.steps[-1][0]]
        between = _between(record, turn, asked, tries_of(frames))
        return replace(between, permissions=_of_step(turn, frames))
    redone = writing is not None or turn.stop_reason in REDONE
    steps = len(turn.steps) - redone
    reply_to = turn.steps[steps - 1][-1] if steps else record.queue.message_id or turn.parent_id
    text = text_only(writing.content) if writing else ()
    open_ = writing is not None and turn.error is None  # an error is the end of an attempt
    tries = tries_of(frames)
    return Progress(
        header=record.header,
        step=steps,
        attempt=turn.attempt + 1 if redone else 1,
        reply_to=reply_to,
        back_to=turn.parent_id,
        events=(_lost(frames, writing.content, steps, turn.attempt, at, billing),)
        if writing and open_
        else (),
        shown=replace(writing, content=text) if writing and text else None,
        made=tuple(chain.from_iterable(turn.steps[:steps])),
        tries=lost_once(tries) if open_ else tries,
    )


def _lost(
    frames: Sequence[Frame], content: Sequence[Block], step: int, attempt: int, at: int, billing: Billing
) -> e.AttemptError:
    """The end of the attempt that came last, whose replica died: charged all that was held for it."""
    start = decode(next(frame for frame in reversed(frames) if frame.type == e.StepStart.type))
    assert isinstance(start, e.StepStart)
    return e.AttemptError(
        at=at,
        step=step,
        attempt=attempt,
        error=LOST,
        cost_nanodollars=start.held_nanodollars,
        estimate_nanodollars=billing.estimate(start.model, start.input_tokens, Usage(), content, at),
    )


def _between(record: TurnRecord, turn: Turn, asked: Message, tries: Tries) -> Progress:
    """A step has ended and its tools may have begun."""
    uses = {block.get("id") for block in asked.content if block.get("type") == "tool_use"}
    return Progress(
        header=record.header,
        step=len(turn.steps) - 1,
        attempt=1,
        reply_to=asked.parent_id,
        back_to=turn.parent_id,
        asked=asked,
        made=tuple(chain.from_iterable(turn.steps)),
        runs=tuple(run for run in turn.tools if run.tool_use_id in uses),
        tries=tries,
    )


def _of_step(turn: Turn, frames: Sequence[Frame]) -> tuple[Permission, ...]:
    step = len(turn.steps) - 1
    return tuple(each for each in permissions_in(frames) if each.request.step == step)


def with_tools(progress: Progress, asked: Message) -> Progress:
    """A step has ended by asking for tools."""
    tries = after_step(progress.tries, "tool_use")
    return replace(progress, asked=asked, made=(*progress.made, asked.id), tries=tries)


def going_on(progress: Progress, said: Message, stop_reason: str) -> Progress:
    """A step has ended, and the next one goes on from where it stopped."""
    return replace(
        progress,
        step=progress.step + 1,
        attempt=1,
        reply_to=said.id,
        made=(*progress.made, said.id),
        tries=after_step(progress.tries, stop_reason),
    )


def failed_once(progress: Progress) -> Progress:
    """One more attempt of this step has failed."""
    tries = progress.tries
    return replace(progress, tries=replace(tries, failures=tries.failures + 1))


def once_more(progress: Progress, stop_reason: str) -> Progress:
    """The same step anew: how it ended makes no answer."""
    tries = after_step(progress.tries, stop_reason)
    return replace(progress, attempt=progress.attempt + 1, tries=tries)


def answered_by(progress: Progress, asked: str, other: str, reason: str, at: int) -> Progress:
    """Another model answers from here on to the turn's end."""
    change = e.ModelChange(at=at, step=progress.step, from_model=asked, to_model=other, reason=reason)
    tries = replace(progress.tries, model=other)
    return replace(progress, events=(*progress.events, change), tries=tries)


def after_tools(progress: Progress, change: Change, results: Message) -> Progress:
    """All tools have answered: the next step, with their message still to be committed."""
    return replace(
        progress,
        step=progress.step + 1,
        attempt=1,
        reply_to=results.id,
        events=tuple(change.events),
        messages=tuple(change.messages),
        asked=None,
        runs=(),
        permissions=(),
        made=(*progress.made, results.id),
    )


def shown_by(frames: Sequence[Frame], record: TurnRecord, seen_seq: int) -> tuple[Block, ...]:
    """The text of the step that is being written, as a reader saw it who had come to `seen_seq`."""
    seen = [frame for frame in frames if frame.seq <= seen_seq]
    writing = fold(decode_all(seen), _only(record)).turns[record.id].writing
    return text_only(writing.content) if writing else ()


def text_only(content: Sequence[Block]) -> tuple[Block, ...]:
    """What a stopped step leaves: its text. Thinking, unfinished tool uses and empty blocks go."""
    texts = [text_block(block.get("text", "")) for block in content if block.get("type") == "text"]
    return tuple(block for block in texts if not is_empty(block))


def _only(record: TurnRecord) -> Conversation:
    """A conversation in which nothing but this turn is known."""
    turn = Turn(id=record.id, message_id=record.queue.message_id, status="running")
    return Conversation(turns={record.id: turn}, running=record.id)
