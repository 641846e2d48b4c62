"""One simulated Claude, one database, and every way to it; each with as many attempts as a case needs."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import pytest

from antiphon.settings import Settings
from antiphon.simulator import Simulator
from tests.crossing.cases import OTHER
from tests.server.client import Client
from tests.server.serving import serving

KEY = "sk-ant-api03-a-key-that-nobody-may-see"

Left: TypeAlias = Literal["retry", "fallback", "none"]
"""What is left to try after the first request has failed."""
LEFT: tuple[Left, ...] = ("retry", "fallback", "none")

STALL_S = 0.7

TOOLS = """
def forecast(city: str, day: str = "today") -> str:
    \"\"\"What the weather will be.

    Args:
        city: where.
        day: when.
    \"\"\"
    return f"{city}, {day}: rain"
"""
TOML = """
[tools]
functions = ["forecasts:forecast"]
server = ["web_search"]
"""


@dataclass(frozen=True)
class Terms:
    left: Left
    stalls: bool
    """Whether silence is to be noticed soon."""

    @property
    def attempts(self) -> int:
        return 1 if self.left == "none" else 2

    @property
    def settings(self) -> dict[str, str]:
        """By the names that they have in `Settings`."""
        return {
            "max_attempts": str(self.attempts),
            "fallback": OTHER if self.left == "fallback" else "",
            "stall_s": str(STALL_S if self.stalls else 30),
            "titles": "off",
        }

    @property
    def environment(self) -> dict[str, str]:
        return {f"ANTIPHON_{name.upper()}": value for name, value in self.settings.items()}


@dataclass
class World:
    simulator: Simulator
    folder: Path
    stack: ExitStack
    _servers: dict[Terms, Client] = field(default_factory=dict)

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'antiphon.db'}"

    def server(self, terms: Terms) -> Client:
        if terms not in self._servers:
            with self.signed_in():
                settings = Settings.model_validate({"store": self.store, **terms.settings})
                served = self.stack.enter_context(serving(settings))
            self._servers[terms] = Client(served.url)
        return self._servers[terms]

    @contextmanager
    def signed_in(self, terms: Terms | None = None) -> Iterator[None]:
        """Who starts meanwhile has credentials, and stands in the folder with the tools."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("ANTHROPIC_BASE_URL", self.simulator.url)
            patch.setenv("ANTHROPIC_API_KEY", KEY)
            for name, value in (terms.environment if terms else {}).items():
                patch.setenv(name, value)
            yield

    def shell_environment(self, terms: Terms) -> dict[str, str]:
        """Of a command, with an empty home."""
        home = str(self.folder)
        foreign = ("ANTHROPIC_", "ANTIPHON_", "XDG_", "NO_COLOR", "FORCE_COLOR")
        return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
            "HOME": home,
            "XDG_DATA_HOME": home,
            "XDG_CACHE_HOME": home,
            "ANTHROPIC_CONFIG_DIR": f"{home}/no-profile",
            "ANTHROPIC_BASE_URL": self.simulator.url,
            "ANTHROPIC_API_KEY": KEY,
            "ANTIPHON_STORE": self.store,
            "PYTHONWARNINGS": "",
            **terms.environment,
        }
