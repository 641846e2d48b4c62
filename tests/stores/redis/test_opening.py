"""A server that would lose what it acknowledged is refused, in a sentence that names the setting."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from redis import Redis

from antiphon.errors import AntiphonError, ConfigurationError, NewerData, StoreUnavailable
from antiphon.stores.base import Hint
from antiphon.stores.redis.keys import SCHEMA
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import CONTRACTS, a_conversation
from tests.stores.redis.conftest import emptied, opened
from tests.stores.redis.servers import KEEPING, Kind, RunningServer, free_ports, running

SECRET = "swordfish"


def allow(client: Redis, user: str, password: str, *rights: str) -> None:
    """A user with the keys and channels that are Antiphon's."""
    client.acl_setuser(
        user,
        enabled=True,
        reset=True,
        passwords=[f"+{password}"],
        keys=["{all}*", "{c:*", "{p:*"],
        channels=["antiphon:*"],
        categories=["+@all", "-@dangerous"],
        commands=list(rights),
    )


async def refusal(url: str) -> AntiphonError:
    with pytest.raises(AntiphonError) as refused:
        await RedisStore(url).open()
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)
    return refused.value


@pytest.mark.parametrize("kind", ["valkey", "redis"])
async def test_a_server_without_a_log_on_disk_is_refused(kind: Kind, tmp_path: Path) -> None:
    with running(kind, tmp_path, "--appendonly", "no") as server:
        error = await refusal(server.url)
        assert isinstance(error, ConfigurationError)
        assert "`appendonly yes`" in str(error)
        with server.client() as client:
            assert client.keys() == []


@pytest.mark.parametrize("kind", ["valkey", "redis"])
async def test_a_server_that_may_throw_data_away_is_refused(kind: Kind, tmp_path: Path) -> None:
    with running(kind, tmp_path, *KEEPING, "--maxmemory-policy", "allkeys-lru") as server:
        error = await refusal(server.url)
        assert isinstance(error, ConfigurationError)
        assert "`maxmemory-policy allkeys-lru`" in str(error)
        assert "`maxmemory-policy noeviction`" in str(error)


async def test_every_node_of_a_cluster_is_checked(cluster: list[RunningServer]) -> None:
    with cluster[1].client() as client:
        client.config_set("appendonly", "no")
        try:
            assert "`appendonly yes`" in str(await refusal(cluster[0].url))
        finally:
            client.config_set("appendonly", "yes")


async def test_a_user_with_few_rights_can_do_all(valkey: RunningServer) -> None:
    with valkey.client() as client:
        allow(client, "plain", SECRET, "+info")
    url = f"redis://plain:{SECRET}@127.0.0.1:{valkey.port}"
    for contract in CONTRACTS:
        emptied([valkey])
        async with opened(url) as store:
            await contract(store)
    async with opened(url) as store, opened(url) as listener, aclosing(listener.hints()) as hints:
        async with asyncio.timeout(10):
            assert await anext(hints) is None
            header = await a_conversation(store)
            assert await anext(hints) == Hint(header.id, 1)


async def test_a_user_who_may_not_see_the_settings_is_told(valkey: RunningServer) -> None:
    with valkey.client() as client:
        allow(client, "blind", SECRET)
    error = await refusal(f"redis://blind:{SECRET}@127.0.0.1:{valkey.port}")
    assert isinstance(error, ConfigurationError)
    for word in ("`appendonly`", "`maxmemory-policy`", "INFO"):
        assert word in str(error)


async def test_a_wrong_password_is_a_matter_of_configuration(valkey: RunningServer) -> None:
    with valkey.client() as client:
        allow(client, "known", "other")
    error = await refusal(f"redis://known:{SECRET}@127.0.0.1:{valkey.port}")
    assert isinstance(error, ConfigurationError)
    assert "password" in str(error)


@pytest.mark.parametrize(
    "url",
    [f"http://u:{SECRET}@h", f"redis://u:{SECRET}@h:port", f"redis://u:{SECRET}@h/0?unheard=of", "redis"],
)
async def test_an_address_that_is_none_is_refused_without_showing_it(url: str) -> None:
    error = await refusal(url)
    assert isinstance(error, ConfigurationError)
    assert "redis://" in str(error)


async def test_nobody_at_the_address_is_unavailable() -> None:
    error = await refusal(f"redis://u:{SECRET}@127.0.0.1:{free_ports(1)[0]}")
    assert isinstance(error, StoreUnavailable)


async def test_data_of_a_newer_version_is_refused_and_stays_as_it_is(url: str, valkey: RunningServer) -> None:
    async with opened(url):
        pass
    with valkey.client() as client:
        assert client.get(SCHEMA) == b"1"
        client.set(SCHEMA, "99")
        error = await refusal(url)
        assert isinstance(error, NewerData)
        assert "99" in str(error)
        assert "Nothing was changed" in str(error)
        assert client.keys() == [SCHEMA.encode()]
        assert client.get(SCHEMA) == b"99"


def test_a_time_to_live_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="time to live"):
        RedisStore("redis://127.0.0.1", ttl_s=0)
