"""With a time to live, conversations that nobody uses are gone, with all that points to them."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import pytest

from antiphon.domain import events as e
from antiphon.errors import FenceLost, NotFound
from antiphon.stores.base import Change
from antiphon.stores.redis.keys import LEDGER, PAYERS, SCHEMA, UNFINISHED, UNPRUNED, only
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import ME, a_conversation, a_turn, lease_of, start, the_end
from antiphon.testing.stores.files import a_file, a_turn_with
from tests.stores.redis.conftest import opened, until
from tests.stores.redis.servers import RunningServer

TTL_S = 0.3
TITLE = Change(events=[e.TitleChange(at=2, title="x")])

Keys: TypeAlias = Callable[[], set[str]]


def names_on(node: RunningServer) -> set[str]:
    with node.client() as client:
        return {key.decode() for key in client.scan_iter() if isinstance(key, bytes)}


@pytest.fixture
def keys(nodes: list[RunningServer]) -> Keys:
    """All keys there are, apart from those of the installation and the ledger."""

    ledger = {only(kind, ME) for kind in LEDGER}

    def found() -> set[str]:
        return set[str]().union(*map(names_on, nodes)) - {SCHEMA, UNFINISHED, UNPRUNED, PAYERS, *ledger}

    return found


async def until_gone(store: RedisStore, conversation_id: str, *, using: str | None = None) -> None:
    """Use one conversation until another has expired."""
    async with asyncio.timeout(10):
        while await store.last_seqs([conversation_id]):
            if using is not None:
                await store.read(using, 0)
            await asyncio.sleep(TTL_S / 10)


async def test_what_nobody_uses_is_gone_without_a_trace(store_url: str, keys: Keys) -> None:
    async with opened(store_url, ttl_s=TTL_S) as store:
        header = await a_conversation(store, name="support")
        acceptance = a_turn(header.id, key="k")
        lease = lease_of(await store.accept(acceptance))
        message = await start(store, acceptance, lease)
        await store.append(header.id, TITLE, lease)
        await until_gone(store, header.id)
        assert await store.recent(ME, before=None, limit=10) == []
        assert await store.find(ME, "support") is None
        assert await store.forget(ME, "support") is None
        assert await store.read(header.id, 0) == []
        with pytest.raises(NotFound):
            await store.get(ME, header.id)
        with pytest.raises(NotFound):
            await store.path(header.id, message.id)
        with pytest.raises(FenceLost):
            await store.end(lease, the_end(lease.turn_id, None), 30)
        assert await store.claim("replica-2", 30) == []
        again = await a_conversation(store, name="support")
        assert await store.find(ME, "support") == again
        await until_gone(store, again.id)
        await until(lambda: not keys())


async def test_with_a_conversation_that_expires_its_files_go(store_url: str, keys: Keys) -> None:
    async with opened(store_url, ttl_s=TTL_S) as store:
        header, file = await a_conversation(store), a_file()
        await store.put_file(ME, file, held_s=0)
        await store.accept(a_turn_with(header.id, file))
        assert not await store.drop_files()
        assert await store.file(ME, file.facts.id) == file
        await until_gone(store, header.id)
        async with asyncio.timeout(10):
            while await store.file_facts(ME, [file.facts.id]):
                await store.drop_files()
        await until(lambda: not keys())


async def test_what_is_used_stays_whole(store_url: str) -> None:
    async with opened(store_url, ttl_s=TTL_S) as store:
        used, unused = await a_conversation(store, name="used"), await a_conversation(store, name="unused")
        acceptance = a_turn(used.id)
        lease = lease_of(await store.accept(acceptance))
        message = await start(store, acceptance, lease)
        for _ in range(3):
            await until_gone(store, unused.id, using=used.id)
            unused = await a_conversation(store, name="unused")
        assert [header.id for header in await store.recent(ME, before=None, limit=9)] == [used.id, unused.id]
        found = await store.find(ME, "used")
        assert found is not None
        assert found.head == message.id
        assert len(await store.path(used.id, message.id)) == 1
        assert await store.renew([lease], 30) == []
        assert (await store.end(lease, the_end(lease.turn_id, message.id), 30)).next is None


async def test_a_turn_that_runs_keeps_its_conversation(store_url: str) -> None:
    async with opened(store_url, ttl_s=TTL_S) as store:
        unused, used = await a_conversation(store), await a_conversation(store)
        lease = lease_of(await store.accept(a_turn(used.id)))
        async with asyncio.timeout(10):
            while await store.last_seqs([unused.id]):
                assert await store.renew([lease], 30) == []
                await asyncio.sleep(TTL_S / 10)
        assert (await store.end(lease, the_end(lease.turn_id, None), 30)).next is None


async def test_without_the_setting_what_is_used_is_kept_for_ever(
    store_url: str, nodes: list[RunningServer]
) -> None:
    """Whoever takes the time to live away finds that what is used from then on has none."""
    async with opened(store_url, ttl_s=60) as store:
        header = await a_conversation(store, name="kept")
        await store.accept(a_turn(header.id))
        assert expiring(nodes)
    async with opened(store_url) as store:
        await store.append(header.id, TITLE)
        assert expiring(nodes) == set()
        assert await store.find(ME, "kept") is not None


def expiring(nodes: list[RunningServer]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        with node.client() as client:
            found |= {name for name in names_on(node) if client.pttl(name) > 0}
    return found
