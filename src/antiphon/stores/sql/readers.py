"""Reading a SQLite file beside its writer: a few threads, each with a connection of its own that it keeps.

The event loop's thread has one, too, for what is found at once.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine

from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.direct import DirectConnection, sqlite_errors
from antiphon.stores.sql.statements import CONVERSATION

T = TypeVar("T")

READERS = 4

SLOW_S = 0.010
"""A row that takes longer was not in memory."""
CAUTION_S = 1.0
"""How long the event loop's thread then leaves reading to the others."""

READING = "BEGIN"


class Glances:
    """Single rows, found by their keys on the event loop's thread: a way to another thread and back takes
    several times as long. It never waits for a lock, and stops for a while once the disk was slow.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: DirectConnection | None = None
        self._not_before = 0.0

    def open(self) -> None:
        """In any thread."""
        connection = DirectConnection(self._engine.connect(), READING)
        connection.driver.execute("PRAGMA busy_timeout = 0")
        connection.transact(lambda each: each.execute(CONVERSATION, {"id": ""}).first())  # reads the schema
        self._connection = connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, transaction: Callable[[Connection], T]) -> T:
        """Raises NotNow: ask a thread."""
        begun = time.monotonic()
        if self._connection is None or begun < self._not_before:
            raise NotNow
        try:
            return transaction(self._connection)  # one statement needs no transaction around it
        except sqlite3.Error as error:
            raise NotNow from error
        finally:
            if (ended := time.monotonic()) - begun > SLOW_S:
                self._not_before = ended + CAUTION_S


class NotNow(Exception):
    """What was asked for cannot be read without waiting."""


class Readers:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="antiphon-read")
        self._of_thread = threading.local()
        self._connections: list[DirectConnection] = []

    def read(self, transaction: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Run `transaction` on one consistent snapshot. The future raises StoreUnavailable."""
        return asyncio.get_running_loop().run_in_executor(self._threads, self._transact, transaction)

    def _transact(self, transaction: Callable[[Connection], T]) -> T:
        with sqlite_errors():
            return self._connection().transact(transaction)

    def _connection(self) -> DirectConnection:
        known: DirectConnection | None = getattr(self._of_thread, "connection", None)
        if known is None:
            known = self._of_thread.connection = DirectConnection(self._engine.connect(), READING)
            self._connections.append(known)
        return known

    def close(self) -> None:
        """Wait for what is being read, and close all connections."""
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()
        self._engine.dispose()
