"""Connecting: to one server, or to the cluster it belongs to, once it is known to keep what it is given."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError

from antiphon.errors import ConfigurationError
from antiphon.stores.redis.checks import UNSEEN, check_server, is_cluster

Client: TypeAlias = Redis | RedisCluster

TIMEOUT_S = 5.0


async def connect(url: str) -> Client:
    """Raises ConfigurationError, and what the driver does."""
    single = _single(url)
    try:
        info = await _info(single)
        if not is_cluster(info):
            check_server(info)
            return single
    except BaseException:
        await single.aclose()
        raise
    await single.aclose()
    return await _cluster(url)


async def _cluster(url: str) -> RedisCluster:
    cluster = RedisCluster.from_url(url, **_options())
    try:
        await cluster.initialize()
        for node in cluster.get_primaries():
            check_server(await _info(cluster, target_nodes=node))
    except BaseException:
        await cluster.aclose()
        raise
    return cluster


def _options() -> dict[str, Any]:
    """No retries: the driver would send a change again without knowing whether it was made."""
    return {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
    }


def _single(url: str) -> Redis:
    try:
        pool = ConnectionPool.from_url(url, **_options())
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            "The address of the Redis store cannot be used; it must look like redis://HOST:PORT or "
            "rediss://USER:PASSWORD@HOST:PORT."
        ) from error
    return Redis.from_pool(pool)


async def _info(client: Client, **where: Any) -> Mapping[str, Any]:
    try:
        info: Mapping[str, Any] = await client.execute_command("INFO", **where)
    except NoPermissionError as error:
        raise ConfigurationError(UNSEEN) from error
    except AuthenticationError as error:
        raise ConfigurationError(
            "Redis refuses the user or the password in the store's address. Nothing was stored; correct it."
        ) from error
    return info
