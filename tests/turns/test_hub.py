"""Followers: what they read at once is bounded, by frames and by bytes, and nothing is left out."""

import asyncio
from contextlib import aclosing

import pytest

from antiphon.domain import events as e
from antiphon.errors import StoreUnavailable
from antiphon.stores.base import Change
from antiphon.stores.frames import Frame
from antiphon.stores.memory import MemoryStore
from antiphon.turns.hub import PAGE, PAGE_BYTES, Hub

ID = "01900000-0000-7000-8000-000000000000"


async def conversation_of(titles: list[str]) -> MemoryStore:
    store = MemoryStore()
    await store.create(
        "p", ID, e.ConversationCreate(at=0, title="", system="", model="", options={}, tools=())
    )
    for title in titles:
        await store.append(ID, Change(events=[e.TitleChange(at=1, title=title)]))
    return store


def size_of(frames: list[Frame]) -> int:
    return sum(len(frame.data) for frame in frames)


async def batches_of(hub: Hub, last_seq: int) -> list[list[Frame]]:
    batches: list[list[Frame]] = []
    async with aclosing(hub.follow(ID, 0)) as following:
        async for batch in following:
            batches.append(batch)
            if batch[-1].seq == last_seq:
                return batches
    raise AssertionError("it ended")


@pytest.mark.parametrize(
    ("length", "count", "most"), [(100_000, 60, 10), (700_000, 12, 8), (10, 3 * PAGE, PAGE)]
)
async def test_a_page_is_bounded_by_frames_and_by_bytes(length: int, count: int, most: int) -> None:
    """Only the first page of a follower, a short one, is read without knowing how large frames are."""
    store = await conversation_of(["x" * length] * count)
    batches = await batches_of(Hub(store), count + 1)
    assert [frame for batch in batches for frame in batch] == await store.read(ID, 0, count + 1)
    assert max(len(batch) for batch in batches) == most
    assert all(size_of(batch) <= PAGE_BYTES for batch in batches[1:])


async def test_what_followers_share_is_bounded_by_bytes_too() -> None:
    store = await conversation_of([])
    hub = Hub(store)
    async with aclosing(hub.follow(ID, 0)) as following:
        assert [frame.seq for frame in await anext(following)] == [1]
        for _ in range(30):
            hub.publish(ID, await store.append(ID, Change(events=[e.TitleChange(at=1, title="x" * 100_000)])))
        seen: list[Frame] = []
        while len(seen) < 30:
            batch = await anext(following)
            assert size_of(batch) <= PAGE_BYTES
            seen += batch
    assert [frame.seq for frame in seen] == list(range(2, 32))


async def test_who_follows_where_it_is_closed_is_given_what_was_published_and_told_so() -> None:
    store = await conversation_of(["one"])
    hub = Hub(store)
    async with aclosing(hub.follow(ID, 0)) as following, asyncio.timeout(5):
        assert [frame.seq for frame in await anext(following)] == [1, 2]
        waiting = asyncio.create_task(anext(following))
        await asyncio.sleep(0)
        hub.publish(ID, await store.append(ID, Change(events=[e.TitleChange(at=1, title="two")])))
        hub.close()
        assert [frame.seq for frame in await waiting] == [3]
        with pytest.raises(StoreUnavailable, match="closed"):
            await anext(following)


async def test_nobody_begins_to_wait_where_it_is_closed() -> None:
    hub = Hub(await conversation_of([]))
    hub.close()
    async with aclosing(hub.follow(ID, 1)) as following, asyncio.timeout(5):
        with pytest.raises(StoreUnavailable, match="closed"):
            await anext(following)
