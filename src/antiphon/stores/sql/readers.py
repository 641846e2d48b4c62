"""Reading a SQLite file beside its writer: a few threads, each with a connection of its own that it keeps."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine

from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.direct import DirectConnection, sqlite_errors

T = TypeVar("T")

READERS = 4
READING = "BEGIN"


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
