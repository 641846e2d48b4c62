"""Two replicas on each store, started once per test process: that is most of what a short run costs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import pytest

from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator, running
from tests.faults.figures import HEAD, Figures
from tests.faults.replicas import Pair, running_pair
from tests.stores.postgres import server as postgres_server
from tests.stores.redis import servers as redis_servers

ANSWER = Reply(pace=0.05)
"""About ten words, half a second."""
FIGURES = "figures of a run with faults"


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


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_servers.RunningServer]:
    with redis_servers.running(
        "redis", tmp_path_factory.mktemp("redis"), *redis_servers.KEEPING, *redis_servers.SYNCED
    ) as server:
        yield server


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_servers.RunningServer]:
    with redis_servers.running(
        "valkey", tmp_path_factory.mktemp("valkey"), *redis_servers.KEEPING, *redis_servers.SYNCED
    ) as server:
        yield server


@pytest.fixture(scope="session")
def started_on_redis(
    claude: Simulator, redis: redis_servers.RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with running_pair(redis.url, claude, tmp_path_factory.mktemp("replicas")) as pair:
        yield pair


@pytest.fixture(scope="session")
def started_on_valkey(
    claude: Simulator, valkey: redis_servers.RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with running_pair(valkey.url, claude, tmp_path_factory.mktemp("replicas")) as pair:
        yield pair


Told: TypeAlias = Callable[[Pair], AbstractContextManager[Pair]]


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Told:
    """Lend a pair to a test; afterwards it is mended, and the figures of its runs go to the table."""

    @contextmanager
    def lend(pair: Pair) -> Iterator[Pair]:
        pair.figures.clear()
        yield pair
        for figures in pair.figures:
            record_property(FIGURES, figures.plain())
        pair.mend()

    return lend


@pytest.fixture
def on_sqlite(started_on_sqlite: Pair, told: Told) -> Iterator[Pair]:
    """Two replicas on one file."""
    with told(started_on_sqlite) as pair:
        yield pair


@pytest.fixture
def on_postgres(started_on_postgres: Pair, told: Told) -> Iterator[Pair]:
    with told(started_on_postgres) as pair:
        yield pair


@pytest.fixture
def on_redis(started_on_redis: Pair, told: Told) -> Iterator[Pair]:
    """A Redis 8 that syncs each write to disk before it answers."""
    with told(started_on_redis) as pair:
        yield pair


@pytest.fixture
def on_valkey(started_on_valkey: Pair, told: Told) -> Iterator[Pair]:
    with told(started_on_valkey) as pair:
        yield pair


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of what was run, one row for each test, its rounds added up. Short runs say nothing."""
    if terminalreporter.config.getoption("markexpr") != "soak":
        return
    found: dict[str, Figures] = {}
    for report in terminalreporter.getreports(""):
        for name, values in report.user_properties:
            if name == FIGURES and report.when == "teardown":
                test = report.location[2].partition("[")[0]
                found[test] = found.get(test, Figures()) + Figures.read(values)
    if found:
        terminalreporter.section("what was struck, and what it cost")
        for line in (*HEAD, *(figures.row(test) for test, figures in found.items())):
            terminalreporter.write_line(line)
