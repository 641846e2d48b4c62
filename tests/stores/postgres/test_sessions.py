"""What is in force on each session, and what is said when none can be had."""

import asyncio
import traceback

import pytest
from sqlalchemy import Connection, text

from antiphon.domain.events import TitleChange
from antiphon.errors import AntiphonError, ConfigurationError, StoreUnavailable
from antiphon.stores.base import Change
from antiphon.stores.sql.postgres import PostgresDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import ME, a_conversation
from tests.stores.postgres.conftest import run_sql
from tests.stores.postgres.server import Server

IN_FORCE = {
    "application_name": "antiphon",
    "synchronous_commit": "on",
    "fsync": "on",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
}


def shown(connection: Connection) -> dict[str, str]:
    names = (*IN_FORCE, "transaction_isolation", "transaction_read_only")
    return {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in names}


async def test_commits_wait_for_the_disk_whatever_the_server_would_do_by_itself(
    url: str, database: PostgresDatabase
) -> None:
    """A kill cannot show what a power cut does; the settings in force on the sessions can be shown."""
    assert [row[0] for row in await run_sql(url, "SHOW synchronous_commit")] == ["off"]
    written = await database.write(shown)
    assert written == {
        **IN_FORCE,
        "transaction_isolation": "read committed",
        "transaction_read_only": "off",
    }


async def test_a_read_is_one_snapshot_and_writes_nothing(database: PostgresDatabase) -> None:
    read = await database.read(shown)
    assert read == {
        **IN_FORCE,
        "transaction_isolation": "repeatable read",
        "transaction_read_only": "on",
    }
    assert (await database.write(shown))["transaction_read_only"] == "off"


async def test_leases_are_judged_by_the_servers_clock(database: PostgresDatabase) -> None:
    first, second = await database.write(lambda c: (database.now(c), database.now(c)))
    assert first < second < first + 5
    (row,) = await run_sql(database._url, "SELECT extract(epoch FROM now())::float8")
    assert second <= row[0] < second + 5


async def test_a_write_that_is_cancelled_is_finished_first(store: SqlStore) -> None:
    """It is committed whole, and the session that it used is as good as new."""
    header = await a_conversation(store)
    for number in range(40):
        change = Change(events=[TitleChange(at=number, title=f"title {number}")])
        task = asyncio.create_task(store.append(header.id, change))
        for _ in range(number):
            await asyncio.sleep(0)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])
    frames = await store.read(header.id, 0)
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert (await store.get(ME, header.id)).last_seq == len(frames)
    assert len(frames) > 1


async def refusal(url: str) -> AntiphonError:
    database = PostgresDatabase(url)
    try:
        with pytest.raises(AntiphonError) as refused:
            await database.open()
    finally:
        await database.close()
    return refused.value


async def test_a_server_that_is_not_there_is_one_sentence_without_the_password() -> None:
    error = await refusal("postgresql://me:hunter2@127.0.0.1:9/antiphon")
    assert isinstance(error, StoreUnavailable)
    assert "The store cannot be reached" in str(error)
    assert "hunter2" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:hunter2@127.0.0.1:port/antiphon",
        "postgresql://me:hunter2@127.0.0.1:99999999/antiphon",
        "postgresql://me:hunter2@127.0.0.1:5432/antiphon?sslmode=sometimes",
        "mysql://me:hunter2@127.0.0.1/antiphon",
    ],
)
async def test_what_is_no_address_is_for_the_operator_to_change(address: str) -> None:
    error = await refusal(address)
    assert isinstance(error, ConfigurationError)
    assert "postgresql://USER:PASSWORD@HOST:5432/DATABASE" in str(error)
    assert "hunter2" not in "".join(traceback.format_exception(error))


async def test_what_the_server_refuses_is_for_the_operator_to_change(server: Server, empty_url: str) -> None:
    await run_sql(server.url(), "CREATE ROLE reader LOGIN")
    await run_sql(server.url(), "CREATE ROLE nobody_at_all NOLOGIN")
    database = empty_url.rpartition("/")[2]
    refused = [
        server.url("no_such_database"),
        server.url(database, user="no_such_user"),
        server.url(database, user="nobody_at_all"),
        server.url(database, user="reader"),
        empty_url + "?no_such_option=1",
    ]
    for url in refused:
        error = await refusal(url)
        assert isinstance(error, ConfigurationError), url
        assert "Nothing was stored" in str(error)
