"""The line in front of SQLite's one writer: what goes together, what goes first, and what nobody can stop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from antiphon.errors import Conflict
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.group import Transaction
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.stores.sql.writer import REST_S, Writer
from antiphon.testing.stores import ME, a_conversation

WITHIN_S = 10.0
RENAME = text("UPDATE conversations SET title = 'renamed' WHERE id = :id")


class Groups:
    """In the place of the database: what was committed together."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def commit(self, work: Sequence[Transaction], syncing: Callable[[], None]) -> list[Any]:
        syncing()
        names = [each(None) for each in work]  # type: ignore[arg-type]  # they need no connection
        self.seen.append(names)
        return names


@asynccontextmanager
async def a_writer(rest_s: float = REST_S) -> AsyncIterator[tuple[Writer, Groups]]:
    groups = Groups()
    writer = Writer(groups.commit, afterwards=lambda: None, idle=lambda: None, rest_s=rest_s)
    try:
        yield writer, groups
    finally:
        writer.close()


def named(name: str) -> Callable[[Any], str]:
    return lambda _: name


async def test_what_comes_at_once_is_committed_together() -> None:
    async with a_writer() as (writer, groups):
        assert await asyncio.gather(*(writer.write(named(name)) for name in "abc")) == ["a", "b", "c"]
        assert groups.seen == [["a", "b", "c"]]


async def test_what_has_something_to_do_meanwhile_goes_first_where_nothing_was_committed() -> None:
    async with a_writer() as (writer, groups):
        done = asyncio.Event()
        first = writer.write(named("first"), done.set)
        await asyncio.gather(first, *(writer.write(named(name)) for name in "ab"))
        assert groups.seen == [["first"], ["a", "b"]]
        assert done.is_set()


async def test_just_after_a_commit_it_takes_along_what_is_ready() -> None:
    async with a_writer(rest_s=WITHIN_S) as (writer, groups):
        await writer.write(named("before"))
        await asyncio.gather(writer.write(named("asked"), lambda: None), writer.write(named("another")))
        assert groups.seen == [["before"], ["asked", "another"]]


@pytest.mark.parametrize("refused", [False, True])
async def test_whoever_is_cancelled_hears_of_it_when_the_commit_is_over(
    refused: bool, tmp_path: Path
) -> None:
    """However often, and of nothing else."""
    store = SqlStore(database := SqliteDatabase(tmp_path / "antiphon.db"))
    await store.open()
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    try:
        header = await a_conversation(store)

        def rename(connection: Connection) -> None:
            loop.call_soon_threadsafe(begun.set)
            assert go_on.wait(WITHIN_S)
            connection.execute(RENAME, {"id": header.id})
            if refused:
                raise Conflict("It has a name.")

        task = asyncio.create_task(database.write(rename))
        await asyncio.wait_for(begun.wait(), WITHIN_S)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(REST_S)
            assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await store.get(ME, header.id)).title == (header.title if refused else "renamed")
    finally:
        go_on.set()
        await store.close()
