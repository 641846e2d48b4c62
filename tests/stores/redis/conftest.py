"""A store on each kind of server. Servers live as long as a worker; each test finds them empty."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from redis.crc import key_slot

from antiphon.stores.redis.keys import UNFINISHED, one_of
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import ME
from tests.stores.redis.servers import SLOTS, RunningServer, running, running_cluster


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running("valkey", tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running("redis", tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningServer]]:
    """Three nodes: what spans principals lies on the first, what is the tests' principal's on the last."""
    shares = [(SLOTS // 8, SLOTS // 2 - 1), (SLOTS // 2, SLOTS - 1), (0, SLOTS // 8 - 1)]
    places = [slot_of(UNFINISHED), slot_of(one_of("log", "principal-2", "")), slot_of(one_of("log", ME, ""))]
    assert all(first <= place <= last for place, (first, last) in zip(places, shares, strict=True))
    with running_cluster("valkey", tmp_path_factory.mktemp("cluster"), shares) as nodes:
        yield nodes


@pytest.fixture(params=["valkey", "redis", "cluster"])
def nodes(request: pytest.FixtureRequest) -> list[RunningServer]:
    found = request.getfixturevalue(request.param)
    return found if isinstance(found, list) else [found]


@pytest.fixture
def store_url(nodes: list[RunningServer]) -> str:
    return emptied(nodes)


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[RedisStore]:
    async with opened(store_url) as store:
        yield store


@pytest.fixture
async def other(store_url: str, store: RedisStore) -> AsyncIterator[RedisStore]:
    """Another replica's store, on the same servers."""
    del store
    async with opened(store_url) as other:
        yield other


@pytest.fixture
def url(valkey: RunningServer) -> str:
    """An empty server, where which one it is does not matter."""
    return emptied([valkey])


def emptied(nodes: list[RunningServer]) -> str:
    """Where to find them; a cluster by its first node."""
    for node in nodes:
        with node.client() as client:
            client.flushall()
    return nodes[0].url


@asynccontextmanager
async def opened(url: str, *, ttl_s: float | None = None) -> AsyncIterator[RedisStore]:
    store = RedisStore(url, ttl_s=ttl_s)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def until(true: Callable[[], bool]) -> None:
    """Look every few milliseconds, and fail if it does not come true."""
    async with asyncio.timeout(10):
        for _ in iter(true, True):
            await asyncio.sleep(0.01)


def slot_of(key: str) -> int:
    return int(key_slot(key.encode()))
