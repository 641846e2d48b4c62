"""The disk of a SQLite file is full: clients are told to wait, nothing is half-done, it goes on by itself."""

from pathlib import Path

import pytest

from tests.faults.history import Refusal
from tests.faults.replicas import Pair
from tests.faults.scenarios import fill_disk, run
from tests.faults.traffic import Plan

TIMES = 2
MANY_TIMES = 50
LONG_S = 900


async def survive(pair: Pair, times: int, seed: int) -> None:
    file = Path(pair.store.removeprefix("sqlite://"))
    evidence = await run(
        pair, Plan(seed=seed), lambda clients: fill_disk(clients, pair.replicas, file, times)
    )
    assert set(evidence.history.refusals) == {Refusal(status=503, problem="store-unavailable")}


async def test_a_disk_that_is_full_for_a_while(on_sqlite: Pair) -> None:
    await survive(on_sqlite, TIMES, seed=7)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_a_disk_that_is_full_many_times(on_sqlite: Pair) -> None:
    await survive(on_sqlite, MANY_TIMES, seed=700)
