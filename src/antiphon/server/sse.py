"""A stream of ready bytes as a response.

A stream is one task, which waits for the next bytes and writes them. Whatever else may end it, be it its
reader or the server, cancels that task and says why before.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from enum import Enum

import structlog
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from antiphon.server.handover import hand_over
from antiphon.server.protocol import SEND_S, Protocol, connection_of

log = structlog.get_logger()

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Neither a proxy nor nginx may keep events back or rewrite them."""

FAREWELL_S = 1.0
"""Seconds to wait for a reader that does not read, when the server stops."""


CLOSING = b": closing\n\n"
"""The last that a stream without an end of its own says when the server stops."""


def no_farewell() -> bytes:
    return b""


class Streams:
    """The event streams of one server: its patience with their readers, and their end when it stops.

    One `send` may wait for `send_s`; then the reader is dropped.
    """

    def __init__(self, send_s: float = SEND_S) -> None:
        self.send_s = send_s
        self._sending: dict[Stream, float] = {}
        self._looking: asyncio.TimerHandle | None = None
        self._endless: set[Stream] = set()
        self._closing = False

    def close(self) -> None:
        """End what has no end of its own. Within the event loop that serves."""
        self._closing = True
        for stream in self._endless:
            stream.end(Cause.CLOSING)

    def to_its_end(
        self, events: AsyncGenerator[bytes, None], farewell: Callable[[], bytes] = no_farewell
    ) -> "EventStream":
        """A turn's stream: it may go on for as long as the turn may when the server stops."""
        return EventStream(Stream(self, events, farewell))

    def without_end(self, events: AsyncGenerator[bytes, None]) -> "EventStream":
        """A conversation's stream: it ends at once when the server stops; its reader comes back."""
        return EventStream(Stream(self, events, lambda: CLOSING, endless=True))

    # Said by streams

    def began(self, stream: "Stream") -> None:
        """One without an end."""
        self._endless.add(stream)
        if self._closing:
            stream.end(Cause.CLOSING)

    def ended(self, stream: "Stream") -> None:
        self._endless.discard(stream)

    def sends(self, stream: "Stream") -> None:
        """Its reader may let it wait. One look now and then at all that wait costs less than timers."""
        loop = asyncio.get_running_loop()
        self._sending[stream] = loop.time()
        if self._looking is None:
            self._looking = loop.call_later(self.send_s / 4, self._look)

    def sent(self, stream: "Stream") -> None:
        del self._sending[stream]

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(self.send_s / 4, self._look) if self._sending else None
        before = loop.time() - self.send_s
        for stream, since in self._sending.items():
            if since <= before:
                stream.end(Cause.STALLED)


class Cause(Enum):
    """Why a stream ends before its generator does."""

    LEFT = "its reader has left"
    STALLED = "its reader does not read"
    CLOSING = "it has no end of its own, and the server stops"
    CANCELLED = "the server stops, and waits no longer"


class Stream:
    """Sends what the generator yields until it ends or the reader leaves; then the generator is closed.

    Nothing is buffered here: the generator goes on when the server has taken what it yielded. A reader that
    lets one `send` wait for too long is dropped. If the server stops meanwhile, `farewell()` is the last that
    is sent.
    """

    __slots__ = ("_cause", "_endless", "_events", "_farewell", "_streams", "_task", "start")

    def __init__(
        self,
        streams: Streams,
        events: AsyncGenerator[bytes, None],
        farewell: Callable[[], bytes] = no_farewell,
        *,
        endless: bool = False,
    ) -> None:
        self._streams = streams
        self._events = events
        self._farewell = farewell
        self._endless = endless
        self._task: asyncio.Task[None] | None = None
        self._cause: Cause | None = None
        self.start: Message | None = None
        """Of the response, until it is sent."""

    def end(self, cause: Cause) -> None:
        """Stop what runs. The first cause is the one that counts."""
        if self._task is not None:
            self._cause = self._cause or cause
            self._task.cancel()

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises what the generator raises: the response stays without an end, so that its reader knows."""
        connection = connection_of(scope)
        leaving = self._begin(connection, receive)
        try:
            await self._write(connection, send)
        except asyncio.CancelledError:
            self._stopped()
        finally:
            self._end(connection)
            if leaving is not None:
                leaving.cancel()
        if self._cause not in (None, Cause.LEFT):
            await self._break_off(connection, receive, send)

    def _begin(self, connection: Protocol | None, receive: Receive) -> "asyncio.Task[None] | None":
        """Hear of what may end it; of its reader, where the server cannot call, by a task that listens."""
        self._task = asyncio.current_task()
        if self._endless:
            self._streams.began(self)
        if connection is not None:
            connection.when_lost(self._left)
            return None
        leaving = asyncio.create_task(_left(receive))
        leaving.add_done_callback(lambda _: self._left())
        return leaving

    def _left(self) -> None:
        self.end(Cause.LEFT)

    def _end(self, connection: Protocol | None) -> None:
        self._task = None
        self._streams.ended(self)
        if connection is not None:
            connection.when_lost(None)

    def _stopped(self) -> None:
        """By us, or by the server, which may do both."""
        if self._cause is None:
            self._cause = Cause.CANCELLED
        elif self._task is not None:
            self._task.uncancel()

    async def _write(self, connection: Protocol | None, send: Send) -> None:
        async with aclosing(self._events) as events:
            await self._send_start(send)
            async for data in events:
                if connection is None or not connection.write(data):
                    await self._send(send, {"type": "http.response.body", "body": data, "more_body": True})
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_start(self, send: Send) -> None:
        if self.start is not None:
            await self._send(send, self.start)
            self.start = None

    async def _send(self, send: Send, message: Message) -> None:
        self._streams.sends(self)
        try:
            await send(message)
        finally:
            self._streams.sent(self)

    async def _break_off(self, connection: Protocol | None, receive: Receive, send: Send) -> None:
        if self._cause is Cause.STALLED:
            log.info("reader_dropped", waited_s=self._streams.send_s)
        elif await self._say_farewell(send):
            return
        if connection is not None:
            connection.abort()
            await _left(receive)

    async def _say_farewell(self, send: Send) -> bool:
        """Whether it could be said."""
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._send_start(send)
                await send({"type": "http.response.body", "body": self._farewell(), "more_body": False})
        except RuntimeError:  # the last had been sent just before
            return True
        except TimeoutError:
            return False
        return True


class EventStream(Response):
    """The response that begins a stream, which goes on outside the application where it can."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        if hand_over(scope, self._stream):
            await send(start)
        else:
            self._stream.start = start
            await self._stream.run(scope, receive, send)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
