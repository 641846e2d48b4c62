from collections.abc import Iterator

import pytest

from antiphon.simulator.server import Simulator, running


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulator that the SDK's own variables point to."""
    with running() as simulator:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-a-test")
        yield simulator
