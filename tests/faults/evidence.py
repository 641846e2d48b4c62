"""What is left when a run is over: the store's log by its own reading, its tables as they stand, and what the
replicas wrote into their own logs.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Row, Table, select

from antiphon.service import LOCAL_PRINCIPAL
from antiphon.stores.sql import tables
from antiphon.stores.sql.database import Connection, Database
from antiphon.stores.sql.postgres import PostgresDatabase
from antiphon.stores.sql.rows import message_of
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from tests.faults.evidence_redis import all_frames, in_redis
from tests.faults.history import LeaseLost, Stored, attempts_of


async def stored_conversations(store_url: str, conversation_ids: Iterable[str]) -> dict[str, Stored]:
    if store_url.startswith("redis://"):
        return await in_redis(store_url, conversation_ids)
    database = _database(store_url)
    store = SqlStore(database)
    await store.open()
    try:
        return {each: await _stored(database, store, each) for each in conversation_ids}
    finally:
        await store.close()


def _database(store_url: str) -> Database:
    scheme, _, rest = store_url.partition("://")
    return SqliteDatabase(Path(rest[1:])) if scheme == "sqlite" else PostgresDatabase(store_url)


async def _stored(database: Database, store: SqlStore, conversation_id: str) -> Stored:
    async def rows(table: Table) -> list[Row[Any]]:
        def transaction(connection: Connection) -> list[Row[Any]]:
            found = select(table).filter_by(conversation_id=conversation_id)
            return list(connection.execute(found).all())

        return await database.read(transaction)

    placed = [message_of(row).message for row in await rows(tables.messages)]
    return Stored(
        header=await store.get(LOCAL_PRINCIPAL, conversation_id),
        frames=await all_frames(store, conversation_id),
        messages={message.id: message for message in placed},
        turns={row.id: row.status for row in await rows(tables.turns)},
        attempts=attempts_of(await rows(tables.ledger)),
        keys={row.key: row.turn_id for row in await rows(tables.keys)},
    )


class _Line(msgspec.Struct):
    """A line of a replica's log, as far as it is about a lease that was lost."""

    event: str
    timestamp: str
    turn_id: str = ""
    counter: int = 0
    unrenewed_s: float = 0.0


def leases_lost(lines: Iterable[bytes]) -> tuple[LeaseLost, ...]:
    """What replicas say of leases that they lost; other lines are skipped."""
    read = [msgspec.json.decode(line, type=_Line) for line in lines if b'"lease_lost"' in line]
    return tuple(
        LeaseLost(
            turn_id=line.turn_id,
            counter=line.counter,
            unrenewed_s=line.unrenewed_s,
            noticed=round(1000 * datetime.fromisoformat(line.timestamp).timestamp()),
        )
        for line in read
    )
