"""The fixture `claude` for pytest. PYTEST_DONT_REWRITE: nothing here is asserted.

pytest finds it through an entry point of its group `pytest11`. What the fixture needs is imported by the
first test that asks for it, so that the start of every other run costs next to nothing.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import antiphon.testing

if TYPE_CHECKING:
    from antiphon.testing.scripted import ScriptedClaude


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> "Iterator[ScriptedClaude]":
    """Claude as this test says, which also `ANTHROPIC_BASE_URL` and `ANTHROPIC_API_KEY` lead to."""
    with antiphon.testing.scripted_claude() as claude:
        monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", claude.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-a-test")
        yield claude
