"""`antiphon serve --workers N`: server processes behind one port, started again when they die.

They share one listening socket, so that a connection waits in it while one of them dies, and one store, so
that each goes on with what another left. Whoever stops the first process stops them all; if that one is
killed, they end by themselves as they would at a signal.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import structlog

from antiphon.bootstrap import open_service
from antiphon.cli.exits import Exit
from antiphon.cli.serving import GRACE_S
from antiphon.cli.worker import STOPS, Lifeline, Worker, start_worker
from antiphon.errors import ConfigurationError
from antiphon.settings import LOCAL, Settings

log = structlog.get_logger()

STEADY_S = 10.0
"""A worker that lived for so long is started again at once."""
PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
OVERDUE_S = 5.0
"""Seconds beyond the grace after which a worker that does not end is killed."""
LOOK_S = 1.0
"""How often the deadlines are looked at while nothing happens."""


def check_workers(settings: Settings) -> None:
    """Raises ConfigurationError: what is to be shared cannot be."""
    if settings.workers == 1:
        return
    if sys.platform == "win32":
        raise ConfigurationError("On Windows there is one worker only: leave --workers out.")
    if settings.store.partition("://")[0] == "memory":
        raise ConfigurationError(
            "The store memory:// belongs to one process, so each worker would have conversations of its own. "
            "Choose sqlite:///PATH, postgresql://… or redis://…, or leave --workers out."
        )
    if settings.model == LOCAL:
        raise ConfigurationError(
            "Each worker would load the local model once more, so there can be one worker only: leave "
            "--workers out."
        )


def pause_s(short_lives: int) -> float:
    """Seconds to wait before a worker is started whose last so many lives were short."""
    return min(PAUSE_S * 2.0 ** (min(short_lives, 10) - 1), LONGEST_PAUSE_S) if short_lives else 0.0


def run_workers(settings: Settings, listener: socket.socket, listening: Callable[[], None]) -> int:
    """Serve until a signal comes; the exit code. `listening` is called once, when all of them do.

    Raises:
        MissingCredentials, ConfigurationError, StoreUnavailable, NewerData: they could not begin.
    """
    asyncio.run(_rehearse(settings))
    listener.listen(socket.SOMAXCONN)
    gc.collect()
    gc.freeze()  # what is loaded now is shared with those that are forked
    start = partial(start_worker, settings.model_copy(update={"migrate": "never"}), listener)
    return Supervisor(settings.workers, start, listening).run()


async def _rehearse(settings: Settings) -> None:
    """Open and close what each worker will: migrations run here, once, and what is wrong is told once."""
    settings.mcp_servers()  # looked at, but not started for nothing
    service = await open_service(settings.model_copy(update={"mcp": {}}), takes_over=False)
    await service.close()


@dataclass(slots=True)
class Place:
    """Where one worker after another stands."""

    worker: Worker | None = None
    due: float = 0.0
    """When the next one is to be started."""
    short_lives: int = 0


class Supervisor:
    """Keeps so many workers alive until a signal comes, then waits for their end. It runs no other thread."""

    def __init__(
        self, count: int, start: Callable[[Lifeline], Worker], listening: Callable[[], None]
    ) -> None:
        self._places = [Place() for _ in range(count)]
        self._start = start
        self._listening = listening
        self._lifeline = Lifeline()
        self._greeted = False
        self._stopped_by = 0
        self._overdue = 0.0
        self._failed: int | None = None

    def run(self) -> int:
        before = {number: signal.signal(number, self._stop) for number in STOPS}
        try:
            while not self._stopped_by:
                self._fill()
                self._look()
            while any(place.worker for place in self._places):
                self._look()
        finally:
            self._kill()
            self._lifeline.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._failed is not None:
            return self._failed
        return Exit.INTERRUPTED if self._stopped_by == signal.SIGINT else Exit.ANSWERED

    def _stop(self, number: int, _frame: object = None) -> None:
        """The first signal asks all to let answers end, a second one to leave."""
        word = signal.SIGQUIT if self._stopped_by else signal.SIGTERM
        self._overdue = time.monotonic() + OVERDUE_S + (0 if self._stopped_by else GRACE_S)
        self._stopped_by = self._stopped_by or number
        for worker in self._workers():
            _send(worker.process, word)

    def _workers(self) -> list[Worker]:
        return [place.worker for place in self._places if place.worker is not None]

    def _fill(self) -> None:
        """Start whoever is missing and due."""
        for place in self._places:
            with _signals_held():  # else one that is just being started would miss them
                if place.worker is None and place.due <= time.monotonic() and not self._stopped_by:
                    place.worker = self._start(self._lifeline)

    def _look(self) -> None:
        """Wait until something happens, and take note of it."""
        workers = self._workers()
        reports = [worker.report for worker in workers if not worker.listens]
        now = time.monotonic()
        dues = [place.due - now for place in self._places if place.worker is None and not self._stopped_by]
        patience_s = max(0.0, min([LOOK_S, *dues]))
        wait([*(worker.process.sentinel for worker in workers), *reports], patience_s)
        for place in self._places:
            if place.worker is not None:
                self._note(place, place.worker)
        if not self._greeted and all(place.worker and place.worker.listens for place in self._places):
            self._greeted = True
            self._listening()
        if self._stopped_by and time.monotonic() > self._overdue:
            self._kill()

    def _note(self, place: Place, worker: Worker) -> None:
        if not worker.listens and worker.report.poll():
            with suppress(EOFError):
                worker.report.recv_bytes()
                worker.listens = True
        if worker.process.exitcode is not None:
            self._bury(place, worker)

    def _bury(self, place: Place, worker: Worker) -> None:
        code = worker.process.exitcode or 0
        worker.process.join()
        worker.report.close()
        place.worker = None
        if self._stopped_by:
            return
        log.warning("worker_ended", worker=worker.process.pid, exit=code)
        if not self._greeted:  # what keeps one of them from starting would keep them all
            self._failed = code if code > 0 else Exit.FAILED
            self._stop(signal.SIGTERM)
            return
        now = time.monotonic()
        place.short_lives = 0 if now - worker.started_at > STEADY_S else place.short_lives + 1
        place.due = now + pause_s(place.short_lives)

    def _kill(self) -> None:
        """Those that did not end in time. What they held lapses, and whoever comes next goes on with it."""
        for place in self._places:
            if (worker := place.worker) is not None:
                worker.process.kill()
                worker.process.join()
                self._bury(place, worker)


def _send(process: BaseProcess, number: int) -> None:
    if process.exitcode is None and process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


@contextmanager
def _signals_held() -> Generator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
