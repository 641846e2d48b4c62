"""Servers under measurement, each a process of its own, and the CPU time that its process tree used."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

START_S = 30.0


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
        root = psutil.Process(self.process.pid)
        times = [member.cpu_times() for member in (root, *root.children(recursive=True))]
        return sum(t.user + t.system for t in times)

    def memory_bytes(self) -> int:
        root = psutil.Process(self.process.pid)
        return sum(member.memory_info().rss for member in (root, *root.children(recursive=True)))


@contextmanager
def server(command: list[str], port: int, env: Mapping[str, str] | None = None) -> Iterator[Measured]:
    """Run `command` until it listens on `port`; stop it by its pid afterwards."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if os.environ.get("BENCH_QUIET") else None,
        start_new_session=True,
    )
    try:
        _wait(process, port)
        yield Measured(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it listened")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server did not listen in time")


@contextmanager
def simulator(deltas: int, delta_chars: int, pace_s: float) -> Iterator[Measured]:
    port = free_port()
    command = [sys.executable, "-m", "antiphon", "simulate", "--port", str(port)]
    command += ["--deltas", str(deltas), "--delta-chars", str(delta_chars), "--pace", str(pace_s)]
    with server(command, port) as running:
        yield running


@contextmanager
def antiphon(upstream: Measured, store: str, **settings: str) -> Iterator[Measured]:
    port = free_port()
    command = [sys.executable, "-m", "antiphon", "serve", "--port", str(port), "--store", store]
    with server(command, port, {**_env(upstream), **settings}) as running:
        yield running


@contextmanager
def bare_app(upstream: Measured) -> Iterator[Measured]:
    """FastAPI and the SDK's `messages.stream`, as a tutorial has it."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare_app:app", "--port", str(port)]
    command += ["--log-level", "error", "--no-access-log"]
    with server(
        command, port, {**_env(upstream), "PYTHONPATH": str(Path(__file__).parent.parent)}
    ) as running:
        yield running


def _env(upstream: Measured) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": upstream.url, "ANTHROPIC_API_KEY": "bench"}
