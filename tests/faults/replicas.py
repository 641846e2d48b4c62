"""Replicas: processes of `antiphon serve` on one store, to be killed, stopped and started again."""

import os
import re
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from antiphon.simulator.server import Simulator
from tests.faults.evidence import stored_conversations
from tests.faults.figures import Figures
from tests.faults.history import Stored
from tests.preloaded.starting import Popen

Reader: TypeAlias = Callable[[Iterable[str]], Awaitable[dict[str, Stored]]]

PATIENCE_S = 60.0
STALL_S = 2.0
"""How long Claude may be silent."""


@dataclass
class Replica:
    """One process. Each start takes a new port, so that nothing else can have taken the old one."""

    name: str
    environment: dict[str, str]
    log: Path
    program: str = "antiphon"
    """The module that is run."""
    inside: tuple[str, ...] = ()
    """What the command begins with, to run elsewhere than here."""
    url: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Returns when it listens."""
        with self.log.open("ab") as log:
            popen = subprocess.Popen if self.inside else Popen
            self.process = popen(
                [*self.inside, sys.executable, "-m", self.program, "serve", "--port", "0"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
            )
        self.url = self._address(self.process)

    def _address(self, process: subprocess.Popen[bytes]) -> str:
        """Where it listens, as its first line says."""
        assert process.stdout is not None
        said, give_up = b"", time.monotonic() + PATIENCE_S
        while b"\n" not in said:
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, give_up - time.monotonic()))
            assert ready, f"{self.name} did not start in time: {self.said()}"
            piece = os.read(process.stdout.fileno(), 4096)
            assert piece, f"{self.name} ended at once: {self.said()}"
            said += piece
        match = re.search(r"http://\S+", said.decode())
        assert match is not None, said
        return match.group()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """As a crash would. Idempotent."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=PATIENCE_S)

    def stop(self) -> None:
        """It does nothing more, and does not know it."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def limit_files(self, size: int | None) -> None:
        """As a full disk does: no file grows beyond so many bytes. None takes the limit away."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

    def said(self) -> str:
        return self.log.read_text()[-2000:]

    def logged(self) -> int:
        """How long its log is by now, in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0


@dataclass(frozen=True)
class Pair:
    """Two replicas on one store, and the simulator that stands for Claude."""

    store: str
    claude: Simulator
    replicas: tuple[Replica, ...]
    lease_s: float
    read: Reader
    """What is stored of conversations."""
    figures: list[Figures] = field(default_factory=list)
    """Of the runs since somebody took them."""

    def mend(self) -> None:
        """Put back what a test that failed has left: whatever is dead, stopped or limited."""
        for replica in self.replicas:
            if replica.process is None or replica.process.poll() is not None:
                replica.start()
            replica.go_on()
            replica.limit_files(None)


@contextmanager
def running_pair(
    store: str,
    claude: Simulator,
    folder: Path,
    *,
    lease_s: float = 1.0,
    program: str = "antiphon",
    inside: tuple[str, ...] = (),
    read: Reader | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Generator[Pair]:
    """Two replicas with `more` in their environment. By default `read` opens the store a third time."""
    ours = ("ANTIPHON_", "ANTHROPIC_")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "ANTHROPIC_BASE_URL": claude.url,
        "ANTHROPIC_API_KEY": "key-of-a-test",
        "ANTHROPIC_CONFIG_DIR": str(folder),
        "ANTIPHON_STORE": store,
        "ANTIPHON_LEASE_S": str(lease_s),
        "ANTIPHON_STALL_S": str(STALL_S),
        "ANTIPHON_TITLES": "off",
        "ANTIPHON_MAX_ATTEMPTS": "1",
        "PYTHONDONTWRITEBYTECODE": "",
        **more,
    }
    replicas = tuple(
        Replica(name, environment, folder / f"{name}.log", program, inside) for name in ("one", "two")
    )
    try:
        with ThreadPoolExecutor(len(replicas)) as starters:
            list(starters.map(Replica.start, replicas))
        yield Pair(store, claude, replicas, lease_s, read or partial(stored_conversations, store))
    finally:
        for replica in replicas:
            replica.kill()
