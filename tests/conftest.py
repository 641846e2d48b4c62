"""Fixtures for every test. An accidental call to the real API is impossible: see `no_credentials`."""

import os

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


KEPT = ("ANTIPHON_CHROMIUM", "ANTIPHON_TITLES", "ANTIPHON_MAX_ATTEMPTS", "ANTIPHON_LOCAL_MODEL")


@pytest.fixture(scope="session", autouse=True)
def no_further_requests() -> None:
    """Titles and retries would be requests more: tests of them ask for them."""
    os.environ["ANTIPHON_TITLES"] = "off"
    os.environ["ANTIPHON_MAX_ATTEMPTS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def small_local_model() -> None:
    """The better one is a large download."""
    os.environ["ANTIPHON_LOCAL_MODEL"] = "smollm2"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No variable of this machine leaks into a test, and an unset address leads nowhere."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "ANTIPHON_")) and name not in KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    empty = tmp_path_factory.getbasetemp() / "no-profile"
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(empty))
