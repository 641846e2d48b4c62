"""The SQLite driver: one write connection in a thread of its own, readers beside it (WAL)."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import sqlalchemy
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import NullPool, StaticPool

from antiphon.errors import ConfigurationError, StoreUnavailable
from antiphon.stores.base import Hint, Lease
from antiphon.stores.finishing import finish
from antiphon.stores.sql.checkpoints import CHECKPOINT_S, Checkpoints
from antiphon.stores.sql.database import Connection, EventRow
from antiphon.stores.sql.direct import DirectConnection, driver_of, sqlite_errors
from antiphon.stores.sql.group import Transaction, commit_group
from antiphon.stores.sql.migrate import migrate
from antiphon.stores.sql.readers import READING, Glances, NotNow, Readers
from antiphon.stores.sql.statements import CONVERSATION
from antiphon.stores.sql.writer import Writer

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5000
LOOK_S = 0.020
WRITING = "BEGIN IMMEDIATE"

WRITER_CACHE_KIB, READER_CACHE_KIB = 8192, 256
"""Pages that a connection keeps. Readers find theirs in the system's own cache; the writer changes the same
ones again and again."""

CHECKPOINT_PAGES = 8000
"""How far the log grows (32 MiB) before a commit itself copies it, if there is never a rest.

A thousand answers write a thousand pages with each commit, the same ones again and again: at SQLite's own
1,000 each commit would be followed by a copy.
"""

SIZES = (64, 8, 1)
"""How many rows the statements of a flush take: few sizes, so that the driver knows each statement already.

Each run of a statement, and each row that it gives back, lets go of the interpreter, and has to get it again
from a busy event loop. So a flush takes few of both: many rows go in, and what comes out is one value.
"""

_NO_CLAIM = (None,) * 5


def _claims(size: int) -> str:
    """Rows of `(conversation_id, turn_id, counter, owner, count)` and their number. Turns are different."""
    rows = ", ".join(f"(?, ?, ?, ?, ?, {number})" for number in range(size))
    return f"(VALUES {rows}) AS claim"


_FENCE = (
    " WHERE conversations.id = claim.column1 AND conversations.running = claim.column2"
    " AND conversations.counter = claim.column3 AND conversations.lease_owner = claim.column4"
)
_REACHED = {
    size: text(
        "SELECT json_group_array(json_array(claim.column6, conversations.last_seq + claim.column5))"  # noqa: S608
        f" FROM {_claims(size)} CROSS JOIN conversations{_FENCE}"
    )
    for size in SIZES
}
_ADVANCE = {
    size: text(
        "UPDATE conversations SET last_seq = last_seq + claim.column5"  # noqa: S608
        f" FROM {_claims(size)}{_FENCE}"
    )
    for size in SIZES
}
_ADVANCE_ONE = text(
    "UPDATE conversations SET last_seq = last_seq + ?"
    " WHERE id = ? AND running = ? AND counter = ? AND lease_owner = ? RETURNING last_seq"
)
_RENEW = {
    size: text(f"UPDATE conversations SET lease_until = ? FROM {_claims(size)}{_FENCE}")  # noqa: S608
    for size in SIZES
}
_LAST_SEQS = text(
    "SELECT json_group_array(json_array(id, last_seq)) FROM conversations"
    " WHERE id IN (SELECT value FROM json_each(:ids))"
)
_ADD_EVENTS = {
    size: text(
        "INSERT INTO events (conversation_id, seq, type, data) VALUES "  # noqa: S608
        + ", ".join(["(?, ?, ?, ?)"] * size)
    )
    for size in SIZES
}


class SqliteDatabase:
    """A file, made with its folder if it is not there. Several processes may share it."""

    def __init__(self, path: Path, *, checkpoint_s: float = CHECKPOINT_S) -> None:
        self._path = path
        self._writing: DirectConnection | None = None
        """The one connection of the writer's thread, from `open` to `close`."""
        self._seen = 0
        self._looked_at = 0.0
        url = f"sqlite:///{path}"
        self._write_engine = create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        read_engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})
        _configure(self._write_engine, begin=WRITING, cache_kib=WRITER_CACHE_KIB)
        _configure(read_engine, begin=READING, cache_kib=READER_CACHE_KIB)
        self._readers = Readers(read_engine)
        self._checkpoints = Checkpoints(read_engine, checkpoint_s)
        self._writer = Writer(self._commit, afterwards=self._look_again, idle=self._checkpoints.rest)
        self._glances = Glances(read_engine)

    async def open(self) -> None:
        def start() -> None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            migrate(self._write_engine, copy_to=self._path)
            self._writing = DirectConnection(self._write_engine.connect(), WRITING)
            self._glances.open()

        try:
            with sqlite_errors():
                await self._writer.run(start)
        except StoreUnavailable as error:
            if _busy(error.__cause__):
                raise
            raise ConfigurationError(
                f"{self._path} cannot be opened as a database: it is another kind of file, or cannot be "
                "read or made there. Nothing was changed; choose another path for the store."
            ) from error

    async def close(self) -> None:
        def stop() -> None:
            if self._writing is not None:
                self._writing.close()
            self._write_engine.dispose()

        self._glances.close()
        await self._writer.run(stop)
        self._writer.close()
        self._checkpoints.close()  # the last commit may have asked for one
        self._readers.close()

    async def write(
        self, transaction: Callable[[Connection], T], meanwhile: Callable[[], None] | None = None
    ) -> T:
        return await self._writer.write(transaction, meanwhile)

    def _commit(self, work: Sequence[Transaction], syncing: Callable[[], None]) -> list[Any]:
        assert self._writing is not None
        self._checkpoints.committing()
        return commit_group(self._writing, work, syncing)

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        return await finish(self._readers.read(transaction))

    async def glance(self, transaction: Callable[[Connection], T]) -> T:
        try:
            return self._glances.read(transaction)
        except NotNow:
            return await self.read(transaction)

    def now(self, connection: Connection) -> float:
        """The machine's clock: the file and its processes are on one machine."""
        del connection
        return time.time()

    def advance(
        self, connection: Connection, claims: Sequence[tuple[Lease, int]], until: float | None = None
    ) -> list[int | None]:
        rows = [
            (lease.conversation_id, lease.turn_id, lease.counter, lease.owner, count)
            for lease, count in claims
        ]
        if len(rows) == 1 and until is None:
            *fence, count = rows[0]
            return [_direct(connection).execute(_ADVANCE_ONE, (count, *fence)).scalar_one_or_none()]
        last_seqs: list[int | None] = [None] * len(rows)
        for first in range(0, len(rows), SIZES[0]):
            some = rows[first : first + SIZES[0]]
            size = min(size for size in SIZES if size >= len(some))
            values = (*chain.from_iterable(some), *_NO_CLAIM * (size - len(some)))
            reached = _direct(connection).execute(_REACHED[size], values).scalar_one()
            for number, last_seq in msgspec.json.decode(reached):
                last_seqs[first + number] = last_seq
            _direct(connection).execute(_ADVANCE[size], values)
            if until is not None:
                _direct(connection).execute(_RENEW[size], (until, *values))
        return last_seqs

    def last_seqs(self, connection: Connection, conversation_ids: Sequence[str]) -> dict[str, int]:
        asked = {"ids": msgspec.json.encode(conversation_ids).decode()}
        found: list[tuple[str, int]] = msgspec.json.decode(connection.execute(_LAST_SEQS, asked).scalar_one())
        return dict(found)

    def add_events(self, connection: Connection, rows: list[EventRow]) -> None:
        first = 0
        while first < len(rows):
            size = max(size for size in SIZES if size <= len(rows) - first)
            values = tuple(chain.from_iterable(rows[first : first + size]))
            _direct(connection).execute(_ADD_EVENTS[size], values)
            first += size

    def grew(self, connection: Connection, frames: Mapping[str, int]) -> None:
        """The file's own change counter tells."""

    async def hints(self) -> AsyncGenerator[Hint | None, None]:
        """Commits by other processes, seen by the file's change counter.

        The write connection looks, because its own commits do not count for it.
        """
        await self._writer.run(self._look)
        seen = self._seen
        yield None
        while True:
            await asyncio.sleep(LOOK_S)
            if time.monotonic() - self._looked_at >= LOOK_S:
                await self._writer.run(self._look)
            if self._seen != seen:
                seen = self._seen
                yield None

    def _look_again(self) -> None:
        """In the writer's thread, while it is at it."""
        if time.monotonic() - self._looked_at >= LOOK_S / 2:
            with suppress(StoreUnavailable):
                self._look()

    def _look(self) -> None:
        assert self._writing is not None
        with sqlite_errors():
            (self._seen,) = self._writing.driver.execute("PRAGMA data_version").fetchone() or (0,)
        self._looked_at = time.monotonic()

    def lock(self, connection: Connection, conversation_id: str) -> None:
        """`BEGIN IMMEDIATE` holds the whole file already."""

    def locked(self, connection: Connection, conversation_id: str) -> tuple[Any, float]:
        return connection.execute(CONVERSATION, {"id": conversation_id}).first(), self.now(connection)


def _direct(connection: Connection) -> DirectConnection:
    """Transactions of this database are given no other."""
    assert isinstance(connection, DirectConnection)
    return connection


def _busy(error: BaseException | None) -> bool:
    """Whether other processes had the file locked for too long."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _log_ahead(cursor: sqlite3.Cursor) -> None:
    """Where several open a new file at once, SQLite does not wait for the one that changes its mode."""
    patience = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _busy(error) or time.monotonic() >= patience:
                raise
            time.sleep(0.005)
        else:
            return


def _configure(engine: Engine, *, begin: str, cache_kib: int) -> None:
    """Let SQLAlchemy, not the driver, begin transactions; set what durability and sharing need."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _log_ahead(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        cursor.execute(f"PRAGMA cache_size = -{cache_kib}")
        cursor.execute("PRAGMA temp_store = MEMORY")  # pages as they were before a statement changed them
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: sqlalchemy.Connection) -> None:
        driver = driver_of(connection)
        if not driver.in_transaction:  # else it joins what was begun there
            driver.execute(begin)
