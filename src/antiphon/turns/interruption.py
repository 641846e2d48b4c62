"""What may end the work of a turn from outside: somebody who stops it, a lost lease, its deadline."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from antiphon.errors import DeadlineExceeded, FenceLost

T = TypeVar("T")


class Stopped(Exception):
    """Somebody asked for the end of this answer."""


class Abandoned(Exception):
    """The turn is another's now, or will be: this replica writes nothing more of it."""


class Interruption:
    """Of one turn. `cancel`, `abandon` and `lose` may be called while its work is waited for."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._deadline: float | None = None
        self._work: asyncio.Task[Any] | None = None
        self._abandoned = False
        self._lost = False
        self.seen_seq: int | None = None
        """What whoever stopped the answer had seen, the greatest of all; None if nobody did."""

    def begin(self) -> None:
        """The turn's time runs from now on."""
        self._deadline = asyncio.get_running_loop().time() + self._deadline_s

    @property
    def left_s(self) -> float:
        """Seconds to the deadline."""
        if self._deadline is None:
            return self._deadline_s
        return self._deadline - asyncio.get_running_loop().time()

    def cancel(self, seen_seq: int) -> None:
        self.seen_seq = max(self.seen_seq or 0, seen_seq)
        self._end_work()

    def abandon(self) -> None:
        self._abandoned = True
        self._end_work()

    def lose(self) -> None:
        self._lost = True
        self.abandon()

    def _end_work(self) -> None:
        if self._work is not None:
            self._work.cancel()

    def require(self) -> None:
        """Raises Abandoned: nothing more is to be written."""
        if self._abandoned:
            raise Abandoned

    def require_time(self) -> None:
        """Raises DeadlineExceeded: nothing more is to be asked for."""
        if self.left_s <= 0:
            raise self._late()

    def _late(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"Claude did not finish within {self._deadline_s:g} s. The answer was ended there; ask again."
        )

    async def bounded(self, request: Coroutine[Any, Any, T]) -> T:
        """Wait for a request, but not beyond the deadline.

        Raises:
            DeadlineExceeded, and what `stoppable` does.
        """
        try:
            return await self.stoppable(request, until=self._deadline)
        except TimeoutError as error:
            raise self._late() from error

    async def stoppable(self, work: Coroutine[Any, Any, T], until: float | None = None) -> T:
        """Wait for work. Raises Stopped, Abandoned, FenceLost (another has the lease), TimeoutError."""
        task: asyncio.Task[T] = asyncio.create_task(work)
        self._work = task
        if self._abandoned or self.seen_seq is not None:
            self._work.cancel()
        try:
            async with asyncio.timeout_at(until):
                return await task
        except asyncio.CancelledError:
            if self._lost:
                raise FenceLost("Another replica runs this turn now; this one stopped.") from None
            if self._abandoned:
                raise Abandoned from None
            if self.seen_seq is None:
                raise
            raise Stopped from None
        finally:
            self._work = None
