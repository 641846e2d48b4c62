"""The fold: a conversation's events become what is shown. The page has its twin; golden logs test both.

Rules worth knowing:

* A person's message is there when it is added, and finds its place in the tree when its turn starts.
* Each step makes an assistant message; `turn_end.kept` says what of a turn stays, and `head` where to go on.
* An event that this version does not know is skipped: what it changed is not shown, the rest is.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatchmethod
from itertools import chain
from typing import Any

from antiphon.domain import events as e
from antiphon.domain.blocks import apply_delta
from antiphon.domain.messages import Block, Message
from antiphon.domain.state import Approval, Conversation, Fallback, Retry, ToolRun, Turn


def fold(events: Iterable[tuple[int, e.Event]], start: Conversation | None = None) -> Conversation:
    """Apply `(seq, event)` pairs in order to `start` (default: nothing yet). Pure: `start` is not changed."""
    folder = _Folder(start or Conversation())
    apply = folder.apply  # once: binding a singledispatchmethod costs more than most of its rules
    for seq, event in events:
        apply(event)
        folder.seq = seq
    return folder.result()


class _Folder:
    """The fold at work, on dicts of its own: a long log folds in linear time."""

    def __init__(self, start: Conversation) -> None:
        self.seq = start.seq
        self.settings: dict[str, Any] = {
            "title": start.title,
            "system": start.system,
            "model": start.model,
            "options": start.options,
            "tools": start.tools,
        }
        self.messages = dict(start.messages)
        self.turns = dict(start.turns)
        self.head = start.head
        self.running = start.running
        self.content: list[Block] | None = None
        """Of the message that is being written; None while it is as its turn has it."""

    def result(self) -> Conversation:
        self.settle()
        return Conversation(
            seq=self.seq,
            messages=self.messages,
            turns=self.turns,
            head=self.head,
            running=self.running,
            **self.settings,
        )

    def change(self, **changes: Any) -> None:
        """Change the running turn; events of a turn that is not running here change nothing."""
        self.settle()
        if self.running is not None:
            self.turns[self.running] = replace(self.turns[self.running], **changes)

    def settle(self) -> None:
        """Put what was written since into the turn: once for many blocks and deltas."""
        content, self.content = self.content, None
        if content is not None and self.running is not None:
            turn = self.turns[self.running]
            if turn.writing is not None:
                writing = replace(turn.writing, content=tuple(content))
                self.turns[self.running] = replace(turn, writing=writing)

    @property
    def turn(self) -> Turn:
        self.settle()
        return self.turns[self.running] if self.running is not None else _NO_TURN

    @singledispatchmethod
    def apply(self, event: e.Event) -> None:
        """Events without a rule here change nothing that is shown."""

    @apply.register
    def _(self, event: e.ConversationCreate) -> None:
        self.settings = {name: getattr(event, name) for name in self.settings}

    @apply.register
    def _(self, event: e.SettingsChange) -> None:
        for name in ("system", "model", "options", "tools"):
            if (value := getattr(event, name)) is not None:
                self.settings[name] = value

    @apply.register
    def _(self, event: e.TitleChange) -> None:
        self.settings["title"] = event.title

    @apply.register
    def _(self, event: e.HeadMove) -> None:
        self.head = event.message_id

    @apply.register
    def _(self, event: e.MessageAdd) -> None:
        self.messages[event.message_id] = Message(
            id=event.message_id,
            parent_id=event.parent_id,
            role=event.role,
            content=event.content,
            turn_id=event.turn_id,
        )
        if event.turn_id == self.running and self.turn.steps:
            *before, last = self.turn.steps
            self.change(steps=(*before, (*last, event.message_id)))
            self.head = event.message_id

    @apply.register
    def _(self, event: e.TurnQueue) -> None:
        self.turns[event.turn_id] = Turn(id=event.turn_id, message_id=event.message_id)

    @apply.register
    def _(self, event: e.TurnStart) -> None:
        self.settle()
        self.running = event.turn_id
        turn = self.turns.get(event.turn_id) or Turn(id=event.turn_id, message_id=event.message_id)
        self.turns[event.turn_id] = replace(turn, status="running", parent_id=event.parent_id)
        self.head = event.parent_id
        if event.message_id is not None:
            self.head = event.message_id
            if (message := self.messages.get(event.message_id)) is not None:
                self.messages[message.id] = replace(message, parent_id=event.parent_id)

    @apply.register
    def _(self, event: e.StepStart) -> None:
        writing = Message(
            id=event.message_id,
            parent_id=event.parent_id,
            role="assistant",
            content=(),
            turn_id=self.turn.id,
            model=event.model,
        )
        turn = self.turn
        self.drop(turn.steps[event.step :], event.parent_id)
        failed = () if turn.error is None else (_failed_attempt(turn, event.step, turn.error),)
        self.change(
            writing=writing,
            retries=(*turn.retries, *failed),
            steps=(*turn.steps[: event.step], (event.message_id,)),
            attempt=event.attempt,
            model=event.model,
            stop_reason=None,
            error=None,
        )

    def drop(self, steps: Iterable[tuple[str, ...]], parent_id: str | None) -> None:
        """Take away the messages of steps that do not stay; `parent_id` is what they answered."""
        for message_id in chain.from_iterable(steps):
            self.messages.pop(message_id, None)
            if self.head == message_id:
                self.head = parent_id

    @apply.register
    def _(self, event: e.BlockStart) -> None:
        self.put_block(event.index, event.block)

    @apply.register
    def _(self, event: e.BlockDelta) -> None:
        content = self.written()
        if content is not None and event.index < len(content):
            content[event.index] = apply_delta(content[event.index], event.delta)

    @apply.register
    def _(self, event: e.BlockEnd) -> None:
        self.put_block(event.index, event.block)

    def put_block(self, index: int, block: Block) -> None:
        content = self.written()
        if content is not None:
            content[index : index + 1] = [block]

    def written(self) -> list[Block] | None:
        """The blocks of the message that is being written, to be changed; None if none is."""
        if self.content is None and (writing := self.turn.writing) is not None:
            self.content = list(writing.content)
        return self.content

    @apply.register
    def _(self, event: e.StepEnd) -> None:
        content, self.content = self.content, None  # it goes into the message at once, not into the turn
        turn = self.turn
        if (said := turn.writing) is not None:
            whole = said.content if content is None else tuple(content)
            self.messages[said.id] = replace(said, content=whole, model=event.model)
            self.head = said.id
        self.change(
            writing=None,
            model=event.model,
            stop_reason=event.stop_reason,
            usage=turn.usage + event.usage,
            cost_nanodollars=turn.cost_nanodollars + event.cost_nanodollars,
            saved_nanodollars=turn.saved_nanodollars + event.saved_nanodollars,
        )

    @apply.register
    def _(self, event: e.AttemptError) -> None:
        self.change(
            error=event.error,
            usage=self.turn.usage + event.usage,
            cost_nanodollars=self.turn.cost_nanodollars + event.cost_nanodollars,
        )

    @apply.register
    def _(self, event: e.ToolStart) -> None:
        run = ToolRun(tool_use_id=event.tool_use_id, name=event.name, input=event.input)
        self.change(tools=(*self.turn.tools, run))

    @apply.register
    def _(self, event: e.ToolEnd) -> None:
        self.change(
            tools=tuple(
                replace(run, is_error=event.is_error, content=event.content)
                if run.tool_use_id == event.tool_use_id
                else run
                for run in self.turn.tools
            )
        )

    @apply.register
    def _(self, event: e.ModelChange) -> None:
        fallback = Fallback(
            step=event.step, from_model=event.from_model, to_model=event.to_model, reason=event.reason
        )
        self.change(fallbacks=(*self.turn.fallbacks, fallback))

    @apply.register
    def _(self, event: e.ApprovalRequest) -> None:
        approval = Approval(
            id=event.approval_id,
            tool_use_id=event.tool_use_id,
            name=event.name,
            input=event.input,
            expires_at=event.expires_at,
        )
        self.change(status="waiting", approvals=(*self.turn.approvals, approval))

    @apply.register
    def _(self, event: e.ApprovalResolve) -> None:
        approvals = tuple(
            replace(approval, decision=event.decision, reason=event.reason, by=event.by)
            if approval.id == event.approval_id
            else approval
            for approval in self.turn.approvals
        )
        waits = any(approval.decision is None for approval in approvals)
        self.change(status="waiting" if waits else "running", approvals=approvals)

    @apply.register
    def _(self, event: e.TurnEnd) -> None:
        self.settle()
        turn = self.turns.get(event.turn_id) or Turn(id=event.turn_id, message_id=None)
        if turn.status == "queued" and turn.message_id is not None:
            self.messages.pop(turn.message_id, None)
        self.drop(turn.steps[event.kept.steps :], event.head)
        steps = turn.steps[: event.kept.steps]
        if event.kept.blocks:
            partial = kept_message(turn, event.kept)
            self.messages[partial.id] = partial
            steps = (*steps, (partial.id,))
        if event.head != e.HEAD:
            self.head = event.head
        ended = replace(turn, status=event.status, steps=steps, writing=None, error=event.error)
        self.turns[event.turn_id] = ended
        if self.running == event.turn_id:
            self.running = None


def kept_message(turn: Turn, kept: e.Kept) -> Message:
    """The assistant's message that is left of the step after the last whole one."""
    parent = turn.steps[kept.steps - 1][-1] if kept.steps else turn.message_id or turn.parent_id
    return Message(
        id=turn.steps[kept.steps][0],
        parent_id=parent,
        role="assistant",
        content=kept.blocks,
        turn_id=turn.id,
        model=turn.model,
    )


def _failed_attempt(turn: Turn, step: int, error: e.Problem) -> Retry:
    return Retry(step=step, attempt=turn.attempt, model=turn.model or "", error=error)


_NO_TURN = Turn(id="", message_id=None)
