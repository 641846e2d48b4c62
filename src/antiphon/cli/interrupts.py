"""Ctrl-C and requests to end the program, as they reach an event loop."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self, TypeAlias

END = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""What asks a program to end; Windows has fewer of them."""

Main: TypeAlias = "Callable[[Interrupts], Coroutine[Any, Any, int]]"


def run(main: Main) -> int:
    """Run `main` in an event loop of its own and return its exit code, or 128 + the signal that ended it."""

    async def governed() -> int:
        with Interrupts() as interrupts:
            try:
                return await main(interrupts)
            except asyncio.CancelledError:
                return 128 + interrupts.received

    return asyncio.run(governed())


class Interrupts:
    """Signals to this program. They cancel the task that made this, unless something else is to stop."""

    def __init__(self) -> None:
        self.received = 0
        """The last signal, 0 if there was none."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._stop: Callable[[], None] | None = None

    @property
    def ending(self) -> bool:
        """Whether the program was asked to end, not only to stop an answer."""
        return self.received in END

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Within this, a signal calls `stop`, and everything goes on."""
        self.received = 0
        self._stop = stop
        try:
            yield
        finally:
            self._stop = None

    def __enter__(self) -> Self:
        # Not the loop's own signal handlers: Windows has none, and prompt_toolkit takes them for itself.
        # What whoever started this let it ignore, as nohup does, is ignored still.
        numbers = [number for number in (signal.SIGINT, *END) if signal.getsignal(number) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._caught) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _caught(self, number: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._receive, number)

    def _receive(self, number: int) -> None:
        self.received = number
        if self._stop is not None:
            self._stop()
        elif self._task is not None:
            self._task.cancel()
