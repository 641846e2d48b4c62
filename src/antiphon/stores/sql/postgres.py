"""The PostgreSQL driver: a pool of sessions, row locks, and notifications for other replicas."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from antiphon.errors import ConfigurationError
from antiphon.stores.base import Hint, Lease
from antiphon.stores.finishing import finish
from antiphon.stores.sql.database import Connection, EventRow
from antiphon.stores.sql.migrate import is_current, schema_of, upgrade
from antiphon.stores.sql.postgres_hints import CHANNEL, listen, payload_of
from antiphon.stores.sql.postgres_sessions import (
    connect,
    connect_unbounded,
    opening,
    passes,
    postgres_errors,
)
from antiphon.stores.sql.statements import ADD_EVENT

T = TypeVar("T")

SESSIONS = 10
"""One process cannot keep more of them busy, and ten replicas stay below PostgreSQL's usual 100."""

POOL_WAIT_S = 5.0
SESSION_LIFE_S = 600
"""Sessions that were idle for longer may have been dropped by something on the way, without a word."""

TRIES = 3
_DRIVER = "postgresql+asyncpg://"

_MIGRATING = text("SELECT pg_advisory_xact_lock(7020094461950582128)")
"""Any number will do if all replicas, also older and newer ones, use the same."""

_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")
_LOCK = text("SELECT 1 FROM conversations WHERE id = :id FOR NO KEY UPDATE")
_LOCKED = text(
    "SELECT held.*, CAST(extract(epoch FROM clock_timestamp()) AS double precision) AS now"
    " FROM (SELECT * FROM conversations WHERE id = :id FOR NO KEY UPDATE) AS held"
)
"""The clock is outside: it is read once the row is held."""
_LAST_SEQS = text("SELECT id, last_seq FROM conversations WHERE id = ANY(CAST(:ids AS TEXT[]))")
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")
_ADVANCE = (
    "WITH claim AS (SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:turns AS text[]),"
    " CAST(:counters AS bigint[]), CAST(:owners AS text[]), CAST(:counts AS bigint[]))"
    " AS claim (id, turn_id, counter, owner, count)),"
    " held AS (SELECT id FROM conversations WHERE id = ANY (CAST(:ids AS text[])) ORDER BY id"
    " FOR NO KEY UPDATE)"
    " UPDATE conversations SET {changes} FROM held JOIN claim ON claim.id = held.id"
    " WHERE conversations.id = held.id AND conversations.counter = claim.counter"
    " AND conversations.lease_owner = claim.owner AND conversations.running = claim.turn_id"
    " RETURNING conversations.id, conversations.counter, conversations.lease_owner, conversations.last_seq"
)
"""Rows are locked in the order of their ids, as everywhere, so that no two commits wait for each other."""
_CLAIM = text(_ADVANCE.format(changes="last_seq = last_seq + claim.count"))
_RENEW = text(
    _ADVANCE.format(
        changes="last_seq = last_seq + claim.count, lease_until = CAST(:until AS double precision)"
    )
)


class PostgresDatabase:
    """A database of its own on a server. Any number of replicas may share it.

    Transactions may run more than once until they succeed: they are functions of the connection alone.
    """

    def __init__(self, url: str, *, migrate: bool = True) -> None:
        self._url = url
        self._migrates = migrate
        self._engine = create_async_engine(
            _DRIVER,
            async_creator=partial(connect, url),
            pool_size=SESSIONS,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            pool_recycle=SESSION_LIFE_S,
            pool_use_lifo=True,
            hide_parameters=True,
        )
        self._snapshots = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def open(self) -> None:
        """Connect, and bring the tables to what this code reads and writes.

        Raises:
            StoreUnavailable, NewerData.
            ConfigurationError: the address is refused, or the schema is behind and may not be migrated here.
        """
        with opening():
            if is_current(await self.read(schema_of)):
                return
            if not self._migrates:
                raise ConfigurationError(
                    "The database is behind this version of Antiphon, and ANTIPHON_MIGRATE=never forbids to "
                    "change it here. Nothing was changed; run `antiphon migrate`."
                )
            await self._upgrade()

    async def _upgrade(self) -> None:
        """One replica migrates; those that come meanwhile wait, and find it done."""
        engine = create_async_engine(
            _DRIVER, async_creator=partial(connect_unbounded, self._url), poolclass=NullPool
        )
        try:
            async with engine.begin() as connection:
                await connection.execute(_MIGRATING)
                if not is_current(await connection.run_sync(schema_of)):
                    await connection.run_sync(upgrade)
        finally:
            await engine.dispose()

    async def close(self) -> None:
        with postgres_errors():
            await self._engine.dispose()

    async def write(
        self, transaction: Callable[[sqlalchemy.Connection], T], meanwhile: Callable[[], None] | None = None
    ) -> T:
        if meanwhile is not None:
            asyncio.get_running_loop().call_soon(meanwhile)
        return await finish(_transact(self._engine, transaction))

    async def read(self, transaction: Callable[[sqlalchemy.Connection], T]) -> T:
        return await finish(_transact(self._snapshots, transaction))

    async def glance(self, transaction: Callable[[sqlalchemy.Connection], T]) -> T:
        return await finish(_transact(self._single, transaction))

    def now(self, connection: Connection) -> float:
        """The server's clock: replicas on other machines may have others."""
        return float(connection.execute(_NOW).scalar_one())

    def advance(
        self, connection: Connection, claims: Sequence[tuple[Lease, int]], until: float | None = None
    ) -> list[int | None]:
        leases = [lease for lease, _ in claims]
        values = {
            "ids": [lease.conversation_id for lease in leases],
            "turns": [lease.turn_id for lease in leases],
            "counters": [lease.counter for lease in leases],
            "owners": [lease.owner for lease in leases],
            "counts": [count for _, count in claims],
        }
        rows = (
            connection.execute(_CLAIM, values)
            if until is None
            else connection.execute(_RENEW, {**values, "until": until})
        )
        reached = {tuple(row[:3]): row[3] for row in rows}
        return [reached.get((lease.conversation_id, lease.counter, lease.owner)) for lease in leases]

    def last_seqs(self, connection: Connection, conversation_ids: Sequence[str]) -> dict[str, int]:
        rows = connection.execute(_LAST_SEQS, {"ids": list(conversation_ids)})
        return {row.id: row.last_seq for row in rows}

    def add_events(self, connection: Connection, rows: list[EventRow]) -> None:
        names = ("conversation_id", "seq", "type", "data")
        connection.execute(ADD_EVENT, [dict(zip(names, row, strict=True)) for row in rows])

    def grew(self, connection: Connection, frames: Mapping[str, int]) -> None:
        connection.execute(_NOTIFY, {"channel": CHANNEL, "payload": payload_of(frames)})

    def hints(self) -> AsyncGenerator[Hint | None, None]:
        """Each reader of hints has one session of its own, outside the pool."""
        return listen(self._url)

    def lock(self, connection: Connection, conversation_id: str) -> None:
        connection.execute(_LOCK, {"id": conversation_id})

    def locked(self, connection: Connection, conversation_id: str) -> tuple[Any, float]:
        row = connection.execute(_LOCKED, {"id": conversation_id}).first()
        return row, float(row.now) if row is not None else 0.0


async def _transact(
    engine: AsyncEngine, transaction: Callable[[sqlalchemy.Connection], T], tries: int = TRIES
) -> T:
    """Raises StoreUnavailable, or what the transaction raised on purpose."""
    committing = False
    with postgres_errors():
        try:
            async with engine.connect() as connection:
                outcome = await connection.run_sync(transaction)
                committing = True
                await connection.commit()
                return outcome
        except DBAPIError as error:
            if tries == 1 or not passes(error, committing=committing):
                raise
    return await _transact(engine, transaction, tries - 1)
