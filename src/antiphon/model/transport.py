"""The SDK's aiohttp transport, made to read a body from its socket only while somebody waits for more.

What nobody waits for stays in the kernel. It comes in one read afterwards, and the end of the connection
cannot overtake it: aiohttp on its own reads ahead, and where a connection ends before the body did, it gives
out the error and nothing of what it holds. It takes even a whole body for cut, if it had paused after several
small HTTP chunks and the rest came together with the end.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing, suppress

import httpx2
from aiohttp import ClientResponse, SocketTimeoutError
from aiohttp.client_proto import ResponseHandler
from anthropic._vendor.httpx_aiohttp.transport import (  # the SDK's own, which it does not export
    AiohttpResponseStream,
    AiohttpTransport,
    map_aiohttp_exceptions,
)

READ_BUFFER = 1 << 20
"""Bytes for aiohttp's session: more than one read brings, so that its own way of pausing never sets in."""


class AskedTransport(AiohttpTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if isinstance(response.stream, AiohttpResponseStream):
            held = response.stream._aiohttp_response  # noqa: SLF001 - there is no other way to it
            response.stream = AskedStream(held)
        return response


class AskedStream(AiohttpResponseStream):
    """A body, in pieces of all that has come when they are asked for. Raises httpx2's exceptions."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._aiohttp_response.content
        content._low_water = 0  # noqa: SLF001 - or it would open the socket after each small chunk
        with map_aiohttp_exceptions(), closing(Gate(self._aiohttp_response)) as gate:
            while not content.at_eof():
                gate.open()
                piece = await content.readany()
                gate.shut()
                if piece:
                    yield piece


class Gate:
    """Between a socket and the response whose body comes through it; gone with the body's end.

    It has the clock for silence, too, which stands still while nobody listens. aiohttp's own would be set
    anew for each piece; this one looks when the time could be over, and goes on if it is not.
    """

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._patience_s: float | None = None
        self._open_since: float | None = None
        self._look: asyncio.TimerHandle | None = None
        if (protocol := self._protocol) is not None:
            self._patience_s, protocol.read_timeout = protocol.read_timeout, None
            protocol.start_timeout()

    def open(self) -> None:
        self._open_since = self._loop.time()
        if self._look is None and self._patience_s is not None:
            self._look = self._loop.call_later(self._patience_s, self._look_at_silence)
        if (protocol := self._protocol) is not None and protocol.transport is not None:
            with suppress(RuntimeError):  # the connection is closing: whoever waits hears of it
                protocol.transport.resume_reading()

    def shut(self) -> None:
        self._open_since = None
        if (protocol := self._protocol) is not None and protocol.transport is not None:
            with suppress(RuntimeError):
                protocol.transport.pause_reading()

    def close(self) -> None:
        if self._look is not None:
            self._look.cancel()

    def _look_at_silence(self) -> None:
        self._look = None
        if self._open_since is None or self._patience_s is None:
            return
        left_s = self._open_since + self._patience_s - self._loop.time()
        if left_s > 0:
            self._look = self._loop.call_later(left_s, self._look_at_silence)
        else:
            self._response.content.set_exception(SocketTimeoutError("Nothing came for too long"))

    @property
    def _protocol(self) -> ResponseHandler | None:
        connection = self._response.connection
        return None if connection is None else connection.protocol
