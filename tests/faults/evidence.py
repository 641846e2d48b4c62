"""What the store has in the end: its log by the store's own reading, its tables as they stand."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from antiphon.service import LOCAL_PRINCIPAL
from antiphon.stores.frames import Frame
from antiphon.stores.sql import tables
from antiphon.stores.sql.database import Database
from antiphon.stores.sql.postgres import PostgresDatabase
from antiphon.stores.sql.rows import message_of
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from tests.faults.history import Attempt, Stored

PAGE = 1000


async def stored_conversations(store_url: str, conversation_ids: Iterable[str]) -> dict[str, Stored]:
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
    frames: list[Frame] = []
    while page := await store.read(conversation_id, frames[-1].seq if frames else 0, PAGE):
        frames.extend(page)

    async def rows(table: Table) -> list[Row[Any]]:
        def transaction(connection: Connection) -> list[Row[Any]]:
            found = select(table).filter_by(conversation_id=conversation_id)
            return list(connection.execute(found).all())

        return await database.read(transaction)

    placed = [message_of(row).message for row in await rows(tables.messages)]
    return Stored(
        header=await store.get(LOCAL_PRINCIPAL, conversation_id),
        frames=tuple(frames),
        messages={message.id: message for message in placed},
        turns={row.id: row.status for row in await rows(tables.turns)},
        attempts=tuple(_attempt(row) for row in await rows(tables.ledger)),
        keys={row.key: row.turn_id for row in await rows(tables.keys)},
    )


def _attempt(row: Row[Any]) -> Attempt:
    turn_id, step, attempt = row.id.split("/")
    return Attempt(
        turn_id=turn_id,
        step=int(step),
        attempt=int(attempt),
        status=row.status,
        request_id=row.request_id,
        cost_nanodollars=row.cost_nanodollars,
    )
