"""The store in this process's memory: the reference for the contracts, and the library's default.

No method awaits while it changes something, so that each is a transaction.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from heapq import nlargest
from itertools import islice

from antiphon.clock import Clock, SystemClock
from antiphon.domain.conversations import Header, PlacedMessage, Totals
from antiphon.domain.events import (
    ApprovalResolve,
    BlockDelta,
    CancelRequest,
    ConversationCreate,
    Event,
)
from antiphon.domain.messages import text_of
from antiphon.errors import Conflict, FenceLost, NotFound
from antiphon.money.budgets import Limit
from antiphon.money.ledger import DELETED, UsageQuery, UsageRow
from antiphon.stores.base import NOBODY, Acceptance, Accepted, Change, Ended, Hint, Hit, Lease, TurnRecord
from antiphon.stores.books import Books
from antiphon.stores.frames import Frame, encode_all
from antiphon.stores.memory_checks import check_message_id, check_room, known_key
from antiphon.stores.memory_files import MemoryFiles
from antiphon.stores.memory_rows import (
    Kept,
    Key,
    News,
    Turn,
    place,
    prune_turn,
    put_approval,
    record_of,
    set_turns,
    waits,
)
from antiphon.stores.projection import (
    check_decision,
    decided_as,
    files_of,
    header_after,
    header_changes,
    ledger_changes,
    message_of,
)
from antiphon.stores.scanning import SEARCHED, scan

KEY_LIFETIME_S = 24 * 3600


class MemoryStore(MemoryFiles):
    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or SystemClock())
        self._conversations: dict[str, Kept] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._deleted: set[str] = set()
        self._books = Books()
        self._listeners: list[News] = []

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from; what was stored is gone with this object."""

    async def hints(self) -> AsyncGenerator[Hint | None, None]:
        """Every commit to this memory: several replicas may share it in one process."""
        news = News()
        self._listeners.append(news)
        try:
            yield None
            while True:
                await news.came.wait()
                news.came.clear()
                seqs, news.seqs = news.seqs, {}
                for conversation_id, seq in seqs.items():
                    yield Hint(conversation_id, seq)
        finally:
            self._listeners.remove(news)

    # Conversations

    async def create(
        self, principal: str, conversation_id: str, event: ConversationCreate, *, name: str | None = None
    ) -> Header:
        if name is not None and (taken := await self.find(principal, name)) is not None:
            return taken
        if conversation_id in self._conversations or conversation_id in self._deleted:
            raise Conflict("This conversation id is in use, or was. Make a new one.")
        header = Header(
            id=conversation_id,
            principal=principal,
            created_at=event.at,
            updated_at=event.at,
            last_seq=1,
            title=event.title,
            system=event.system,
            model=event.model,
            options=event.options,
            tools=event.tools,
        )
        self._conversations[conversation_id] = Kept(header, encode_all([event], 1))
        if name is not None:
            self._names[principal, name] = conversation_id
        return header

    async def get(self, principal: str, conversation_id: str) -> Header:
        kept = self._conversations.get(conversation_id)
        if kept is None or kept.header.principal != principal:
            raise NotFound("There is no such conversation.")
        return kept.header

    async def find(self, principal: str, name: str) -> Header | None:
        conversation_id = self._names.get((principal, name))
        return self._conversations[conversation_id].header if conversation_id else None

    async def recent(self, principal: str, *, before: tuple[int, str] | None, limit: int) -> list[Header]:
        mine = [kept.header for kept in self._conversations.values() if kept.header.principal == principal]
        mine.sort(key=lambda header: (header.updated_at, header.id), reverse=True)
        return [header for header in mine if before is None or (header.updated_at, header.id) < before][
            :limit
        ]

    async def search(
        self, principal: str, query: str, *, before: tuple[int, str, str] | None = None, limit: int = 20
    ) -> list[Hit]:
        mine = {key: kept for key, kept in self._conversations.items() if kept.header.principal == principal}
        places = ((at, key, said) for key, kept in mine.items() for said, at in kept.said.items())
        newest = nlargest(SEARCHED, places)
        texts = ((place, text_of(mine[place[1]].messages[place[2]].message.content)) for place in newest)
        return list(islice(scan(texts, query, before), limit))

    async def delete(self, principal: str, conversation_id: str) -> None:
        await self.get(principal, conversation_id)
        self._books.close_all(conversation_id, DELETED)
        del self._conversations[conversation_id]
        self._deleted.add(conversation_id)
        self._release_files(principal, conversation_id)
        self._names = {name: target for name, target in self._names.items() if target != conversation_id}

    async def forget(self, principal: str, name: str) -> Header | None:
        header = await self.find(principal, name)
        if header is not None:
            await self.delete(principal, header.id)
        return header

    # Log

    async def read(
        self, conversation_id: str, after: int, limit: int = 1000, *, deltas_after: int = 0
    ) -> list[Frame]:
        kept = self._conversations.get(conversation_id)
        if kept is None:
            return []
        first = place(kept.frames, after + 1)
        if deltas_after <= after:
            return kept.frames[first : first + limit]
        rest = islice(kept.frames, first, None)
        return list(islice((f for f in rest if f.type != BlockDelta.type or f.seq > deltas_after), limit))

    async def last_seqs(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        found = ((key, self._conversations.get(key)) for key in conversation_ids)
        return {key: kept.header.last_seq for key, kept in found if kept is not None}

    async def path(self, conversation_id: str, message_id: str | None) -> list[PlacedMessage]:
        path: list[PlacedMessage] = []
        messages = self._kept(conversation_id).messages if message_id is not None else {}
        while message_id is not None:
            if message_id not in messages:
                raise NotFound("There is no such message in this conversation.")
            path.append(messages[message_id])
            message_id = path[-1].message.parent_id
        path.reverse()
        return path

    async def totals(self, conversation_id: str) -> Totals:
        kept = self._kept(conversation_id)
        rows = self._books.usage(UsageQuery(conversation_id=conversation_id, by=()))
        row = rows[0] if rows else UsageRow(key={})
        return Totals(
            turns=sum(turn.status not in ("queued", "running", "waiting") for turn in kept.turns.values()),
            usage=row.usage,
            cost_nanodollars=row.cost_nanodollars,
            saved_nanodollars=row.saved_nanodollars,
        )

    # Ledger

    async def usage(self, query: UsageQuery) -> list[UsageRow]:
        return self._books.usage(query)

    async def left(self, limits: Sequence[Limit]) -> list[int]:
        return self._books.left(limits)

    # Appending

    async def append(self, conversation_id: str, change: Change, lease: Lease | None = None) -> list[Frame]:
        kept = self._held(lease) if lease is not None else self._kept(conversation_id)
        self._check_files(kept.header.principal, files_of(change.events))
        if change.hold is not None:
            self._books.hold(change.hold)
        return self._commit(kept, change, lease.turn_id if lease is not None else None)

    async def flush(self, batch: Sequence[tuple[Lease, Sequence[Event]]]) -> list[list[Frame] | None]:
        results: list[list[Frame] | None] = []
        for lease, events in batch:
            try:
                results.append(self._commit(self._held(lease), Change(events=events), lease.turn_id))
            except FenceLost:
                results.append(None)
        return results

    async def prune(self, before: int, limit: int = 1000) -> bool:
        for kept in self._conversations.values():
            for turn in kept.turns.values():
                if turn.unpruned is not None and turn.unpruned[0] < before:
                    limit -= prune_turn(kept, turn, limit)
                    if limit == 0:
                        return True
        return False

    # Turns

    async def accept(self, acceptance: Acceptance, meanwhile: Callable[[], None] | None = None) -> Accepted:
        del meanwhile  # nothing is waited for
        kept = self._kept(acceptance.conversation_id)
        turn_id = acceptance.queue.turn_id
        if (known := known_key(kept, acceptance, self._clock.now())) is not None:
            return known
        check_message_id(kept, acceptance)
        self._check_files(kept.header.principal, files_of([acceptance.message or acceptance.queue]))
        check_room(kept, acceptance)
        start = acceptance.start
        if start is not None and (kept.lease is not None or start.last_seq != kept.header.last_seq):
            start = None
        if start is not None and start.change.hold is not None:
            self._books.hold(start.change.hold)
        events: list[Event] = []
        if acceptance.when_busy == "interrupt" and kept.lease is not None:
            events.append(
                CancelRequest(
                    at=acceptance.queue.at, turn_id=kept.lease.turn_id, seen_seq=kept.header.last_seq
                )
            )
        if acceptance.message is not None:
            events.append(acceptance.message)
        frames = self._commit(kept, Change(events=[*events, acceptance.queue]), turn_id)
        seq = frames[-1].seq
        if acceptance.message is not None:
            unplaced = message_of(acceptance.message)
            kept.messages[unplaced.id] = PlacedMessage(seq=seq - 1, message=unplaced)
            kept.said[unplaced.id] = kept.header.updated_at
        kept.turns[turn_id] = Turn(seq=seq, message_seq=seq - 1 if acceptance.message else None)
        if acceptance.key is not None:
            expires_at = self._clock.now() + KEY_LIFETIME_S
            kept.keys[acceptance.key] = Key(acceptance.body_hash, turn_id, seq, expires_at)
        lease = None
        if kept.lease is None:
            lease = self._grant(kept, turn_id, acceptance.owner, acceptance.lease_s)
        if start is not None:
            frames += self._commit(kept, start.change, turn_id)
        begun = start is not None
        return Accepted(turn_id=turn_id, seq=seq, lease=lease, frames=frames, header=kept.header, begun=begun)

    async def known(self, acceptance: Acceptance) -> Accepted | None:
        if acceptance.key is None:
            return None
        return known_key(self._kept(acceptance.conversation_id), acceptance, self._clock.now())

    async def turn(self, conversation_id: str, turn_id: str) -> TurnRecord:
        return record_of(self._kept(conversation_id), turn_id)

    async def end(self, lease: Lease, change: Change, lease_s: float) -> Ended:
        kept = self._held(lease)
        frames = self._commit(kept, change, lease.turn_id)
        kept.lease = None
        kept.header = replace(kept.header, running=None)
        waiting = self._oldest_queued(kept)
        following = self._grant(kept, waiting, lease.owner, lease_s) if waiting else None
        return Ended(frames=frames, next=following)

    async def withdraw(self, conversation_id: str, turn_id: str, change: Change) -> list[Frame] | None:
        kept = self._kept(conversation_id)
        if turn_id not in kept.turns:
            raise NotFound("There is no such turn.")
        if kept.turns[turn_id].status != "queued" or kept.header.running == turn_id:
            return None
        return self._commit(kept, change, turn_id)

    async def wait(self, lease: Lease, change: Change, wait_s: float, last_seq: int) -> list[Frame] | None:
        kept = self._held(lease)
        if kept.header.last_seq != last_seq:
            return None
        frames = self._commit(kept, change, lease.turn_id)
        kept.lease = replace(lease, owner=NOBODY)
        kept.lease_until = self._clock.now() + wait_s
        return frames

    async def resolve(self, conversation_id: str, decision: ApprovalResolve) -> list[Frame]:
        kept = self._kept(conversation_id)
        approval = kept.approvals.get(decision.approval_id)
        if approval is None:
            raise NotFound("There is no such approval.")
        in_time = waits(kept, approval.turn_id) and kept.lease_until > self._clock.now()
        if not check_decision(approval.decided, decision, waits=in_time):
            return []
        frames = self._commit(kept, Change(events=[decision]), None)
        put_approval(kept, replace(approval, decided=decided_as(decision)))
        turn_id = approval.turn_id
        if all(each.decided for each in kept.approvals.values() if each.turn_id == turn_id):
            kept.turns[turn_id].status = "running"
            kept.lease_until = 0.0
        return frames

    async def renew(self, leases: Sequence[Lease], lease_s: float) -> list[Lease]:
        lost = []
        for lease in leases:
            try:
                self._held(lease).lease_until = self._clock.now() + lease_s
            except FenceLost:
                lost.append(lease)
        return lost

    async def claim(
        self, owner: str, lease_s: float, limit: int = 16, *, only: str | None = None
    ) -> list[Lease]:
        claimed: list[Lease] = []
        now = self._clock.now()
        for conversation_id, kept in self._conversations.items():
            if only is not None and conversation_id != only:
                continue
            if len(claimed) == limit:
                break
            if kept.lease is not None and kept.lease_until <= now:
                recovered = kept.turns[kept.lease.turn_id].status != "queued"
                claimed.append(self._grant(kept, kept.lease.turn_id, owner, lease_s, recovered=recovered))
            elif kept.lease is None and (turn_id := self._oldest_queued(kept)):
                claimed.append(self._grant(kept, turn_id, owner, lease_s))
        return claimed

    # Inside a transaction

    def _kept(self, conversation_id: str) -> Kept:
        kept = self._conversations.get(conversation_id)
        if kept is None:
            raise NotFound("There is no such conversation.")
        return kept

    def _held(self, lease: Lease) -> Kept:
        kept = self._conversations.get(lease.conversation_id)
        held = kept.lease if kept else None
        if kept is None or held is None or (held.counter, held.owner) != (lease.counter, lease.owner):
            raise FenceLost("Another replica runs this turn now; nothing was written here.")
        return kept

    def _commit(self, kept: Kept, change: Change, turn_id: str | None) -> list[Frame]:
        last_seq = kept.header.last_seq + len(change.events)
        frames = encode_all(change.events, last_seq)
        kept.frames.extend(frames)
        kept.header = header_after(kept.header, header_changes(change), last_seq)
        self._use_files(kept.header.principal, kept.header.id, files_of(change.events))
        for news in self._listeners:
            news.hear(kept.header.id, last_seq)
        for message in change.messages:
            kept.messages[message.id] = PlacedMessage(seq=last_seq, message=message)
            kept.said.setdefault(message.id, kept.header.updated_at)
        for message_id in change.removed:
            kept.messages.pop(message_id, None)
            kept.said.pop(message_id, None)
        set_turns(kept, change, turn_id)
        if not change.imported:
            header, entries = kept.header, ledger_changes(change.events, turn_id)
            self._books.write(header.principal, header.id, entries, change.hold)
        return frames

    def _grant(
        self, kept: Kept, turn_id: str, owner: str, lease_s: float, *, recovered: bool = False
    ) -> Lease:
        kept.counter += 1
        kept.lease = Lease(kept.header.id, turn_id, kept.counter, owner, recovered)
        kept.lease_until = self._clock.now() + lease_s
        kept.header = replace(kept.header, running=turn_id)
        return kept.lease

    def _oldest_queued(self, kept: Kept) -> str | None:
        return next((turn_id for turn_id, turn in kept.turns.items() if turn.status == "queued"), None)
