"""The disk of a SQLite file is full: clients are told to wait, nothing is half-done, it goes on by itself."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from antiphon.simulator.server import Simulator
from tests.faults.conftest import Told
from tests.faults.disks import Disk, LimitedFiles, SmallDisk, small_disk
from tests.faults.evidence import stored_conversations
from tests.faults.history import Refusal, Stored
from tests.faults.replicas import Pair, running_pair
from tests.faults.scenarios import fill_disk, run
from tests.faults.traffic import Plan

TIMES = 2
MANY_TIMES = 50
LONG_S = 900


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk | None]:
    """A small file system of its own, where that may be mounted."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def on_disk(
    disk: SmallDisk | None, claude: Simulator, tmp_path: Path, told: Told, request: pytest.FixtureRequest
) -> Iterator[tuple[Pair, Disk]]:
    """Two replicas on one file on that disk; without one, any file, whose growth can be stopped."""
    if disk is None:
        pair: Pair = request.getfixturevalue("on_sqlite")
        yield pair, LimitedFiles(pair.replicas, Path(pair.store.removeprefix("sqlite://")))
        return

    async def read(conversation_ids: Iterable[str]) -> dict[str, Stored]:
        assert disk is not None
        disk.copy_to(tmp_path / "copy")
        return await stored_conversations(
            f"sqlite:///{tmp_path / 'copy' / disk.database.name}", conversation_ids
        )

    store = f"sqlite:///{disk.database}"
    with (
        running_pair(store, claude, tmp_path, inside=disk.inside, read=read) as started,
        told(started) as pair,
    ):
        yield pair, disk


async def survive(pair: Pair, disk: Disk, times: int, seed: int) -> None:
    evidence = await run(pair, Plan(seed=seed), lambda clients: fill_disk(clients, disk, times))
    assert set(evidence.history.refusals) == {Refusal(status=503, problem="store-unavailable")}


async def test_a_disk_that_is_full_for_a_while(on_disk: tuple[Pair, Disk]) -> None:
    await survive(*on_disk, TIMES, seed=7)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_a_disk_that_is_full_many_times(on_disk: tuple[Pair, Disk]) -> None:
    await survive(*on_disk, MANY_TIMES, seed=700)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_a_file_that_may_not_grow_many_times(on_sqlite: Pair) -> None:
    file = Path(on_sqlite.store.removeprefix("sqlite://"))
    await survive(on_sqlite, LimitedFiles(on_sqlite.replicas, file), MANY_TIMES, seed=701)
