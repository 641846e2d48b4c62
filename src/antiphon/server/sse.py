"""A stream of ready bytes as a response.

What an event costs here is one `send`, a small part of what FastAPI's own event streams take for it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from antiphon.server.protocol import abort

log = structlog.get_logger()

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Neither a proxy nor nginx may keep events back or rewrite them."""

SEND_S = 30.0
"""Seconds that one `send` may wait for a reader that does not read; then the reader is dropped."""

_FIRST = asyncio.FIRST_COMPLETED

FAREWELL_S = 1.0
"""Seconds to wait for a reader that does not read, when the server stops."""


CLOSING = b": closing\n\n"
"""The last that a stream without an end of its own says when the server stops."""


def no_farewell() -> bytes:
    return b""


class Streams:
    """The event streams of one server: its patience with their readers, and their end when it stops."""

    def __init__(self, send_s: float = SEND_S) -> None:
        self._send_s = send_s
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End what has no end of its own. Within the event loop that serves."""
        self._closing.set()

    def to_its_end(
        self, events: AsyncGenerator[bytes, None], farewell: Callable[[], bytes] = no_farewell
    ) -> "EventStream":
        """A turn's stream: it may go on for as long as the turn may when the server stops."""
        return EventStream(events, farewell, send_s=self._send_s)

    def without_end(self, events: AsyncGenerator[bytes, None]) -> "EventStream":
        """A conversation's stream: it ends at once when the server stops; its reader comes back."""
        return EventStream(events, lambda: CLOSING, send_s=self._send_s, closing=self._closing)


class EventStream(Response):
    """Sends what the generator yields until it ends or the reader leaves; then the generator is closed.

    Nothing is buffered here: the generator goes on when the server has taken what it yielded. A reader that
    lets one `send` wait for more than `send_s` seconds is dropped. If the server stops meanwhile, or
    `closing` is set, `farewell()` is the last that is sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        farewell: Callable[[], bytes] = no_farewell,
        *,
        send_s: float = SEND_S,
        closing: asyncio.Event | None = None,
    ) -> None:
        self._events = events
        self._farewell = farewell
        self._send_s = send_s
        self._closing = closing
        self._sending_since: float | None = None
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = asyncio.Event()
        writing = asyncio.create_task(self._write(send, started))
        leaving = asyncio.create_task(_left(receive))
        tasks = [writing, leaving]
        if self._closing is not None:
            tasks.append(asyncio.create_task(_set(self._closing)))
        stalled = False
        try:
            stalled = await self._first_of(tasks)
            cut = not (stalled or writing.done() or leaving.done())
        except asyncio.CancelledError:
            cut = True
        left = leaving.done()
        await _end(*tasks)
        whole = await self._say_farewell(send, started) if cut else self._written(writing, stalled=stalled)
        if not (whole or left) and abort(scope):
            await _left(receive)

    async def _first_of(self, tasks: "list[asyncio.Task[None]]") -> bool:
        """Wait for one of them; True if the reader has stalled before.

        One look every now and then costs less than a timer for each `send`.
        """
        clock = asyncio.get_running_loop().time
        while not (await asyncio.wait(tasks, timeout=self._send_s / 4, return_when=_FIRST))[0]:
            if self._sending_since is not None and clock() - self._sending_since >= self._send_s:
                return True
        return False

    def _written(self, writing: "asyncio.Task[None]", *, stalled: bool) -> bool:
        """False if the reader was dropped: its response stays without an end, so that it knows."""
        if stalled:
            log.info("reader_dropped", waited_s=self._send_s)
        elif not writing.cancelled():
            writing.result()
        return not stalled

    async def _write(self, send: Send, started: asyncio.Event) -> None:
        async with aclosing(self._events) as events:
            await self._start(send, started)
            async for data in events:
                await self._send(send, {"type": "http.response.body", "body": data, "more_body": True})
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, send: Send, started: asyncio.Event) -> None:
        await self._send(
            send, {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        started.set()

    async def _send(self, send: Send, message: Message) -> None:
        self._sending_since = asyncio.get_running_loop().time()
        await send(message)
        self._sending_since = None

    async def _say_farewell(self, send: Send, started: asyncio.Event) -> bool:
        """Whether it could be said."""
        try:
            async with asyncio.timeout(FAREWELL_S):
                if not started.is_set():
                    await self._start(send, started)
                await send({"type": "http.response.body", "body": self._farewell(), "more_body": False})
        except RuntimeError:  # the last had been sent just before
            return True
        except TimeoutError:
            return False
        return True


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _end(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
