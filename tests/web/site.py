"""The page's server as it is run: `antiphon serve` in a process of its own, which can be killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from antiphon.simulator import Simulator

TOWN = '''
from antiphon import tool


@tool
def forecast(city: str) -> str:
    """What weather is coming to a city."""
    return f"Rain in {city}."


@tool
def clock(city: str) -> str:
    """What time it is in a city."""
    return f"It is noon in {city}."


@tool
def people(city: str) -> str:
    """How many live in a city."""
    return f"In {city} live 290,000 people."
'''

TOOLS = """
[tools]
functions = ["town:forecast", "town:clock", "town:people"]
approve = ["forecast", "clock"]
"""
"""Tools, of which two ask a person first."""

SERVE = [sys.executable, "-c", "from antiphon.cli import main; main()", "serve"]
PATIENCE_S = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Site:
    """`settings` are environment variables: who answers, and how."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Serve at the same address, over the same database; returns when it listens."""
        ours = ("ANTHROPIC_", "ANTIPHON_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        store = f"sqlite:///{self._folder / 'page.db'}"
        self._process = subprocess.Popen(
            [*SERVE, "--port", self.url.rpartition(":")[2], "--store", store],
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            env={**environment, "ANTIPHON_LEASE_S": "1", **self._settings},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("Antiphon on "), "the server did not start"

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as response:
            return json.load(response)

    def post(self, path: str, value: object) -> Any:
        request = urllib.request.Request(
            self.url + path, json.dumps(value).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return json.load(response)

    def history(self, conversation_id: str) -> list[tuple[str, str]]:
        """What the server holds from the root to the head, as `(role, text)`."""
        state = self.get(f"/v1/conversations/{conversation_id}")["state"]
        said: list[tuple[str, str]] = []
        at = state["head"]
        while at is not None:
            message = state["messages"][at]
            text = "".join(block.get("text", "") for block in message["content"] if block["type"] == "text")
            said.append((message["role"], text))
            at = message["parent_id"]
        return said[::-1]


class SimulatedSite(Site):
    """A simulated Claude answers; its tools are TOWN's. `more` follows in the settings file."""

    def __init__(self, simulator: Simulator, folder: Path, more: str = "") -> None:
        (folder / "town.py").write_text(TOWN)
        (folder / "antiphon.toml").write_text(TOOLS + more)
        super().__init__(
            folder,
            {
                "ANTHROPIC_BASE_URL": simulator.url,
                "ANTHROPIC_API_KEY": "any",
                # Titles and retries would be requests more to what a test has scripted.
                "ANTIPHON_TITLES": "off",
                "ANTIPHON_MAX_ATTEMPTS": "1",
            },
        )
        self.simulator = simulator
