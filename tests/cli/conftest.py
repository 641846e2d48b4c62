"""The program as a child process, with a home of its own and a simulator in Claude's place."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pexpect
import pytest

from antiphon.simulator.server import Simulator, running
from tests.preloaded.starting import Popen, Spawn

PROGRAM = [sys.executable, "-m", "antiphon"]
KEY = "sk-ant-a-key-that-nobody-may-see"
WITHIN_S = 45.0
"""Starting the program takes a second or two, and more on a busy machine."""


@dataclass(frozen=True)
class Shell:
    """Starts the program as a person would. What is `preloaded` begins where its imports end."""

    environment: Mapping[str, str]
    preloaded: bool = True

    @property
    def anew(self) -> "Shell":
        """Starts a new Python each time: what a person has."""
        return replace(self, preloaded=False)

    def run(
        self, *words: str, stdin: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end in pipes. Whatever happens, no key and no traceback may be seen."""
        with self.piped(
            *words, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE, **variables
        ) as child:
            try:
                out, err = (said.decode() for said in child.communicate((stdin or "").encode(), WITHIN_S))
            finally:
                child.kill()
        check_discretion(out + err)
        return subprocess.CompletedProcess(child.args, child.returncode, out, err)

    def piped(
        self, *words: str, stdin: int = subprocess.DEVNULL, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start with its output in pipes."""
        return (Popen if self.preloaded else subprocess.Popen)(
            [*PROGRAM, *words],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **variables},
        )

    def start(self, *words: str, **variables: str) -> "Terminal":
        """Start in a terminal of 80 columns and 24 lines."""
        with warnings.catch_warnings():
            # Newer Pythons warn of forks beside threads; the child does nothing but become the program.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = (Spawn if self.preloaded else pexpect.spawn)(
                PROGRAM[0],
                [*PROGRAM[1:], *words],
                env={**self.environment, **variables},
                encoding="utf-8",
                timeout=WITHIN_S,
                dimensions=(24, 80),
            )
        return Terminal(child)


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, child: "pexpect.spawn[str]") -> None:
        self.child = child
        self.seen = ""

    def sees(self, text: str) -> str:
        """Wait until `text` is written; returns what came before it."""
        self.child.expect_exact(text)
        self.seen += str(self.child.before) + str(self.child.after)
        return str(self.child.before)

    def types(self, line: str) -> None:
        self.child.send(line + "\r")

    def presses(self, letter: str) -> None:
        """Together with the control key."""
        self.child.sendcontrol(letter)

    def ends(self) -> int:
        """Wait until the program has ended; returns its exit code, or 128 + the signal that killed it."""
        self.child.expect(pexpect.EOF)
        self.seen += str(self.child.before)
        self.child.close()
        check_discretion(self.seen)
        status = self.child.exitstatus
        return 128 + int(self.child.signalstatus or 0) if status is None else status


def check_discretion(seen: str) -> None:
    assert KEY not in seen
    assert "Traceback" not in seen


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Variables of a person with an empty home and no credentials."""
    leaking = ("ANTHROPIC_", "ANTIPHON_", "XDG_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(leaking)}
    plain = {
        name: value for name, value in inherited.items() if name not in ("NO_COLOR", "FORCE_COLOR", "CI")
    }
    return plain | {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "ANTHROPIC_CONFIG_DIR": str(tmp_path / "no-profile"),
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "TERM": "xterm-256color",
        "ANTIPHON_TITLES": "off",
        "ANTIPHON_MAX_ATTEMPTS": "1",
        "PYTHONWARNINGS": "",
    }


@pytest.fixture
def shell(home: dict[str, str], simulator: Simulator) -> Shell:
    """With a key, and the simulator at the address of Claude's API."""
    return Shell(home | {"ANTHROPIC_BASE_URL": simulator.url, "ANTHROPIC_API_KEY": KEY})


@pytest.fixture
def stranger(home: dict[str, str]) -> Shell:
    """Without credentials."""
    return Shell(home)
