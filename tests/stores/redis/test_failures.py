"""What goes wrong between store and server becomes one sentence, and is over when the server is back."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.errors import StoreUnavailable
from antiphon.money.budgets import Limit
from antiphon.money.ledger import UsageQuery
from antiphon.stores.base import Change, Lease, Store
from antiphon.stores.redis.keys import LAPSING, one_of
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import ME, a_conversation, a_turn, block_end, lease_of, the_end
from antiphon.testing.stores.files import a_file
from tests.stores.redis.conftest import emptied, opened, until
from tests.stores.redis.servers import KEEPING, SYNCED, RunningServer, await_ok, running

T = TypeVar("T")

HERE = new_id()
LEASE = Lease(HERE, f"{HERE}.{new_id()}", 1, "replica-1")
LIMIT = Limit(scope="installation", period="total", owner="", since=0, nanodollars=1)
TITLE = Change(events=[e.TitleChange(at=2, title="x")])
DECISION = e.ApprovalResolve(at=2, approval_id=f"{HERE}.{new_id()}", decision="allow")
FILE = a_file()
TEXT = block_end({"type": "text", "text": "x"})

CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "create": lambda store: store.create(ME, new_id(), e.ConversationCreate(at=1), name="x"),
    "get": lambda store: store.get(ME, HERE),
    "find": lambda store: store.find(ME, "x"),
    "recent": lambda store: store.recent(ME, before=None, limit=5),
    "search": lambda store: store.search(ME, "x"),
    "delete": lambda store: store.delete(ME, HERE),
    "forget": lambda store: store.forget(ME, "x"),
    "read": lambda store: store.read(HERE, 0),
    "last_seqs": lambda store: store.last_seqs([HERE]),
    "path": lambda store: store.path(HERE, new_id()),
    "totals": lambda store: store.totals(HERE),
    "append": lambda store: store.append(HERE, TITLE),
    "flush": lambda store: store.flush([(LEASE, [TEXT])]),
    "prune": lambda store: store.prune(10),
    "accept": lambda store: store.accept(a_turn(HERE)),
    "turn": lambda store: store.turn(HERE, LEASE.turn_id),
    "end": lambda store: store.end(LEASE, the_end(LEASE.turn_id, None), 30),
    "withdraw": lambda store: store.withdraw(HERE, LEASE.turn_id, the_end(LEASE.turn_id, None)),
    "renew": lambda store: store.renew([LEASE], 30),
    "usage": lambda store: store.usage(UsageQuery()),
    "left": lambda store: store.left([LIMIT]),
    "claim": lambda store: store.claim("replica-1", 30),
    "put_file": lambda store: store.put_file(ME, FILE),
    "file": lambda store: store.file(ME, FILE.facts.id),
    "file_facts": lambda store: store.file_facts(ME, [FILE.facts.id]),
    "drop_files": lambda store: store.drop_files(),
    "known": lambda store: store.known(a_turn(HERE, key="k")),
    "wait": lambda store: store.wait(LEASE, TITLE, 30, 1),
    "resolve": lambda store: store.resolve(HERE, DECISION),
}


async def test_without_the_server_every_call_is_one_sentence_and_then_it_goes_on(tmp_path: Path) -> None:
    with running("valkey", tmp_path, *KEEPING, *SYNCED) as server:
        async with opened(server.url) as store:
            await store.create(ME, HERE, e.ConversationCreate(at=1))
            server.kill()
            for name, call in CALLS.items():
                with pytest.raises(StoreUnavailable) as failed:
                    await call(store)
                assert "Nothing of this request was half-done" in str(failed.value), name
                assert str(server.port) not in str(failed.value), name
            server.start()
            assert (await store.append(HERE, TITLE))[0].seq == 2


def test_every_method_of_the_protocol_was_tried() -> None:
    public = {name for name in dir(Store) if not name.startswith("_")}
    assert public - {"open", "close", "hints"} == CALLS.keys()


async def test_a_closed_store_says_so(url: str) -> None:
    store = RedisStore(url)
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.get(ME, HERE)


async def test_scripts_that_the_server_has_forgotten_are_sent_again(
    store: RedisStore, nodes: list[RunningServer]
) -> None:
    headers = [await a_conversation(store, principal=f"principal-{number}") for number in range(6)]
    leases = [lease_of(await store.accept(a_turn(header.id))) for header in headers]
    for node in nodes:
        with node.client() as client:
            client.script_flush()
    results = await store.flush([(lease, [TEXT]) for lease in leases])
    assert [frames and frames[0].seq for frames in results] == [4] * 6
    assert (await store.append(headers[0].id, TITLE))[0].seq == 5


async def test_a_cancelled_call_is_finished_before_it_is_left(url: str, valkey: RunningServer) -> None:
    """Else a change could be made after one that was asked for later."""
    async with opened(url) as store:
        header = await a_conversation(store)
        with valkey.client() as client:
            client.client_pause(100, all=False)
        late = asyncio.create_task(store.append(header.id, TITLE))
        await asyncio.sleep(0)
        for _ in range(2):
            late.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await late
        with valkey.client() as client:
            assert client.hget(one_of("state", ME, header.id), "last_seq") == b"2"


@pytest.mark.parametrize("kind", ["valkey", "redis"])
async def test_where_memory_is_full_nothing_is_half_written_and_deleting_works(
    kind: str, request: pytest.FixtureRequest
) -> None:
    server: RunningServer = request.getfixturevalue(kind)
    async with opened(emptied([server])) as store:
        header, other = await a_conversation(store, name="x"), await a_conversation(store)
        acceptance = a_turn(header.id)
        lease = lease_of(await store.accept(acceptance))
        before = await store.get(ME, header.id)
        with server.client() as client:
            client.config_set("maxmemory", 1)
            try:
                for change in (
                    store.append(header.id, TITLE, lease),
                    store.flush([(lease, [TEXT])]),
                    store.end(lease, the_end(lease.turn_id, None), 30),
                    store.accept(a_turn(header.id)),
                    store.create(ME, new_id(), e.ConversationCreate(at=1)),
                ):
                    with pytest.raises(StoreUnavailable):
                        await change
                assert await store.get(ME, header.id) == before
                assert len(await store.read(header.id, 0)) == before.last_seq
                await store.delete(ME, other.id)
            finally:
                client.config_set("maxmemory", 0)
        assert (await store.append(header.id, TITLE, lease))[0].seq == before.last_seq + 1
        assert [mine.id for mine in await store.recent(ME, before=None, limit=5)] == [header.id]


async def test_nothing_is_sent_twice(url: str, valkey: RunningServer) -> None:
    """A connection that breaks before the reply does not say whether the change was made: that is told."""
    async with opened(url) as store:
        header = await a_conversation(store)
        with valkey.client() as client:
            client.client_pause(10_000, all=False)
            change = asyncio.create_task(store.append(header.id, TITLE))
            await until(lambda: client.info("clients")["blocked_clients"] > 0)
            client.client_kill_filter(_type="normal", skipme=True)
            client.client_unpause()
        with pytest.raises(StoreUnavailable):
            await change
        assert await store.last_seqs([header.id]) == {header.id: 1}
        assert (await store.append(header.id, TITLE))[0].seq == 2


async def test_a_node_that_is_down_takes_only_its_own_turns(cluster: list[RunningServer]) -> None:
    node = cluster[2]
    with node.client() as client:
        client.config_set("appendfsync", "always")
    async with opened(emptied(cluster)) as store:
        mine = [await a_conversation(store, principal=principal) for principal in ("principal-2", ME)]
        leases = [lease_of(await store.accept(a_turn(header.id))) for header in mine]
        node.kill()
        results = await store.flush([(lease, [TEXT]) for lease in leases])
        assert [frames and frames[0].seq for frames in results] == [4, None]
        with pytest.raises(StoreUnavailable):
            await store.flush([(leases[1], [TEXT])])
        assert (await store.append(mine[0].id, TITLE))[0].seq == 5
        with pytest.raises(StoreUnavailable):
            await store.append(mine[1].id, TITLE)
        node.start()
        await_ok(node)
        async with asyncio.timeout(10):
            assert await answered(lambda: store.last_seqs([mine[1].id])) == {mine[1].id: 3}
        assert (await store.append(mine[1].id, TITLE))[0].seq == 4


async def test_files_on_a_node_that_is_down_are_dropped_once_it_is_back(cluster: list[RunningServer]) -> None:
    node = cluster[2]
    async with opened(emptied(cluster)) as store:
        await store.put_file(ME, FILE, held_s=0)
        await until(lambda: lapsing(cluster) == [ME.encode()])
        node.kill()
        with pytest.raises(StoreUnavailable):
            await store.file_facts(ME, [FILE.facts.id])
        assert not await store.drop_files()
        assert lapsing(cluster) == [ME.encode()], "it is looked at again"
        node.start()
        await_ok(node)
        async with asyncio.timeout(10):
            assert await answered(lambda: store.file_facts(ME, [FILE.facts.id]))
        with cluster[0].client() as client:
            client.zadd(LAPSING, {ME: 1})
        assert not await store.drop_files()
        assert await store.file_facts(ME, [FILE.facts.id]) == {}
        assert lapsing(cluster) == []


def lapsing(cluster: list[RunningServer]) -> list[bytes]:
    """Principals of whom files are to be dropped, as the node that holds the list says."""
    with cluster[0].client() as client:
        principals: Any = client.zrange(LAPSING, 0, -1)
    return list(principals)


async def answered(call: Callable[[], Awaitable[T]]) -> T:
    """What a call says once the store can be reached."""
    while True:
        try:
            return await call()
        except StoreUnavailable:
            await asyncio.sleep(0.05)
