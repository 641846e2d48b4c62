"""Deltas of turns that ended a while ago go, and no reader notices; also older ones than pruning is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from antiphon.clock import SystemClock, milliseconds
from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.domain.messages import text_block
from antiphon.errors import NotFound
from antiphon.stores.base import Change, Store
from antiphon.stores.frames import Frame, decode_all
from antiphon.stores.memory import MemoryStore
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import LEASE_S, ME, a_conversation, a_turn, block_end, lease_of, start, the_end
from antiphon.testing.stores.files import a_file, a_turn_with
from antiphon.turns.hub import Hub
from antiphon.turns.pruning import drop_files, prune_deltas
from tests.stores.old import make_old

DAY_S = 24 * 3600.0


async def an_answered_turn(store: Store, conversation_id: str, ended: int) -> None:
    turn = a_turn(conversation_id)
    lease = lease_of(await store.accept(turn))
    message = await start(store, turn, lease)
    deltas = [
        e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": text})
        for text in ("An ", "answer.")
    ]
    begin = e.BlockStart(step=0, index=0, block=text_block(""))
    await store.flush([(lease, [begin, *deltas, block_end(text_block("An answer."))])])
    end = the_end(lease.turn_id, message.id).events[0]
    assert isinstance(end, e.TurnEnd)
    await store.end(lease, Change(events=[replace(end, at=ended)]), LEASE_S)


async def deltas_in(store: Store, conversation_id: str) -> int:
    return sum(frame.type == "block_delta" for frame in await store.read(conversation_id, 0))


async def test_a_sweep_prunes_what_is_older_than_is_kept() -> None:
    store, clock = MemoryStore(), SystemClock()
    header = await a_conversation(store)
    await an_answered_turn(store, header.id, milliseconds(clock) - round(2 * DAY_S * 1000))
    await an_answered_turn(store, header.id, milliseconds(clock))
    await prune_deltas(store, clock, DAY_S)
    assert await deltas_in(store, header.id) == 2
    await prune_deltas(store, clock, -1)
    assert await deltas_in(store, header.id) == 0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = SqlStore(SqliteDatabase(tmp_path / "antiphon.db"))
    await opened.open()
    yield opened
    await opened.close()


async def test_a_follower_goes_on_from_any_cursor_over_a_pruned_log(store: Store) -> None:
    header = await a_conversation(store)
    await an_answered_turn(store, header.id, 9)
    await an_answered_turn(store, header.id, 9)
    whole = decode_all(await store.read(header.id, 0))
    while await store.prune(10):
        pass
    hub, last = Hub(store), whole[-1][0]
    for cursor in range(last):
        seen: list[Frame] = []
        async with asyncio.timeout(10), aclosing(hub.follow(header.id, cursor)) as batches:
            async for batch in batches:
                seen += batch
                if seen[-1].seq == last:
                    break
        assert fold(decode_all(seen), fold(whole[:cursor])) == fold(whole)


async def test_turns_that_ended_before_there_was_pruning_are_pruned_too(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    make_old(path)
    store = SqlStore(SqliteDatabase(path))
    await store.open()
    assert await deltas_in(store, "c") == 2
    while await store.prune(10):
        pass
    assert [frame.seq for frame in await store.read("c", 0)] == [1, 2, 4, 5, 6], (
        "of the turn that runs, all is kept"
    )
    assert (await store.get(ME, "c")).last_seq == 6
    await store.close()


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at


async def test_a_file_that_no_message_refers_to_is_gone_after_a_day() -> None:
    clock = Hands()
    store = MemoryStore(clock)
    unused, used = a_file(b"unused"), a_file(b"used")
    for file in (unused, used):
        await store.put_file(ME, file)
    header = await a_conversation(store)
    await store.accept(a_turn_with(header.id, used))
    clock.at += DAY_S - 1
    await drop_files(store)
    assert await store.file(ME, unused.facts.id) == unused
    clock.at += 1
    await drop_files(store)
    with pytest.raises(NotFound):
        await store.file(ME, unused.facts.id)
    assert await store.file(ME, used.facts.id) == used
