"""The outcomes that wait to be used, and the waits that a test can end. Safe to use from any thread."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

import msgspec

from antiphon.simulator.script import Drop, Events, Fail, NoAnswer, Outcome, Page, Reply

MESSAGES = "/v1/messages"


def _is_for(outcome: NoAnswer, path: str) -> bool:
    return outcome.for_path is not None and fnmatchcase(path, outcome.for_path)


def _fits(outcome: Outcome, model: str, path: str) -> bool:
    if (
        isinstance(outcome, Fail | Page | Drop)
        and outcome.for_path is not None
        and not _is_for(outcome, path)
    ):
        return False
    return outcome.for_model in (None, model)


class Playbook:
    """Outcomes in the order in which they are to be used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: list[Outcome] = []

    def add(self, outcomes: Iterable[Outcome]) -> None:
        with self._lock:
            self._outcomes.extend(outcomes)

    def take(self, model: str) -> Outcome | None:
        """The first outcome that a request for a message of this model may have."""
        return self._take(lambda outcome: _fits(outcome, model, MESSAGES))

    def take_for(self, path: str) -> NoAnswer | None:
        """The first outcome that is meant for this path in particular."""

        def meant(outcome: Outcome) -> bool:
            return isinstance(outcome, Fail | Page | Drop) and _is_for(outcome, path)

        taken = self._take(meant)
        return None if isinstance(taken, Reply | Events) else taken

    def _take(self, fits: Callable[[Outcome], bool]) -> Outcome | None:
        if not self._outcomes:  # as it is for most requests of a benchmark
            return None
        with self._lock:
            for index, outcome in enumerate(self._outcomes):
                if fits(outcome):
                    self._use(index, outcome)
                    return outcome
        return None

    def _use(self, index: int, outcome: Outcome) -> None:
        if outcome.times > 1:
            self._outcomes[index] = msgspec.structs.replace(outcome, times=outcome.times - 1)
        else:
            self._outcomes.pop(index)

    def clear(self) -> None:
        with self._lock:
            self._outcomes.clear()

    def unused(self) -> tuple[Outcome, ...]:
        with self._lock:
            return tuple(self._outcomes)


class Gate:
    """Waits of bounded length that all end when the gate is opened; later waits are new ones."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._opened.set()
        self._opened = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """True if the gate was opened, False if the time had passed."""
        if seconds <= 0:
            return False
        try:
            async with asyncio.timeout(seconds):
                await self._opened.wait()
        except TimeoutError:
            return False
        return True
