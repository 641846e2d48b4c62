"""`kill -9` of replicas at random points, new ones in their place: nothing is lost, nothing happens twice."""

from pathlib import Path

import pytest

from antiphon.simulator.server import Simulator
from tests.faults.conftest import Told
from tests.faults.replicas import Pair, running_pair
from tests.faults.scenarios import kill_some, run
from tests.faults.traffic import Plan, Traffic
from tests.stores.postgres.server import Server
from tests.stores.redis.servers import RunningServer

KILLS = 2
KILLS_OF_A_ROUND = 20
ROUNDS = 10
KILLS_WITH_THE_USUAL_LEASE = 10
USUAL_LEASE_S = 10.0
ANSWERS_BETWEEN = 12
"""About as many as the conversations that were not struck get while the others wait."""
TAKEN_OVER_S = 15.0
"""How long a turn may wait for another replica, with the usual lease."""
LONG_S = 900


async def survive(pair: Pair, kills: int, seed: int) -> None:
    await run(pair, Plan(seed=seed), lambda clients: kill_some(clients, pair.replicas, kills, seed))


async def survive_with_the_usual_lease(
    store: str, claude: Simulator, folder: Path, told: Told, seed: int
) -> None:
    """One replica at a time, so that the other takes over; nobody's lease may lapse who lives."""

    async def scenario(clients: Traffic) -> None:
        await kill_some(
            clients, pair.replicas, KILLS_WITH_THE_USUAL_LEASE, seed, answers=ANSWERS_BETWEEN, both=0
        )

    with running_pair(store, claude, folder, lease_s=USUAL_LEASE_S) as started, told(started) as pair:
        await run(pair, Plan(seed=seed), scenario)
        (figures,) = pair.figures
        assert max(figures.takeovers) <= 1000 * TAKEN_OVER_S
        assert figures.leases_lost == 0


async def test_kills_on_one_sqlite_file(on_sqlite: Pair) -> None:
    await survive(on_sqlite, KILLS, seed=1)


async def test_kills_on_postgres(on_postgres: Pair) -> None:
    await survive(on_postgres, KILLS, seed=2)


async def test_kills_on_redis(on_redis: Pair) -> None:
    await survive(on_redis, KILLS, seed=9)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("seed", range(100, 100 + ROUNDS))
async def test_200_kills_on_one_sqlite_file(on_sqlite: Pair, seed: int) -> None:
    await survive(on_sqlite, KILLS_OF_A_ROUND, seed)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("seed", range(200, 200 + ROUNDS))
async def test_200_kills_on_postgres(on_postgres: Pair, seed: int) -> None:
    await survive(on_postgres, KILLS_OF_A_ROUND, seed)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("seed", range(900, 900 + ROUNDS))
async def test_200_kills_on_valkey(on_valkey: Pair, seed: int) -> None:
    await survive(on_valkey, KILLS_OF_A_ROUND, seed)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_kills_with_the_usual_lease_on_one_sqlite_file(
    claude: Simulator, tmp_path: Path, told: Told
) -> None:
    await survive_with_the_usual_lease(
        f"sqlite:///{tmp_path / 'antiphon.db'}", claude, tmp_path, told, seed=301
    )


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_kills_with_the_usual_lease_on_postgres(
    postgres: Server, claude: Simulator, tmp_path: Path, told: Told
) -> None:
    await survive_with_the_usual_lease(postgres.url(), claude, tmp_path, told, seed=300)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_kills_with_the_usual_lease_on_valkey(
    valkey: RunningServer, claude: Simulator, tmp_path: Path, told: Told
) -> None:
    await survive_with_the_usual_lease(valkey.url, claude, tmp_path, told, seed=302)
