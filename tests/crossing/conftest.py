from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from antiphon.simulator import running
from tests.crossing.books import Books
from tests.crossing.world import TOML, TOOLS, World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("crossing"))
    (folder / "antiphon.toml").write_text(TOML)
    (folder / "forecasts.py").write_text(TOOLS)
    with ExitStack() as stack, running() as simulator:
        yield World(simulator, folder, stack)
        stack.close()


@pytest.fixture(scope="session")
def books(world: World) -> Iterator[Books]:
    books = Books(world.store)
    yield books
    books.close()
