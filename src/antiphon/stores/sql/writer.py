"""The thread of the one write connection, and the line in front of it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

from antiphon.stores.sql.group import GROUP_MAX, Failed, Transaction

T = TypeVar("T")

Meanwhile: TypeAlias = Callable[[], None]
"""Something to be done in the event loop while the disk is waited for."""

Waiting: TypeAlias = tuple[Transaction, asyncio.Future[Any], Meanwhile | None]
Commit: TypeAlias = Callable[[Sequence[Transaction], Callable[[], None]], list[Any]]
Job: TypeAlias = Callable[[], None]

REST_S = 0.001
"""How long nothing was committed when the writer counts as idle."""


class Kept(asyncio.Future[T]):
    """Of a transaction under way: a task that is cancelled while it waits hears of that when it is over."""

    def cancel(self, msg: Any | None = None) -> bool:
        del msg
        return False


class Writer:
    """Whatever came while the last group was committed makes the next one.

    A thread pool would do as well, but takes longer to hand over a group than to run a small one.
    """

    def __init__(
        self,
        commit: Commit,
        *,
        afterwards: Callable[[], None],
        idle: Callable[[], None],
        rest_s: float = REST_S,
    ) -> None:
        """`commit` runs in the thread, and returns for each what it returned, or `Failed`.

        It calls what it is given beside the transactions when only the disk is left to be waited for.
        `afterwards` is called in the thread when the results are handed over, `idle` in the event loop after
        a commit that no other follows.
        """
        self._commit = commit
        self._afterwards = afterwards
        self._idle = idle
        self._rest_s = rest_s
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._waiting: list[Waiting] = []
        self.busy = False
        """Whether something is being committed."""
        self._ended = float("-inf")
        """When nothing was left to be committed."""

    def write(self, transaction: Callable[[Any], T], meanwhile: Meanwhile | None = None) -> Kept[T]:
        """Commit it with the next group. The future raises what it did, or StoreUnavailable.

        What has something to do meanwhile is waited for: where the writer is idle, it goes first, alone.
        """
        loop = asyncio.get_running_loop()
        future: Kept[T] = Kept(loop=loop)
        self._waiting.append((transaction, future, meanwhile))
        if not self.busy:
            self.busy = True
            if meanwhile is not None and loop.time() >= self._ended + self._rest_s:
                self._next(loop)
            else:
                loop.call_soon(self._next, loop)  # whatever else is ready now may come along
        return future

    def run(self, call: Callable[[], T]) -> Kept[T]:
        """Call it in the thread, when its turn comes."""
        loop = asyncio.get_running_loop()
        future: Kept[T] = Kept(loop=loop)
        self._post(loop, call, partial(_settle, future))
        return future

    def close(self) -> None:
        """Wait for what is under way."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
        self.busy = bool(group)
        if group:
            work = [transaction for transaction, _, _ in group]
            syncing = partial(_while_syncing, loop, [call for _, _, call in group if call is not None])
            self._post(loop, partial(self._commit, work, syncing), partial(self._committed, loop, group))
            self._jobs.put(self._afterwards)

    def _committed(self, loop: asyncio.AbstractEventLoop, group: Sequence[Waiting], outcome: Any) -> None:
        results = [outcome] * len(group) if isinstance(outcome, Failed) else outcome
        for (_, future, _), result in zip(group, results, strict=True):
            _settle(future, result)
        self._next(loop)
        if not self.busy:
            self._ended = loop.time()
            self._idle()

    def _post(
        self, loop: asyncio.AbstractEventLoop, call: Callable[[], Any], then: Callable[[Any], None]
    ) -> None:
        """Call it in the thread, and `then` in the loop's with what it returned or `Failed`."""

        def job() -> None:
            try:
                outcome = call()
            except BaseException as error:  # noqa: BLE001 - raised by whoever waits for it
                outcome = Failed(error)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(then, outcome)

        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="antiphon-write", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _while_syncing(loop: asyncio.AbstractEventLoop, calls: Sequence[Meanwhile]) -> None:
    """In the thread, which lets the event loop go on while it waits for the disk."""
    for call in calls:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(call)


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    if future.done():
        return
    if isinstance(outcome, Failed):
        future.set_exception(outcome.error)
    else:
        future.set_result(outcome)
