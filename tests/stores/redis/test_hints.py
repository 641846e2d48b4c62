"""Commits by one process are heard by another, also after the connection broke."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from redis.asyncio import Redis

from antiphon.domain import events as e
from antiphon.stores.base import Change, Hint
from antiphon.stores.redis.keys import CHANNELS
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import a_conversation, a_turn, lease_of, start, the_end
from tests.stores.redis.conftest import opened
from tests.stores.redis.servers import running

WAIT_S = 10
NO_SEQS = (b"", b"-1", b"1.5", "\u0661".encode(), b"1" * 17, b"1" * 23, b"9" * 5000)


async def heard(hints: AsyncGenerator[Hint | None, None]) -> Hint | None:
    async with asyncio.timeout(WAIT_S):
        return await anext(hints)


async def test_every_kind_of_commit_is_heard_by_another_process(store: RedisStore, store_url: str) -> None:
    async with opened(store_url) as listener, aclosing(listener.hints()) as hints:
        assert await heard(hints) is None, "from here on it listens"
        header = await a_conversation(store)
        assert await heard(hints) == Hint(header.id, 1)
        first, second = a_turn(header.id), a_turn(header.id)
        lease = lease_of(await store.accept(first))
        assert await heard(hints) == Hint(header.id, 3)
        await store.accept(second)
        assert await heard(hints) == Hint(header.id, 5)
        message = await start(store, first, lease)
        assert [await heard(hints), await heard(hints)] == [Hint(header.id, 6), Hint(header.id, 7)]
        await store.flush([(lease, [e.BlockStart(step=0, index=0, block={"type": "text", "text": ""})])])
        assert await heard(hints) == Hint(header.id, 8)
        waits = second.queue.turn_id
        await store.withdraw(header.id, waits, the_end(waits, None))
        assert await heard(hints) == Hint(header.id, 9)
        await store.end(lease, the_end(lease.turn_id, message.id), 30)
        assert await heard(hints) == Hint(header.id, 10)


async def test_after_a_broken_connection_anything_may_have_grown(tmp_path: Path) -> None:
    with running("valkey", tmp_path) as server:
        async with opened(server.url) as store, aclosing(store.hints()) as hints:
            assert await heard(hints) is None
            header = await a_conversation(store)
            assert await heard(hints) == Hint(header.id, 1)
            server.kill()
            server.start()
            assert await heard(hints) is None, "it listens again"
            await store.append(header.id, Change(events=[e.TitleChange(at=2, title="heard")]))
            assert await heard(hints) == Hint(header.id, 2)


async def test_what_others_say_on_a_channel_may_mean_anything(store: RedisStore, store_url: str) -> None:
    said = Redis.from_url(store_url)
    async with aclosing(store.hints()) as hints:
        assert await heard(hints) is None
        header = await a_conversation(store)
        assert await heard(hints) == Hint(header.id, 1)
        strange = [b"hello", b"no number", b"17", *(header.id.encode() + b" " + seq for seq in NO_SEQS)]
        for words in strange:
            await said.publish(CHANNELS[0], words)
            assert await heard(hints) is None
        await store.append(header.id, Change(events=[e.TitleChange(at=2, title="heard")]))
        assert await heard(hints) == Hint(header.id, 2)
    await said.aclose()
