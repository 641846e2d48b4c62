"""One of several workers: a process that serves what its supervisor bound, until that one stops it."""

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import structlog

from antiphon.cli.exits import Exit, say
from antiphon.cli.serving import Server, serve_on
from antiphon.errors import AntiphonError
from antiphon.settings import Settings
from antiphon.telemetry import configure_logging

if sys.platform == "linux":
    PROCESS: type[BaseProcess] = multiprocessing.get_context("fork").Process
else:  # macOS does not allow a forked process everything
    PROCESS = multiprocessing.get_context("spawn").Process

STOPS = (signal.SIGINT, signal.SIGTERM)
"""What asks the supervisor to end."""


@dataclass(slots=True)
class Worker:
    """One process, and where it reports that it listens."""

    process: BaseProcess
    report: Connection
    started_at: float
    listens: bool = False


class Lifeline:
    """A pipe that breaks when the first process ends, however it does."""

    def __init__(self) -> None:
        self._theirs, self._ours = multiprocessing.Pipe(duplex=False)

    def close(self) -> None:
        self._theirs.close()
        self._ours.close()

    def watch(self, broken: Callable[[], None]) -> None:
        """Within a worker's event loop."""
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.remove_reader(self._theirs.fileno())
            broken()

        loop.add_reader(self._theirs.fileno(), tell)

    def hold(self) -> None:
        """Within a worker: from now on only the first process keeps it whole."""
        self._ours.close()


def start_worker(settings: Settings, listener: socket.socket, lifeline: Lifeline) -> Worker:
    """A forked worker shares what is loaded; where forking is not safe, as on macOS, it loads it anew."""
    report, theirs = multiprocessing.Pipe(duplex=False)
    process = PROCESS(target=_work, args=(settings, listener, lifeline, theirs), name="antiphon worker")
    process.start()
    theirs.close()
    return Worker(process, report, time.monotonic())


def _work(settings: Settings, listener: socket.socket, lifeline: Lifeline, report: Connection) -> None:
    """A worker's whole life. SIGTERM lets answers end, SIGQUIT does not; Ctrl-C is for the first process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    lifeline.hold()
    configure_logging()
    structlog.contextvars.bind_contextvars(worker=os.getpid())

    def signals(server: Server) -> dict[int, Callable[[int], None]]:
        lifeline.watch(partial(server.drain, signal.SIGTERM))
        return {signal.SIGTERM: server.drain, signal.SIGQUIT: server.leave}

    def listening() -> None:
        report.send_bytes(b"listens")
        report.close()

    try:
        serve_on(settings, listener, listening=listening, signals=signals)
    except AntiphonError as error:
        say(error.detail)
        raise SystemExit(Exit.CONFIGURATION) from None
