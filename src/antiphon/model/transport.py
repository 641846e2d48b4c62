"""The SDK's aiohttp transport, made to read a body from its socket only while somebody waits for more.

What nobody waits for stays in the kernel. It comes in one read afterwards, and the end of the connection
cannot overtake it: aiohttp on its own reads ahead, and where a connection ends before the body did, it gives
out the error and nothing of what it holds. It takes even a whole body for cut, if it had paused after several
small HTTP chunks and the rest came together with the end.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
import anthropic
import httpx2
from aiohttp import ClientResponse, SocketTimeoutError
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from anthropic._vendor.httpx_aiohttp.transport import (  # the SDK's own, which it does not export
    AiohttpResponseStream,
    AiohttpTransport,
    map_aiohttp_exceptions,
)

from antiphon.model.upstream import AT_ONCE, Pace

T = TypeVar("T")

AGAIN_S = 0.1
"""Between two looks at a silence that is long enough to give up. If this process itself stood still (it was
stopped, or its machine was), its clocks may strike before anybody was told of what came meanwhile.
"""

READ_BUFFER = 1 << 20
"""Bytes for aiohttp's session: more than one read brings, so that its own way of pausing never sets in."""

ASKED = "antiphon.asked"
"""The extension of a response that holds its `AskedStream`: httpx2 wraps the stream itself."""

PACE: ContextVar[Pace] = ContextVar("antiphon_pace", default=AT_ONCE)
"""Of the request that is being made: the SDK would not hand it on."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a request is about, and the context in which it is sent."""

    body: bytes
    headers: dict[str, str]
    context: Context

    def put_into(self, request: httpx2.Request) -> None:
        del request.headers["transfer-encoding"]
        request.headers.update({**self.headers, "content-length": str(len(self.body))})
        request.stream = httpx2.ByteStream(self.body)
        request.read()


CONTENT: ContextVar["asyncio.Future[Content] | None"] = ContextVar("antiphon_content", default=None)
"""What the request that is being put together waits for, if the SDK was not given it."""


async def handed_over(task: "asyncio.Task[T]", close: Callable[[T], Awaitable[None]]) -> T:
    """Its result; closed, if whoever waits for it is cancelled just as it comes."""
    try:
        return await task
    except asyncio.CancelledError:
        if task.done() and not task.cancelled() and task.exception() is None:
            await close(task.result())
        raise


class PatientHandler(ResponseHandler):
    """aiohttp's end of a connection, which looks twice at silence before a response begins."""

    def _on_read_timeout(self) -> None:
        self._read_timeout_handle = self._loop.call_later(AGAIN_S, super()._on_read_timeout)


class AskedConnector(aiohttp.TCPConnector):
    """A request gets its connection when `PACE` lets it go: all is done by then but to write it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._factory: Callable[[], ResponseHandler] = partial(PatientHandler, loop=self._loop)  # type: ignore[assignment]

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        await PACE.get().may_go()
        return await super().connect(req, traces, timeout)


class AskedTransport(AiohttpTransport):
    """Of sessions with an `AskedConnector`."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if (coming := CONTENT.get()) is None:
            return await self._send(request)
        content = await coming
        content.put_into(request)
        sending = asyncio.get_running_loop().create_task(self._send(request), context=content.context)
        return await handed_over(sending, httpx2.Response.aclose)

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if isinstance(response.stream, AiohttpResponseStream):
            held = response.stream._aiohttp_response  # noqa: SLF001 - there is no other way to it
            response.stream = response.extensions[ASKED] = AskedStream(held)
        return response


class AskedClient(anthropic.DefaultAioHttpClient):
    """The SDK's HTTP client with such transports, also for what goes through a proxy of the environment."""

    def __init__(self, session: Callable[[], aiohttp.ClientSession], **settings: Any) -> None:
        self._session = session
        super().__init__(**settings)

    # httpx2 lets a subclass choose its transports by these two, as the SDK's own does; where a transport is
    # given to it from outside, it does not look for proxies.

    def _init_transport(self, **settings: Any) -> httpx2.AsyncBaseTransport:  # type: ignore[override]
        return AskedTransport(verify=settings["verify"], client=self._session)

    def _init_proxy_transport(  # type: ignore[override]
        self, proxy: httpx2.Proxy, **settings: Any
    ) -> httpx2.AsyncBaseTransport:
        return AskedTransport(verify=settings["verify"], proxy=proxy, client=self._session)


class AskedStream(AiohttpResponseStream):
    """A body, in pieces of all that has come when they are asked for. Raises httpx2's exceptions."""

    def __init__(self, response: ClientResponse) -> None:
        super().__init__(response)
        response.content._low_water = 0  # noqa: SLF001 - or it would open the socket after each small chunk
        self._content = response.content
        self._gate = Gate(response)
        self._gate.shut()  # until somebody waits: a few turns of the event loop may pass before that

    async def more(self, pace: Pace = AT_ONCE) -> bytes:
        """What has come once `pace` reads on; nothing at its end."""
        content, gate = self._content, self._gate
        try:
            while not content.at_eof():
                pace.read_on(gate.open)
                piece = await content.readany()
                gate.shut()
                if piece:
                    return piece
        except Exception:
            with map_aiohttp_exceptions():  # around each piece it would cost more than reading one
                raise
        gate.close()
        return b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.more():
            yield piece

    async def aclose(self) -> None:
        self._gate.close()
        await super().aclose()


class UnpackedBody:
    """The same of a body that has to be unpacked; it is read as it comes."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._pieces = response.aiter_bytes()

    async def more(self, pace: Pace = AT_ONCE) -> bytes:
        del pace
        async for piece in self._pieces:
            if piece:
                return piece
        return b""

    async def aclose(self) -> None:
        await self._response.aclose()


def body_of(response: httpx2.Response) -> AskedStream | UnpackedBody:
    """Its body, by the way that costs half where nothing is to be unpacked; it closes the response, too."""
    asked = response.extensions.get(ASKED)
    if not isinstance(asked, AskedStream) or "content-encoding" in response.headers:
        return UnpackedBody(response)
    response.stream = asked  # httpx2's wrapper and the response hold each other
    return asked


class Gate:
    """Between a socket and the response whose body comes through it; gone with the body's end.

    It has the clock for silence, too, which stands still while nobody listens. aiohttp's own would be set
    anew for each piece; this one looks when the time could be over, and goes on if it is not.
    """

    __slots__ = ("_closed", "_look", "_loop", "_open_since", "_patience_s", "_response", "_transport")

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._patience_s: float | None = None
        self._open_since: float | None = None
        self._look: asyncio.TimerHandle | None = None
        self._closed = False
        self._transport: asyncio.ReadTransport | None = None
        connection = response.connection
        if connection is not None and (protocol := connection.protocol) is not None:
            self._patience_s, protocol.read_timeout = protocol.read_timeout, None
            protocol.start_timeout()
            self._transport = protocol.transport

    def open(self) -> None:
        if self._closed:
            return
        self._open_since = self._loop.time()
        if self._look is None and self._patience_s is not None:
            self._look = self._loop.call_later(self._patience_s, self._look_at_silence)
        if self._transport is not None and self._response.connection is not None:
            try:
                self._transport.resume_reading()
            except RuntimeError:  # the connection is closing: whoever waits hears of it
                self._transport = None

    def shut(self) -> None:
        self._open_since = None
        if self._transport is not None and self._response.connection is not None:
            try:
                self._transport.pause_reading()
            except RuntimeError:
                self._transport = None

    def close(self) -> None:
        """It may be another response's connection from now on."""
        self._closed = True
        self._transport = None
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _look_at_silence(self, *, again: bool = False) -> None:
        self._look = None
        if self._open_since is None or self._patience_s is None:
            return
        left_s = self._open_since + self._patience_s - self._loop.time()
        if left_s > 0:
            self._look = self._loop.call_later(left_s, self._look_at_silence)
        elif not again:
            self._look = self._loop.call_later(AGAIN_S, partial(self._look_at_silence, again=True))
        else:
            self._response.content.set_exception(SocketTimeoutError("Nothing came for too long"))
