"""The stores, each new and empty, with every safety on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stores.postgres import server as postgres
from tests.stores.redis import servers as redis

SHARED = ("SQLite", "PostgreSQL", "Valkey")
"""Those that several processes can share."""


@contextmanager
def store(name: str) -> Iterator[str]:
    """The address of a store that is there for the time of the context."""
    match name:
        case "memory":
            yield "memory://"
        case "SQLite":
            with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder:
                yield f"sqlite:///{Path(folder) / 'bench.db'}"
        case "PostgreSQL":
            with postgres.running() as server:
                yield server.url()
        case "Valkey":
            options = (*redis.KEEPING, *redis.SYNCED)
            with (
                tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder,
                redis.running("valkey", Path(folder), *options) as running,
            ):
                yield running.url
        case _:
            raise ValueError(name)
