"""The server as its users meet it: a real one on a free port, with a simulated Claude behind it."""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import structlog

from antiphon.settings import Settings
from antiphon.simulator import Simulator, running
from tests.server.client import Client
from tests.server.serving import serving

KEY = "sk-ant-api03-a-key-that-nobody-may-see"

STORES = ("memory", "sqlite")

Serve: TypeAlias = Callable[..., Client]


@contextmanager
def signed_in() -> Generator[Simulator]:
    """A simulated Claude; whoever starts a server meanwhile has credentials for it."""
    with running() as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_BASE_URL", simulator.url)
        patch.setenv("ANTHROPIC_API_KEY", KEY)
        yield simulator


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's user is written to, but the cache of models."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def store_of(kind: str, folder: Path) -> str:
    return "memory://" if kind == "memory" else f"sqlite:///{folder / 'antiphon.db'}"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with signed_in() as simulator:
        yield simulator


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return store_of(request.param, tmp_path)


@pytest.fixture
def serve(simulator: Simulator) -> Iterator[Serve]:
    """Starts servers with settings of one's own, which stop when the test is over."""
    with ExitStack() as stack:

        def start(*, page: Path | None = None, **given: Any) -> Client:
            settings = Settings(**{"store": "memory://", **given})
            return Client(stack.enter_context(serving(settings, page=page)).url)

        yield start


@pytest.fixture
def client(serve: Serve) -> Client:
    """A server that keeps conversations in memory."""
    return serve()


@pytest.fixture
def kept_client(serve: Serve, store_url: str) -> Client:
    """A server on each kind of store."""
    return serve(store=store_url)


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """Whoever sets up logging does so for the whole process; this takes it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
