"""What is in SQLite's write-ahead log, copied into the file beside the commits."""

import asyncio
import os
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import sqlalchemy
from sqlalchemy import Engine

from antiphon.stores.sql.direct import driver_of

CHECKPOINT_S, REST_S = 1.0, 0.020
"""Between two copies, and how long nothing was committed before one.

If nothing is committed until it is done, the log begins anew in the room that it has on the disk, where a
sync takes less than where it grows.
"""

NICE = 19


class Checkpoints:
    """In a thread of its own, which steps back for all others: answers come first."""

    def __init__(self, engine: Engine, every_s: float = CHECKPOINT_S) -> None:
        self._engine = engine
        self._every_s = every_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="antiphon-copy", initializer=_step_back)
        self._connection: sqlalchemy.Connection | None = None
        self._not_before = 0.0
        self._resting: asyncio.TimerHandle | None = None
        self._commits = 0

    def committing(self) -> None:
        self._commits += 1

    def rest(self) -> None:
        """Nothing waits to be committed: if that lasts, what is in the log is copied."""
        if self._resting is None and time.monotonic() >= self._not_before:
            loop = asyncio.get_running_loop()
            self._resting = loop.call_later(REST_S, self._rested, self._commits)

    def close(self) -> None:
        """Wait for what is being copied."""
        if self._resting is not None:
            self._resting.cancel()
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    def _rested(self, commits: int) -> None:
        self._resting = None
        if commits == self._commits:
            self._not_before = time.monotonic() + self._every_s
            self._thread.submit(self._copy)

    def _copy(self) -> None:
        if self._connection is None:
            self._connection = self._engine.connect()
        with suppress(sqlite3.Error):  # it stays in the log, and the next commit shows what is wrong
            driver_of(self._connection).execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def _step_back() -> None:
    if sys.platform == "linux":  # elsewhere this is of whole processes
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
