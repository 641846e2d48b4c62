"""The server dies and comes back; replicas live through it without being started again."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.errors import StoreUnavailable
from antiphon.stores.base import Change
from antiphon.stores.frames import Frame
from antiphon.stores.sql.postgres import PostgresDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import ME, a_conversation
from tests.stores.postgres.conftest import run_sql
from tests.stores.postgres.hearing import heard, listening
from tests.stores.postgres.server import Server, running

WRITERS = 4
PATIENCE_S = 30


@pytest.fixture
def doomed() -> Iterator[Server]:
    """A server of its own: other tests need theirs."""
    with running() as started:
        yield started


@dataclass
class Traffic:
    """Writers that never give up, what they were told is committed, and what they were told otherwise."""

    store: SqlStore
    acknowledged: dict[str, list[Frame]]
    refusals: list[str] = field(default_factory=list)

    async def write(self, header: Header) -> None:
        frames = self.acknowledged[header.id]
        for number in range(1_000_000):
            try:
                frames += await self.store.append(
                    header.id, Change(events=[e.TitleChange(at=number, title=f"title {number}")])
                )
            except StoreUnavailable as error:
                self.refusals.append(str(error))
                await asyncio.sleep(0.01)

    async def commits(self, more: int) -> None:
        """Wait until each writer has committed so many more."""
        wanted = {name: len(frames) + more for name, frames in self.acknowledged.items()}
        await until(lambda: all(len(self.acknowledged[name]) >= count for name, count in wanted.items()))

    async def refused(self) -> None:
        await until(lambda: len(self.refusals) >= WRITERS)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what several writers did, not one event
            await asyncio.sleep(0.01)


async def test_a_killed_server_loses_nothing_it_acknowledged_and_is_used_again_when_it_is_back(
    doomed: Server,
) -> None:
    store = SqlStore(PostgresDatabase(doomed.url()))
    await store.open()
    headers = [await a_conversation(store) for _ in range(WRITERS)]
    traffic = Traffic(store, {header.id: [] for header in headers})
    async with listening(store) as hints:
        writers = [asyncio.create_task(traffic.write(header)) for header in headers]
        try:
            await traffic.commits(5)
            await asyncio.to_thread(doomed.kill)
            await traffic.refused()
            with pytest.raises(StoreUnavailable, match="Nothing of this request was half-done"):
                await store.get(ME, headers[0].id)
            await asyncio.to_thread(doomed.start)
            await traffic.commits(5)
        finally:
            for writer in writers:
                writer.cancel()
            await asyncio.wait(writers)
        await heard(hints, None, within_s=10)
    for header in headers:
        kept = {frame.seq: frame for frame in await store.read(header.id, 0, limit=100_000)}
        assert sorted(kept) == list(range(1, len(kept) + 1))
        for frame in traffic.acknowledged[header.id]:
            assert kept[frame.seq] == frame
    await store.close()


async def test_sessions_that_died_while_idle_are_replaced_without_a_word(store: SqlStore, url: str) -> None:
    headers = await asyncio.gather(*(a_conversation(store) for _ in range(6)))
    ended = await run_sql(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert len(ended) > 1
    for header in headers:
        assert await store.get(ME, header.id) == header
        await store.append(header.id, Change(events=[e.TitleChange(at=2, title="T")]))
