"""Counts what SQLite reads and writes on all connections that are made in this process."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

PAGE_BYTES, FRAME_HEAD, FILE_HEAD = 4096, 24, 32
"""Of a write-ahead log. Source: the SQLite file format, section 4."""


@dataclass(slots=True)
class Counts:
    rows_read: int = 0
    connections: list[sqlite3.Connection] = field(default_factory=list)

    def rows_written(self) -> int:
        """Rows that were inserted, changed or deleted so far, those of triggers too."""
        return sum(connection.total_changes for connection in self.connections)


@contextmanager
def counting() -> Iterator[Counts]:
    """Counts for every SQLite connection that SQLAlchemy makes within it."""
    counts = Counts()

    class Cursor(sqlite3.Cursor):
        counted = True

        def execute(self, sql: str, *args: Any) -> Any:
            self.counted = not sql.startswith("PRAGMA")  # whether the file changed: no row of a table
            return super().execute(sql, *args)

        def fetchone(self) -> Any:
            row = super().fetchone()
            counts.rows_read += self.counted and row is not None
            return row

        def fetchmany(self, *args: Any) -> list[Any]:
            rows = super().fetchmany(*args)
            counts.rows_read += len(rows) * self.counted
            return rows

        def fetchall(self) -> list[Any]:
            rows = super().fetchall()
            counts.rows_read += len(rows) * self.counted
            return rows

    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any, **__: Any) -> Any:
            return super().cursor(Cursor)

        def execute(self, sql: str, *args: Any) -> Any:  # its own makes a cursor that is not ours
            return self.cursor().execute(sql, *args)

    def connecting(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
        options["factory"] = Connection

    def connected(connection: Any, _record: Any) -> None:
        counts.connections.append(connection)

    event.listen(Engine, "do_connect", connecting)
    event.listen(Engine, "connect", connected)
    try:
        yield counts
    finally:
        event.remove(Engine, "do_connect", connecting)
        event.remove(Engine, "connect", connected)


def empty_log(database: Path) -> None:
    """Bring all that is written into the file itself, and cut the write-ahead log to nothing."""
    connection = sqlite3.connect(database)
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    if busy:
        raise ValueError("the write-ahead log is in use")


def pages_written(database: Path) -> int:
    """Pages in the write-ahead log since `empty_log`."""
    size = database.with_name(f"{database.name}-wal").stat().st_size
    return max(0, size - FILE_HEAD) // (PAGE_BYTES + FRAME_HEAD)
