"""A database comes to the schema of this code, once, however many replicas start."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from antiphon.errors import ConfigurationError, NewerData
from antiphon.stores.sql.postgres import PostgresDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.stores.sql.tables import SCHEMA, metadata
from antiphon.testing.stores import ME, a_conversation
from tests.stores.postgres.conftest import run_sql

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


def described(name: str | None, kind: str, _parents: object) -> bool:
    """The index for search is each database's own kind, made by its migration alone."""
    return not (kind == "table" and str(name).startswith("searchable"))


async def test_the_migrated_schema_is_what_the_code_reads_and_writes(database: PostgresDatabase) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": described}
        )
        return list(compare_metadata(context, metadata))

    assert await database.read(differences) == []


async def test_replicas_that_start_at_once_on_a_new_database_migrate_it_once(empty_url: str) -> None:
    stores = [SqlStore(PostgresDatabase(empty_url)) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    headers = [await a_conversation(store) for store in stores]
    for store in stores:
        assert [(await store.get(ME, header.id)).id for header in headers] == [
            header.id for header in headers
        ]
        await store.close()
    (row,) = await run_sql(empty_url, "SELECT version_num FROM alembic_version")
    assert row["version_num"] == SCHEMA


async def test_where_migrating_is_forbidden_a_database_behind_is_refused_untouched(empty_url: str) -> None:
    database = PostgresDatabase(empty_url, migrate=False)
    with pytest.raises(ConfigurationError, match="run `antiphon migrate`"):
        await database.open()
    await database.close()
    assert await run_sql(empty_url, TABLES) == []


async def test_where_migrating_is_forbidden_a_database_up_to_date_is_used(url: str) -> None:
    store = SqlStore(PostgresDatabase(url, migrate=False))
    await store.open()
    assert (await a_conversation(store)).last_seq == 1
    await store.close()


@pytest.mark.parametrize("migrate", [True, False])
async def test_data_of_a_newer_version_is_refused(url: str, migrate: bool) -> None:
    await run_sql(url, "UPDATE alembic_version SET version_num = '9999'")
    database = PostgresDatabase(url, migrate=migrate)
    with pytest.raises(NewerData, match="9999"):
        await database.open()
    await database.close()


async def test_a_replica_goes_on_while_a_newer_one_adds_a_column(store: SqlStore, url: str) -> None:
    """Statements that were prepared before do not fit the table any more; nobody notices."""
    header = await a_conversation(store)
    assert await store.get(ME, header.id) == header
    await run_sql(url, "ALTER TABLE conversations ADD COLUMN mood text")
    assert await store.get(ME, header.id) == header
    assert (await a_conversation(store)).last_seq == 1
