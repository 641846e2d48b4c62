"""`SqlStore`: the protocol, each method one transaction on the database it was given."""

from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial

from antiphon.domain.conversations import Header, PlacedMessage, Totals
from antiphon.domain.events import ApprovalResolve, ConversationCreate, Event
from antiphon.domain.files import FILE_HELD_S, File, FileFacts
from antiphon.money.budgets import Limit
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.stores.base import Acceptance, Accepted, Change, Ended, Hint, Hit, Lease, TurnRecord
from antiphon.stores.frames import Frame
from antiphon.stores.sql import approvals, conversations, files, ledger, log, pruning, search, turns
from antiphon.stores.sql.database import Connection, Database


class SqlStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    def hints(self) -> AsyncGenerator[Hint | None, None]:
        return self._database.hints()

    # Conversations

    async def create(
        self, principal: str, conversation_id: str, event: ConversationCreate, *, name: str | None = None
    ) -> Header:
        return await self._database.write(
            lambda connection: conversations.create(connection, principal, conversation_id, event, name)
        )

    async def get(self, principal: str, conversation_id: str) -> Header:
        return await self._database.glance(
            lambda connection: conversations.get(connection, principal, conversation_id)
        )

    async def find(self, principal: str, name: str) -> Header | None:
        return await self._database.glance(lambda connection: conversations.find(connection, principal, name))

    async def recent(self, principal: str, *, before: tuple[int, str] | None, limit: int) -> list[Header]:
        return await self._database.read(
            lambda connection: conversations.recent(connection, principal, before, limit)
        )

    async def search(
        self, principal: str, query: str, *, before: tuple[int, str, str] | None = None, limit: int = 20
    ) -> list[Hit]:
        return await self._database.read(
            lambda connection: search.find(connection, principal, query, before, limit)
        )

    async def delete(self, principal: str, conversation_id: str) -> None:
        def transaction(connection: Connection) -> None:
            now = self._database.now(connection)
            conversations.remove(connection, principal, conversation_id, now)

        await self._database.write(transaction)

    async def forget(self, principal: str, name: str) -> Header | None:
        return await self._database.write(
            lambda connection: conversations.forget(
                connection, principal, name, self._database.now(connection)
            )
        )

    # Log

    async def read(
        self, conversation_id: str, after: int, limit: int = 1000, *, deltas_after: int = 0
    ) -> list[Frame]:
        return await self._database.read(
            lambda connection: log.read(connection, conversation_id, after, limit, deltas_after)
        )

    async def last_seqs(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        return await self._database.read(
            lambda connection: self._database.last_seqs(connection, conversation_ids)
        )

    async def path(self, conversation_id: str, message_id: str | None) -> list[PlacedMessage]:
        if message_id is None:
            return []
        return await self._database.read(lambda connection: log.path(connection, conversation_id, message_id))

    async def totals(self, conversation_id: str) -> Totals:
        return await self._database.read(lambda connection: log.totals(connection, conversation_id))

    async def append(self, conversation_id: str, change: Change, lease: Lease | None = None) -> list[Frame]:
        def transaction(connection: Connection) -> list[Frame]:
            frames = log.append(connection, conversation_id, change, lease)
            self._tell(connection, conversation_id, frames)
            return frames

        return await self._database.write(transaction)

    async def flush(self, batch: Sequence[tuple[Lease, Sequence[Event]]]) -> list[list[Frame] | None]:
        def transaction(connection: Connection) -> list[list[Frame] | None]:
            return log.flush(self._database, connection, batch)

        return await self._database.write(transaction)

    async def prune(self, before: int, limit: int = 1000) -> bool:
        def transaction(connection: Connection) -> bool:
            return pruning.prune(connection, before, limit, self._database.now(connection))

        return await self._database.write(transaction)

    # Files

    async def put_file(self, principal: str, file: File, held_s: float = FILE_HELD_S) -> None:
        def transaction(connection: Connection) -> None:
            files.put(connection, principal, file, self._database.now(connection) + held_s)

        await self._database.write(transaction)

    async def file(self, principal: str, file_id: str) -> File:
        return await self._database.read(lambda connection: files.get(connection, principal, file_id))

    async def file_facts(self, principal: str, file_ids: Sequence[str]) -> dict[str, FileFacts]:
        return await self._database.read(lambda connection: files.facts_of(connection, principal, file_ids))

    async def drop_files(self, limit: int = 100) -> bool:
        return await self._database.write(
            lambda connection: files.drop(connection, limit, self._database.now(connection))
        )

    # Ledger

    async def usage(self, query: UsageQuery) -> list[UsageRow]:
        return await self._database.read(lambda connection: ledger.usage(connection, query))

    async def left(self, limits: Sequence[Limit]) -> list[int]:
        return await self._database.read(lambda connection: ledger.left(connection, limits))

    # Turns

    async def accept(self, acceptance: Acceptance, meanwhile: Callable[[], None] | None = None) -> Accepted:
        def transaction(connection: Connection) -> Accepted:
            row, now = self._database.locked(connection, acceptance.conversation_id)
            accepted = turns.accept(connection, row, acceptance, now)
            self._tell(connection, acceptance.conversation_id, accepted.frames)
            return accepted

        return await self._database.write(transaction, meanwhile)

    async def known(self, acceptance: Acceptance) -> Accepted | None:
        return await self._database.glance(
            lambda connection: turns.known(connection, acceptance, self._database.now(connection))
        )

    async def turn(self, conversation_id: str, turn_id: str) -> TurnRecord:
        return await self._database.read(lambda connection: turns.turn(connection, conversation_id, turn_id))

    async def end(self, lease: Lease, change: Change, lease_s: float) -> Ended:
        def transaction(connection: Connection) -> Ended:
            self._database.lock(connection, lease.conversation_id)
            until = partial(self._until, connection, lease_s)
            ended = turns.end(connection, lease, change, until)
            self._tell(connection, lease.conversation_id, ended.frames)
            return ended

        return await self._database.write(transaction)

    async def withdraw(self, conversation_id: str, turn_id: str, change: Change) -> list[Frame] | None:
        def transaction(connection: Connection) -> list[Frame] | None:
            self._database.lock(connection, conversation_id)
            frames = turns.withdraw(connection, conversation_id, turn_id, change)
            self._tell(connection, conversation_id, frames or ())
            return frames

        return await self._database.write(transaction)

    async def renew(self, leases: Sequence[Lease], lease_s: float) -> list[Lease]:
        return await self._database.write(
            lambda connection: turns.renew(
                self._database, connection, leases, self._database.now(connection) + lease_s
            )
        )

    async def wait(self, lease: Lease, change: Change, wait_s: float, last_seq: int) -> list[Frame] | None:
        def transaction(connection: Connection) -> list[Frame] | None:
            self._database.lock(connection, lease.conversation_id)
            until = self._database.now(connection) + wait_s
            frames = approvals.wait(connection, lease, change, until, last_seq)
            self._tell(connection, lease.conversation_id, frames or ())
            return frames

        return await self._database.write(transaction)

    async def resolve(self, conversation_id: str, decision: ApprovalResolve) -> list[Frame]:
        def transaction(connection: Connection) -> list[Frame]:
            self._database.lock(connection, conversation_id)
            now = self._database.now(connection)
            frames = approvals.resolve(connection, conversation_id, decision, now)
            self._tell(connection, conversation_id, frames)
            return frames

        return await self._database.write(transaction)

    async def claim(
        self, owner: str, lease_s: float, limit: int = 16, *, only: str | None = None
    ) -> list[Lease]:
        return await self._database.write(
            lambda connection: turns.claim(
                connection, owner, lease_s, self._database.now(connection), limit, only
            )
        )

    def _until(self, connection: Connection, lease_s: float) -> float:
        return self._database.now(connection) + lease_s

    def _tell(self, connection: Connection, conversation_id: str, frames: Sequence[Frame]) -> None:
        if frames:
            self._database.grew(connection, {conversation_id: frames[-1].seq})
