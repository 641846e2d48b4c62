"""Random walks over a store: the same seed asks the same of any store, and notes what it answered.

Whatever is asked of a store, it answers as the store in memory does, which is the reference.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

from antiphon.domain import events as e
from antiphon.domain.messages import text_block
from antiphon.stores.base import Acceptance, Change, Lease, Start, Store
from antiphon.stores.memory import MemoryStore
from antiphon.turns.endings import withdrawn
from tests.stores.looks import FILES, NAMES, PRINCIPALS, Look, difference, outcome
from tests.stores.making import LEASE_S, OWNERS, Making

SEEDS = range(6)
STEPS = 300

PROBLEM = e.Problem(name="deadline", title="t", detail="d")

Call: TypeAlias = Callable[[Store], Awaitable[Any]]


class Walk(Making):
    """Each step is a call with the same arguments on every store."""

    def step(self) -> tuple[str, Call]:
        """What to call next; its name is what the answer is noted under."""
        known = self.known
        steps = [self.create, self.look, self.put_file] * 2 + [self.drop_files]
        if known.conversations:
            steps += [self.accept] * 10 + [self.append, self.append, self.sweep, self.sweep]
            steps += [self.delete, self.forget, self.prune]
        if known.leases:
            steps += [self.start, self.attempt, self.end, self.wait] * 4
            steps += [self.request, self.flush, self.renew] * 2
        if known.approvals:
            steps += [self.resolve] * 4
        if known.turns:
            steps += [self.withdraw] * 4 + [self.ask_again]
        chosen = self.random.choice(steps)
        return chosen.__name__, chosen()

    # Conversations and files

    def create(self) -> Call:
        principal, name = self.random.choice(PRINCIPALS), self.random.choice((*NAMES, None, None))
        reused = bool(self.known.conversations) and self.chance(0.1)
        conversation_id = self.any(self.known.conversations)[1] if reused else self.make_id()
        event = e.ConversationCreate(at=self.time(), title="T", options={"max_tokens": 5}, tools=("a",))
        noted = self.chance(0.1)

        async def call(store: Store) -> Any:
            header = await store.create(principal, conversation_id, event, name=name)
            if not reused and (noted or header.id == conversation_id):
                self.known.conversations.append((principal, conversation_id))
            return header

        return call

    def delete(self) -> Call:
        _, conversation_id = self.any(self.known.conversations)
        principal = self.random.choice(PRINCIPALS)

        async def call(store: Store) -> None:
            await store.delete(principal, conversation_id)
            self.known.part_with(conversation_id)

        return call

    def forget(self) -> Call:
        principal, name = self.random.choice(PRINCIPALS), self.random.choice(NAMES)

        async def call(store: Store) -> Any:
            header = await store.forget(principal, name)
            if header is not None:
                self.known.part_with(header.id)
            return header

        return call

    def put_file(self) -> Call:
        principal = self.random.choice(PRINCIPALS)
        file, held_s = self.random.choice(FILES[principal]), self.random.choice((0.0, LEASE_S))
        named = replace(file, facts=replace(file.facts, name=self.random.choice(NAMES)))
        return lambda store: store.put_file(principal, named, held_s)

    def drop_files(self) -> Call:
        return lambda store: store.drop_files(limit=1000)

    # Acceptance

    def accept(self) -> Call:
        """A message; now and then with how its turn begins, planned for what the log was a moment ago."""
        acceptance = self.acceptance()
        turn_id, message = acceptance.queue.turn_id, acceptance.message
        begin = self.begin(turn_id, message) if self.chance(0.5) else None
        behind, noted = self.random.choice((0, 0, 0, 0, 1)), self.chance(0.1)
        owner = self.known.owner(acceptance.conversation_id)
        if noted:
            self.known.note(acceptance)

        async def call(store: Store) -> Any:
            asked = acceptance
            if begin is not None:
                last_seq = (await store.get(owner, acceptance.conversation_id)).last_seq - behind
                asked = replace(acceptance, start=Start(last_seq=last_seq, change=begin))
            accepted = await store.accept(asked)
            if not noted:
                self.known.note(acceptance)
            if accepted.lease is not None:
                self.known.leases.append(accepted.lease)
            return accepted

        return call

    def ask_again(self) -> Call:
        """Whether it was accepted before, by its key."""
        acceptance = replace(self.any(self.known.turns), key=self.random.choice(("k1", "k2", None)))
        return lambda store: store.known(acceptance)

    # Under a lease

    def start(self) -> Call:
        lease = self.any(self.known.leases)
        change = self.begin(lease.turn_id, self.known.asked(lease.turn_id))
        return lambda store: store.append(lease.conversation_id, change, lease)

    def attempt(self) -> Call:
        """An attempt begins, or ends, or fails; now and then with results of tools, that may name files."""
        lease, chance = self.any(self.known.leases), self.random.random()
        attempt = max(1, self.attempts - self.random.randrange(3))
        where: dict[str, Any] = {"at": self.time(), "step": 0, "attempt": attempt}
        event: e.Event = e.AttemptError(**where, error=PROBLEM, **self.amounts())
        if chance < 0.7:
            saved = self.random.choice((0, -3, 2**54 + 1))
            event = e.StepEnd(
                **where, model="m", stop_reason="end_turn", saved_nanodollars=saved, **self.amounts()
            )
        change = Change(events=[event])
        if chance < 0.3:
            result = e.MessageAdd(
                at=self.time(),
                message_id=self.make_id(),
                turn_id=lease.turn_id,
                content=self.content(lease.conversation_id),
            )
            results = [result] if self.chance(0.3) else []
            change = self.attempted(Change(events=results), lease.conversation_id)
        return lambda store: store.append(lease.conversation_id, change, lease)

    def request(self) -> Call:
        """Beside the answers: one begins, or one ends that was begun, here or elsewhere."""
        lease: Lease = self.any(self.known.leases)
        held = lease if self.chance(0.5) else None
        if not self.known.requests or self.chance(0.5):
            self.known.requests.append(self.make_id())
            begin = e.RequestStart(
                at=self.time(), id=self.known.requests[-1], purpose="title", model="n", held_nanodollars=7
            )
            change = self.held(Change(events=[]), begin, lease.conversation_id)
        else:
            place, error = self.any(self.known.requests), PROBLEM if self.chance(0.3) else None
            prices = {"in": "1"}
            end = e.RequestEnd(at=self.time(), id=place, error=error, prices=prices, **self.amounts())
            change = Change(events=[end])
        return lambda store: store.append(lease.conversation_id, change, held)

    def flush(self) -> Call:
        leases = {self.any(self.known.leases) for _ in range(self.random.randrange(1, 4))}
        delta = e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": "hi \u2028"})
        end = e.BlockEnd(step=0, index=0, block=text_block("hi"))
        batch = [(lease, [delta, end][: self.random.randrange(1, 3)]) for lease in sorted(leases, key=repr)]
        return lambda store: store.flush(batch)

    def end(self) -> Call:
        lease = self.any(self.known.leases)
        change = self.ending(lease.turn_id)

        async def call(store: Store) -> Any:
            ended = await store.end(lease, change, LEASE_S)
            self.known.leases.insert(0, self.known.leases.pop(self.known.leases.index(lease)))
            if ended.next is not None:
                self.known.leases.append(ended.next)
            return ended

        return call

    def renew(self) -> Call:
        leases = sorted({self.any(self.known.leases) for _ in range(3)}, key=repr)
        lease_s = self.random.choice((0.0, LEASE_S, LEASE_S))
        return lambda store: store.renew(leases, lease_s)

    def wait(self) -> Call:
        lease: Lease = self.any(self.known.leases)
        requests = [self.approval(lease) for _ in range(self.random.randrange(1, 3))]
        owner, behind = self.known.owner(lease.conversation_id), self.random.choice((0, 0, 0, 1))

        async def call(store: Store) -> Any:
            last_seq = (await store.get(owner, lease.conversation_id)).last_seq - behind
            frames = await store.wait(lease, Change(events=requests), LEASE_S, last_seq)
            self.known.approvals += [each.approval_id for each in requests if frames]
            return frames

        return call

    # From outside

    def resolve(self) -> Call:
        """A person does, or the turn itself."""
        approval_id = self.any(self.known.approvals)
        allow = e.ApprovalResolve(at=self.time(), approval_id=approval_id, decision="allow")
        deny, edit = replace(allow, decision="deny"), replace(allow, decision="edit", input={"b": 1, "a": 2})
        decision = self.random.choice((allow, allow, deny, edit))
        by_itself = [lease for lease in self.known.leases if lease.conversation_id == approval_id[:36]]
        if by_itself and self.chance(0.2):
            expired = Change(events=[replace(decision, decision="expire")])
            return lambda store: store.append(approval_id[:36], expired, by_itself[-1])
        return lambda store: store.resolve(approval_id[:36], decision)

    def withdraw(self) -> Call:
        turn: Acceptance = self.any(self.known.turns)
        change = withdrawn(turn.queue.turn_id, turn.queue.message_id, self.time())
        return lambda store: store.withdraw(turn.conversation_id, turn.queue.turn_id, change)

    def append(self) -> Call:
        _, conversation_id = self.any(self.known.conversations)
        title = e.TitleChange(at=self.time(), title=self.random.choice(("", "A title, é🙂")))
        move = e.HeadMove(at=self.time(), message_id=None)
        settings = e.SettingsChange(at=self.time(), model="other", tools=())
        step = e.StepStart(at=self.time(), step=0, attempt=1, message_id="m", parent_id=None, model="m")
        ended = e.TurnEnd(
            at=self.time(), turn_id="imported", status="completed", kept=e.Kept(steps=1), head=e.HEAD
        )
        events: list[e.Event] = [title, move, settings, step, ended]
        if self.known.turns:
            turn_id = self.any(self.known.turns).queue.turn_id
            events.append(e.CancelRequest(at=self.time(), turn_id=turn_id, seen_seq=1))
        self.random.shuffle(events)
        change = Change(events=events[: self.random.randrange(1, 6)], imported=self.chance(0.3))
        return lambda store: store.append(conversation_id, change)

    def sweep(self) -> Call:
        """All that can be claimed, or one conversation."""
        owner, only = self.random.choice(OWNERS), self.any(self.known.conversations)[1]
        which = only if self.chance(0.5) else None

        async def call(store: Store) -> Any:
            claimed = sorted(await store.claim(owner, LEASE_S, limit=1000, only=which), key=repr)
            self.known.leases.extend(claimed)
            return claimed

        return call

    def prune(self) -> Call:
        """Of whatever has ended: by its clock, the store may look at it much later than these times say."""
        return lambda store: store.prune(2**50, limit=100_000)

    def look(self) -> Call:
        """Everything that can be read."""
        near = self.known.conversations[0][1] if self.known.conversations else "0"
        look = Look(
            limit=self.random.randrange(1, 6),
            after=self.random.randrange(5),
            until=self.now,
            before=self.random.choice((None, (self.now, "~"), (self.now - 2, near))),
        )
        return lambda store: look.at(store, self.known)


async def agrees(store: Store, seed: int) -> None:
    """Walk over this store and the one in memory alike; both are empty at first."""
    ids: list[str] = []
    there, here = Walk(seed, ids), Walk(seed, ids)
    reference = MemoryStore()
    for number in range(STEPS):
        name, expected = there.step()
        _, asked = here.step()
        answer, should = await outcome(asked(store)), await outcome(expected(reference))
        assert answer == should, f"step {number}: {name}: {difference(answer, should)}"
    answer, should = await here.look()(store), await there.look()(reference)
    assert answer == should, f"in the end: {difference(answer, should)}"
    assert there.known == here.known
