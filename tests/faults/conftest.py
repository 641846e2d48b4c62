"""Two replicas on each store, started once per test process: that is most of what a short run costs."""

from collections.abc import Iterator

import pytest

from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator, running
from tests.faults.replicas import Pair, running_pair
from tests.stores.postgres import server as postgres_server

ANSWER = Reply(pace=0.05)
"""About ten words, half a second."""


@pytest.fixture(scope="session")
def claude() -> Iterator[Simulator]:
    with running(default=ANSWER) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as server:
        yield server


@pytest.fixture(scope="session")
def started_on_sqlite(claude: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("replicas")
    with running_pair(f"sqlite:///{folder / 'antiphon.db'}", claude, folder) as pair:
        yield pair


@pytest.fixture(scope="session")
def started_on_postgres(
    claude: Simulator, postgres: postgres_server.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with running_pair(postgres.url(), claude, tmp_path_factory.mktemp("replicas")) as pair:
        yield pair


@pytest.fixture
def on_sqlite(started_on_sqlite: Pair) -> Iterator[Pair]:
    """Two replicas on one file."""
    yield started_on_sqlite
    started_on_sqlite.mend()


@pytest.fixture
def on_postgres(started_on_postgres: Pair) -> Iterator[Pair]:
    yield started_on_postgres
    started_on_postgres.mend()
