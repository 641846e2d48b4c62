"""Random walks over a store: the same seed asks the same of any store, and notes what it answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from antiphon.domain import events as e
from antiphon.domain.ids import new_id, new_turn_id
from antiphon.domain.messages import Message, text_block
from antiphon.domain.usage import Usage
from antiphon.errors import AntiphonError
from antiphon.money.budgets import Hold, Limit, Scope
from antiphon.money.ledger import UsageQuery
from antiphon.stores.base import Acceptance, Change, Lease, Store

PRINCIPALS = ("me", "you")
NAMES = ("support", "work")
OWNERS = ("replica-1", "replica-2")
STATUSES: tuple[e.TurnStatus, ...] = ("completed", "failed", "cancelled")
LEASE_S = 600.0
LIMITS: dict[Scope, int] = {"conversation": 2**54 + 1, "installation": 2**55, "principal": 2**54 + 9}


@dataclass
class Known:
    """Ids that were made, and leases that were given: some of them are stale by now."""

    conversations: list[tuple[str, str]] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    approvals: list[str] = field(default_factory=list)


class Walk:
    """Each step is a call with the same arguments on every store. Ids come from a list that they share."""

    def __init__(self, seed: int, ids: list[str]) -> None:
        self._random = Random(seed)
        self._ids = ids
        self._next = 0
        self._at = 1000
        self._attempts = 0
        self.known = Known()

    def _id(self) -> str:
        if self._next == len(self._ids):
            self._ids.append(new_id())
        self._next += 1
        return self._ids[self._next - 1]

    def _time(self) -> int:
        self._at += self._random.randrange(3)
        return self._at

    def _any(self, some: list[Any]) -> Any:
        """One of the newest, mostly."""
        return some[-1 - min(int(self._random.expovariate(0.5)), len(some) - 1)]

    def step(self) -> tuple[str, Callable[[Store], Awaitable[Any]]]:
        """What to call next; its name is what the answer is noted under."""
        known = self.known
        steps = [self.create, self.look]
        if known.conversations:
            steps += [self.accept] * 4 + [self.append, self.delete, self.forget, self.sweep, self.prune]
        if known.leases:
            steps += [self.start, self.attempt, self.attempt, self.flush, self.end, self.end, self.renew]
            steps += [self.wait, self.wait]
        if known.approvals:
            steps += [self.resolve, self.resolve]
        if known.turns:
            steps += [self.withdraw]
        chosen = self._random.choice(steps)
        return chosen.__name__, chosen()

    # Steps

    def create(self) -> Callable[[Store], Awaitable[Any]]:
        principal, name = self._random.choice(PRINCIPALS), self._random.choice((*NAMES, None, None))
        reused = bool(self.known.conversations) and self._random.random() < 0.1
        conversation_id = self._any(self.known.conversations)[1] if reused else self._id()
        if not reused:
            self.known.conversations.append((principal, conversation_id))
        event = e.ConversationCreate(at=self._time(), title="T", options={"max_tokens": 5}, tools=("a",))
        return lambda store: store.create(principal, conversation_id, event, name=name)

    def accept(self) -> Callable[[Store], Awaitable[Any]]:
        _, conversation_id = self._any(self.known.conversations)
        turn_id, message_id = new_turn_id(conversation_id)[:37] + self._id(), self._id()
        if self.known.messages and self._random.random() < 0.1:
            message_id = self._any(self.known.messages)
        self.known.turns.append(turn_id)
        self.known.messages.append(message_id)
        at, content = self._time(), (text_block("é🙂"),)
        message = e.MessageAdd(at=at, message_id=message_id, turn_id=turn_id, content=content)
        acceptance = Acceptance(
            conversation_id=conversation_id,
            queue=e.TurnQueue(at=at, turn_id=turn_id, message_id=message_id),
            message=message if self._random.random() < 0.9 else None,
            owner=self._random.choice(OWNERS),
            lease_s=LEASE_S,
            key=self._random.choice(("k1", "k2", None, None, None)),
            body_hash=self._random.choice(("same", "same", "other")),
            when_busy=self._random.choice(("queue", "queue", "reject", "interrupt")),
            queue_max=self._random.choice((2, 100)),
        )

        async def call(store: Store) -> Any:
            accepted = await store.accept(acceptance)
            if accepted.lease is not None:
                self.known.leases.append(accepted.lease)
            return accepted

        return call

    def start(self) -> Callable[[Store], Awaitable[Any]]:
        lease = self._any(self.known.leases)
        message_id, parent_id = self._id(), self._random.choice((None, *self.known.messages[-2:]))
        self.known.messages.append(message_id)
        message = Message(
            id=message_id, parent_id=parent_id, role="user", content=(), turn_id=lease.turn_id, model=None
        )
        begin = e.TurnStart(
            at=self._time(), turn_id=lease.turn_id, message_id=message_id, parent_id=parent_id
        )
        settings = e.SettingsChange(at=self._time(), system="S", options={"b": 1, "a": None})
        events = [settings, begin] if self._random.random() < 0.5 else [begin]
        change = Change(events=events, messages=[message])
        return lambda store: store.append(lease.conversation_id, change, lease)

    def attempt(self) -> Callable[[Store], Awaitable[Any]]:
        lease, chance = self._any(self.known.leases), self._random.random()
        attempt = max(1, self._attempts - self._random.randrange(3))
        where: dict[str, Any] = {"at": self._time(), "step": 0, "attempt": attempt}
        amounts: dict[str, Any] = {
            "usage": Usage(input_tokens=self._random.randrange(9), cache_read_tokens=2**40),
            "cost_nanodollars": self._random.choice((0, 7, 2**55 + 1)),
        }
        problem = e.Problem(name="deadline", title="t", detail="d")
        event: e.Event = e.AttemptError(**where, error=problem, **amounts)
        if chance < 0.3:
            return self._request(lease, self._random.choice((0, 5, 2**54 + 1)))
        if chance < 0.7:
            saved = self._random.choice((0, -3, 2**54 + 1))
            event = e.StepEnd(**where, model="m", stop_reason="end_turn", saved_nanodollars=saved, **amounts)
        return lambda store: store.append(lease.conversation_id, Change(events=[event]), lease)

    def _request(self, lease: Lease, held: int) -> Callable[[Store], Awaitable[Any]]:
        self._attempts += 1
        event = e.StepStart(
            at=self._time(),
            step=0,
            attempt=self._attempts,
            message_id="m",
            parent_id=None,
            model=self._random.choice(("m", "n")),
            held_nanodollars=held,
        )
        principal = {key: who for who, key in self.known.conversations}[lease.conversation_id]
        hold = Hold(nanodollars=held, limits=limits_of(principal, lease.conversation_id))
        return lambda store: store.append(lease.conversation_id, Change(events=[event], hold=hold), lease)

    def flush(self) -> Callable[[Store], Awaitable[Any]]:
        leases = {self._any(self.known.leases) for _ in range(self._random.randrange(1, 4))}
        delta = e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": "hi \u2028"})
        end = e.BlockEnd(step=0, index=0, block=text_block("hi"))
        batch = [(lease, [delta, end][: self._random.randrange(1, 3)]) for lease in sorted(leases, key=repr)]
        return lambda store: store.flush(batch)

    def end(self) -> Callable[[Store], Awaitable[Any]]:
        lease = self._any(self.known.leases)
        change = self._ending(lease.turn_id)

        async def call(store: Store) -> Any:
            ended = await store.end(lease, change, LEASE_S)
            if ended.next is not None:
                self.known.leases.append(ended.next)
            return ended

        return call

    def wait(self) -> Callable[[Store], Awaitable[Any]]:
        lease = self._any(self.known.leases)
        requests = []
        for _ in range(self._random.randrange(1, 3)):
            self.known.approvals.append(lease.conversation_id + "." + self._id())
            requests.append(
                e.ApprovalRequest(
                    at=self._time(),
                    approval_id=self.known.approvals[-1],
                    step=0,
                    tool_use_id="t",
                    name="n",
                    input={},
                    expires_at=self._at,
                )
            )
        principal = {key: who for who, key in self.known.conversations}[lease.conversation_id]
        behind = self._random.choice((0, 0, 0, 1))

        async def call(store: Store) -> Any:
            last_seq = (await store.get(principal, lease.conversation_id)).last_seq - behind
            return await store.wait(lease, Change(events=requests), LEASE_S, last_seq)

        return call

    def resolve(self) -> Callable[[Store], Awaitable[Any]]:
        approval_id = self._any(self.known.approvals)
        decision = e.ApprovalResolve(
            at=self._time(), approval_id=approval_id, decision=self._random.choice(("allow", "allow", "deny"))
        )
        return lambda store: store.resolve(approval_id[:36], decision)

    def withdraw(self) -> Callable[[Store], Awaitable[Any]]:
        turn_id = self._any(self.known.turns)
        change = self._ending(turn_id)
        return lambda store: store.withdraw(turn_id[:36], turn_id, change)

    def _ending(self, turn_id: str) -> Change:
        status = self._random.choice(STATUSES)
        head = self._random.choice((None, *self.known.messages[-2:]))
        removed = self.known.messages[-1:] if self._random.random() < 0.2 else []
        ended = e.TurnEnd(at=self._time(), turn_id=turn_id, status=status, kept=e.Kept(steps=0), head=head)
        return Change(events=[ended], removed=removed)

    def append(self) -> Callable[[Store], Awaitable[Any]]:
        _, conversation_id = self._any(self.known.conversations)
        title = e.TitleChange(at=self._time(), title=self._random.choice(("", "A title, é🙂")))
        move = e.HeadMove(at=self._time(), message_id=None)
        settings = e.SettingsChange(at=self._time(), model="other", tools=())
        step = e.StepStart(at=self._time(), step=0, attempt=1, message_id="m", parent_id=None, model="m")
        ended = e.TurnEnd(
            at=self._time(), turn_id="imported", status="completed", kept=e.Kept(steps=1), head=e.HEAD
        )
        events: list[e.Event] = [title, move, settings, step, ended]
        self._random.shuffle(events)
        change = Change(events=events[: self._random.randrange(1, 6)])
        return lambda store: store.append(conversation_id, change)

    def renew(self) -> Callable[[Store], Awaitable[Any]]:
        leases = sorted({self._any(self.known.leases) for _ in range(3)}, key=repr)
        lease_s = self._random.choice((0.0, LEASE_S, LEASE_S))
        return lambda store: store.renew(leases, lease_s)

    def sweep(self) -> Callable[[Store], Awaitable[Any]]:
        owner = self._random.choice(OWNERS)

        async def call(store: Store) -> Any:
            claimed = sorted(await store.claim(owner, LEASE_S, limit=1000), key=repr)
            self.known.leases.extend(claimed)
            return claimed

        return call

    def prune(self) -> Callable[[Store], Awaitable[Any]]:
        """Of whatever has ended: by its clock, the store may look at it much later than these times say."""
        return lambda store: store.prune(2**50, limit=100_000)

    def delete(self) -> Callable[[Store], Awaitable[Any]]:
        _, conversation_id = self._any(self.known.conversations)
        principal = self._random.choice(PRINCIPALS)
        return lambda store: store.delete(principal, conversation_id)

    def forget(self) -> Callable[[Store], Awaitable[Any]]:
        principal, name = self._random.choice(PRINCIPALS), self._random.choice(NAMES)
        return lambda store: store.forget(principal, name)

    def look(self) -> Callable[[Store], Awaitable[Any]]:
        """Everything that can be read."""
        known, limit = self.known, self._random.randrange(1, 6)
        before = self._random.choice((None, (self._at, "~"), (self._at - 2, known_id(known))))
        after = self._random.randrange(5)
        queries = [
            UsageQuery(by=("principal", "purpose", "conversation", "model", "day")),
            UsageQuery(principal=PRINCIPALS[0], since=1001, until=self._at),
            UsageQuery(conversation_id=known_id(known), by=()),
        ]

        async def call(store: Store) -> Any:
            seen: list[Any] = [
                await store.last_seqs([conversation_id for _, conversation_id in known.conversations])
            ]
            for principal in PRINCIPALS:
                seen.append(await store.recent(principal, before=before, limit=limit))
                seen.append(await store.search(principal, "É", limit=limit))
                seen += [await store.find(principal, name) for name in NAMES]
            for principal, conversation_id in known.conversations:
                header = await outcome(store.get(principal, conversation_id))
                seen += [header, await store.read(conversation_id, after, limit)]
                seen += [await store.read(conversation_id, after, limit, deltas_after=after + 2)]
                seen += [await outcome(store.totals(conversation_id))]
                seen += [await outcome(store.path(conversation_id, getattr(header, "head", "?") or "?"))]
                if not isinstance(header, tuple):
                    seen += [await store.left(limits_of(principal, conversation_id))]
            for query in queries:
                seen += [await store.usage(query)]
            seen += [await outcome(store.turn(turn_id[:36], turn_id)) for turn_id in known.turns]
            return seen

        return call


def known_id(known: Known) -> str:
    return known.conversations[0][1] if known.conversations else "0"


def limits_of(principal: str, conversation_id: str) -> tuple[Limit, ...]:
    """A budget of each scope; all requests are held in them."""
    owners = {"conversation": conversation_id, "installation": "", "principal": principal}
    return tuple(
        Limit(scope=scope, period="total", owner=owners[scope], since=0, nanodollars=most)
        for scope, most in LIMITS.items()
    )


async def outcome(call: Awaitable[Any]) -> Any:
    """What it returned, or what kind of error it raised, with its facts."""
    try:
        return await call
    except AntiphonError as error:
        return type(error), error.facts
