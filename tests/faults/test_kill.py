"""`kill -9` of replicas at random points, new ones in their place: nothing is lost, nothing happens twice."""

from pathlib import Path

import pytest

from antiphon.simulator.server import Simulator
from tests.faults.replicas import Pair, running_pair
from tests.faults.scenarios import kill_some, run
from tests.faults.traffic import Plan
from tests.stores.postgres.server import Server

KILLS = 4
KILLS_OF_A_ROUND = 20
ROUNDS = 10
LONG_S = 900


async def survive(pair: Pair, kills: int, seed: int) -> None:
    await run(pair, Plan(seed=seed), lambda clients: kill_some(clients, pair.replicas, kills, seed))


async def test_kills_on_one_sqlite_file(on_sqlite: Pair) -> None:
    await survive(on_sqlite, KILLS, seed=1)


async def test_kills_on_postgres(on_postgres: Pair) -> None:
    await survive(on_postgres, KILLS, seed=2)


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
async def test_kills_with_the_usual_lease(postgres: Server, claude: Simulator, tmp_path: Path) -> None:
    with running_pair(postgres.url(), claude, tmp_path, lease_s=10.0) as pair:
        await survive(pair, 10, seed=300)
