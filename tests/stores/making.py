"""What a random walk asks of a store: turns, their beginnings and ends, and requests, by chance."""

from dataclasses import replace
from random import Random
from typing import Any

from antiphon.domain import events as e
from antiphon.domain.files import block_of
from antiphon.domain.ids import conversation_of, new_id, new_turn_id
from antiphon.domain.messages import Block, Message, Role, text_block
from antiphon.domain.usage import Usage
from antiphon.money.budgets import Hold
from antiphon.stores.base import Acceptance, Change, Lease
from tests.stores.looks import FILES, PRINCIPALS, Known, limits_of

OWNERS = ("replica-1", "replica-2")
STATUSES: tuple[e.TurnStatus, ...] = ("completed", "failed", "cancelled")
TEXTS = ("é🙂", "Work on it", "日本語 and work")
LEASE_S = 600.0


class Making:
    """The same seed makes the same. Ids come from a list that is shared by whoever makes the same."""

    def __init__(self, seed: int, ids: list[str]) -> None:
        self.random = Random(seed)
        self._ids = ids
        self._next = 0
        self.now = 1000
        self.attempts = 0
        self.known = Known()

    def make_id(self) -> str:
        if self._next == len(self._ids):
            self._ids.append(new_id())
        self._next += 1
        return self._ids[self._next - 1]

    def time(self) -> int:
        self.now += self.random.randrange(3)
        return self.now

    def any(self, some: list[Any]) -> Any:
        """One of the newest, mostly."""
        return some[-1 - min(int(self.random.expovariate(0.5)), len(some) - 1)]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def acceptance(self) -> Acceptance:
        _, conversation_id = self.any(self.known.conversations)
        turn_id, message_id = new_turn_id(conversation_id)[:37] + self.make_id(), self.make_id()
        if self.known.messages and self.chance(0.15):
            message_id = self.any(self.known.messages)
        at, says, content = self.time(), self.chance(0.9), self.content(conversation_id)
        message = e.MessageAdd(at=at, message_id=message_id, turn_id=turn_id, content=content)
        before = self.any(self.known.turns).queue.turn_id if self.known.turns else None
        queue = e.TurnQueue(
            at=at,
            turn_id=turn_id,
            message_id=message_id if says else None,
            parent_id=self.random.choice((e.HEAD, None, *self.known.messages[-1:])),
            after_turn=before if self.chance(0.5) else None,
        )
        return Acceptance(
            conversation_id=conversation_id,
            queue=queue,
            message=message if says else None,
            owner=self.random.choice(OWNERS),
            lease_s=LEASE_S,
            key=self.random.choice(("k1", "k2", None, None, None)),
            body_hash=self.random.choice(("same", "same", "other")),
            when_busy=self.random.choice(("queue", "queue", "reject", "interrupt")),
            queue_max=self.random.choice((2, 100)),
        )

    def content(self, conversation_id: str) -> tuple[Block, ...]:
        """A text; now and then with a file, which may not be there or be someone else's."""
        whose = self.known.owner(conversation_id) if self.chance(0.8) else self.random.choice(PRINCIPALS)
        files = FILES[whose] if self.chance(0.2) else ()
        some = [block_of(file.facts) for file in files[: self.random.randrange(1, 3)]]
        return (text_block(self.random.choice(TEXTS)), *some)

    def begin(self, turn_id: str, asked: e.MessageAdd | None) -> Change:
        """How a turn starts: its message finds its place; or none, where it only answers again."""
        parent_id = self.random.choice((None, *self.known.before(asked)[-2:]))
        message = self.message(asked.message_id, parent_id, "user", asked.content) if asked else None
        begin = e.TurnStart(
            at=self.time(),
            turn_id=turn_id,
            message_id=message.id if message else None,
            parent_id=parent_id,
        )
        settings = e.SettingsChange(at=self.time(), system="S", options={"b": 1, "a": None})
        compact = e.ContextCompact(at=self.time(), after_message_id="m", summary="so far")
        events: list[e.Event] = [each for each in (settings, compact) if self.chance(0.3)] + [begin]
        change = Change(events=events, messages=[message] if message else [])
        return self.attempted(change, conversation_of(turn_id) or "") if self.chance(0.4) else change

    def message(
        self, message_id: str, parent_id: str | None, role: Role, content: tuple[Block, ...]
    ) -> Message:
        model = "m" if role == "assistant" else None
        return Message(
            id=message_id, parent_id=parent_id, role=role, content=content, turn_id="t", model=model
        )

    def attempted(self, change: Change, conversation_id: str) -> Change:
        """With a step's next attempt announced."""
        self.attempts += 1
        held = self.random.choice((0, 5, 5, 5, 2**54 + 1))
        step = e.StepStart(
            at=self.time(),
            step=0,
            attempt=self.attempts,
            message_id="m",
            parent_id=None,
            model=self.random.choice(("m", "n")),
            held_nanodollars=held,
        )
        return self.held(change, step, conversation_id)

    def held(self, change: Change, event: e.StepStart | e.RequestStart, conversation_id: str) -> Change:
        """With the announcement of a request more, and what it may cost."""
        limits = limits_of(self.known.owner(conversation_id), conversation_id)
        hold = Hold(nanodollars=event.held_nanodollars, limits=limits)
        return replace(change, events=[*change.events, event], hold=hold)

    def amounts(self) -> dict[str, Any]:
        return {
            "usage": Usage(input_tokens=self.random.randrange(9), cache_read_tokens=2**40),
            "cost_nanodollars": self.random.choice((0, 7, 2**55 + 1)),
        }

    def approval(self, lease: Lease) -> e.ApprovalRequest:
        approval_id, at = f"{lease.conversation_id}.{self.make_id()}", self.time()
        return e.ApprovalRequest(
            at=at, approval_id=approval_id, step=0, tool_use_id="t", name="n", input={}, expires_at=at
        )

    def ending(self, turn_id: str) -> Change:
        head = self.random.choice((None, e.HEAD, *self.known.messages[-2:]))
        parent_id, text = self.random.choice((None, *self.known.messages[-2:])), self.random.choice(TEXTS)
        answer = self.message(self.make_id(), parent_id, "assistant", (text_block(text),))
        answers = [answer] if self.chance(0.4) else []
        self.known.messages += [each.id for each in answers]
        ended = e.TurnEnd(
            at=self.time(),
            turn_id=turn_id,
            status=self.random.choice(STATUSES),
            kept=e.Kept(steps=0),
            head=answer.id if answers else head,
        )
        removed = self.known.messages[-1:] if self.chance(0.2) else []
        return Change(events=[ended], messages=answers, removed=removed)
