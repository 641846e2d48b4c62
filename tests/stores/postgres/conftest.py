"""One server per test process, and for each test a database of its own, copied from a migrated one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count

import asyncpg
import pytest

from antiphon.stores.sql.postgres import PostgresDatabase
from antiphon.stores.sql.store import SqlStore
from tests.stores.postgres.server import Server, running

_numbers = count(1)


async def run_sql(url: str, statement: str) -> list[asyncpg.Record]:
    """On a session of its own, outside of any transaction."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def migrated(server: Server) -> str:
    """The name of a database that holds the tables and nothing else."""

    async def make() -> None:
        await run_sql(server.url(), "CREATE DATABASE migrated")
        database = PostgresDatabase(server.url("migrated"))
        await database.open()
        await database.close()

    asyncio.run(make())
    return "migrated"


@pytest.fixture
async def empty_url(server: Server) -> str:
    """A database without any table."""
    return await _new_database(server, "template0")


@pytest.fixture
async def url(server: Server, migrated: str) -> str:
    return await _new_database(server, migrated)


@pytest.fixture
async def database(url: str) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    store = SqlStore(PostgresDatabase(url))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other(url: str) -> AsyncIterator[SqlStore]:
    """Another replica's store, on the same database."""
    store = SqlStore(PostgresDatabase(url))
    await store.open()
    yield store
    await store.close()


async def _new_database(server: Server, template: str) -> str:
    """Its URL. It goes with the server: dropping it would cost more than the test."""
    name = f"test_{next(_numbers)}"
    await run_sql(server.url(), f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.url(name)
