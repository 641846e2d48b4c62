"""Processes under measurement, and what their whole tree used."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

START_S = 60.0
CORE = 0
"""The core of a server that is given one to itself."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Measured:
    """A running server and what it cost."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """User and system seconds of the whole process tree so far."""
        times = [member.cpu_times() for member in self._tree()]
        return sum(t.user + t.system for t in times)

    def rss_bytes(self) -> int:
        """Resident memory, what is shared with other processes counted in full."""
        return sum(int(member.memory_info().rss) for member in self._tree())

    def pss_bytes(self) -> int:
        """Resident memory, what is shared counted in proportion; 0 where the system does not say."""
        return sum(int(getattr(member.memory_full_info(), "pss", 0)) for member in self._tree())

    def _tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]


@contextmanager
def server(
    command: list[str], port: int, env: Mapping[str, str] | None = None, *, one_core: bool = False
) -> Iterator[Measured]:
    """Run `command` until it listens on `port`; stop it by its pid afterwards.

    Raises:
        RuntimeError: it did not get so far; with what it said.
    """
    with tempfile.TemporaryFile() as said:
        with _affinity({CORE} if one_core else None):
            process = subprocess.Popen(
                command,
                env={**os.environ, **(env or {})},
                cwd=Path(__file__).parent.parent,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
        try:
            if (fault := _not_listening(process, port)) is not None:
                said.seek(0)
                raise RuntimeError(f"{fault}: {said.read()[-2000:].decode(errors='replace')}")
            yield Measured(process, port)
        finally:
            _stop(process)


@contextmanager
def _affinity(cores: set[int] | None) -> Iterator[None]:
    """Processes that begin within it run on these cores only, with all their threads."""
    if cores is None or not can_pin():
        yield
        return
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def can_pin() -> bool:
    return hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1


@contextmanager
def away_from_core() -> Iterator[None]:
    """This process, and those that begin within, leave the pinned server's core alone."""
    with _affinity(set(range(os.cpu_count() or 1)) - {CORE}):
        yield


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _not_listening(process: subprocess.Popen[bytes], port: int) -> str | None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return f"the server ended with {process.returncode} before it listened"
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return None
        time.sleep(0.05)
    return "the server did not listen in time"
