"""The database dies under traffic and comes back: clients are told to wait, and it goes on by itself."""

import pytest

from tests.faults.history import Refusal
from tests.faults.replicas import Pair
from tests.faults.scenarios import Mortal, kill_database, run
from tests.faults.traffic import Plan
from tests.stores.postgres.server import Server
from tests.stores.redis.servers import RunningServer

KILLS = 2
MANY_KILLS = 50
LONG_S = 900


async def survive(pair: Pair, server: Mortal, kills: int, seed: int) -> None:
    evidence = await run(pair, Plan(seed=seed), lambda clients: kill_database(clients, server, kills, seed))
    assert set(evidence.history.refusals) == {Refusal(status=503, problem="store-unavailable")}


async def test_kills_of_postgres(on_postgres: Pair, postgres: Server) -> None:
    await survive(on_postgres, postgres, KILLS, seed=6)


async def test_kills_of_a_redis_that_syncs_each_write(on_redis: Pair, redis: RunningServer) -> None:
    await survive(on_redis, redis, KILLS, seed=11)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_many_kills_of_postgres(on_postgres: Pair, postgres: Server) -> None:
    await survive(on_postgres, postgres, MANY_KILLS, seed=600)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_many_kills_of_redis(on_redis: Pair, redis: RunningServer) -> None:
    await survive(on_redis, redis, MANY_KILLS, seed=611)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_many_kills_of_valkey(on_valkey: Pair, valkey: RunningServer) -> None:
    await survive(on_valkey, valkey, MANY_KILLS, seed=612)
