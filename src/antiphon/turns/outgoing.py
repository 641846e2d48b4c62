"""One request to a model, from when it is made ready until its answer is read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from antiphon.domain.plans import RequestPlan
from antiphon.model.upstream import Upstream
from antiphon.model.wire import StreamEvent
from antiphon.turns.flusher import Flusher

PIECES_AT_ONCE = 8
"""How many pieces of an answer are read as they come, before reading keeps step with the commits."""


GOING = 3
"""Turns of the event loop from when a request may go until it is on its way."""


class InStep:
    """The pace of one answer: it is held until `go`, and is read in step with the commits."""

    def __init__(self, flusher: Flusher) -> None:
        self._flusher = flusher
        self._pieces = 0
        self._gone: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()

    def go(self) -> None:
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        self._gone = None

    async def may_go(self) -> None:
        if self._gone is not None:
            await self._gone

    def read_on(self, resume: Callable[[], None]) -> None:
        self._pieces += 1
        if self._pieces <= PIECES_AT_ONCE:
            resume()
        else:
            self._flusher.before_commit(resume)


class Outgoing:
    """Batches of its answer's events, as `Upstream.stream` gives them; close it in the end.

    Made within the event loop.
    """

    def __init__(self, upstream: Upstream, flusher: Flusher, plan: RequestPlan) -> None:
        self._pace = InStep(flusher)
        self._events = upstream.stream(plan, self._pace)
        self._first: asyncio.Task[Sequence[StreamEvent]] | None = None
        self._begun = False

    def make_ready(self) -> None:
        """Do what can be done for it before it may go, which is most of the work. Idempotent."""
        if not self._begun:
            self._begun = True
            self._first = asyncio.create_task(self._begin())

    def go(self) -> None:
        """From now on it may be on its way, and is if it was made ready. Idempotent."""
        self._pace.go()

    async def send(self) -> None:
        """Let it go, and return when it is on its way."""
        self.make_ready()
        self.go()
        for _ in range(GOING):
            await asyncio.sleep(0)

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Sequence[StreamEvent]]:
        self._begun = True
        if self._first is None:
            return self._events.__anext__()
        first, self._first = self._first, None
        return first

    def drop(self) -> None:
        """Nobody reads its answer. Idempotent."""
        self._begun = True
        if self._first is not None:
            self._first.cancel()
            self._first.add_done_callback(_unheard)

    async def aclose(self) -> None:
        """Close its connection, if its answer was not read to the end. Idempotent."""
        self.drop()
        first, self._first = self._first, None
        if first is not None:
            await asyncio.wait([first])
        await self._events.aclose()

    async def _begin(self) -> Sequence[StreamEvent]:
        return await anext(self._events, ())


def _unheard(first: "asyncio.Task[Sequence[StreamEvent]]") -> None:
    """Whatever became of it, nobody waits for it."""
    if not first.cancelled():
        first.exception()
