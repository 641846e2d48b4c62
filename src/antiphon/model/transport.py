"""The SDK's aiohttp transport, made to read a body from its socket only while somebody waits for more.

What nobody waits for stays in the kernel. It comes in one read afterwards, and the end of the connection
cannot overtake it: aiohttp on its own reads ahead, and where a connection ends before the body did, it gives
out the error and nothing of what it holds. It takes even a whole body for cut, if it had paused after several
small HTTP chunks and the rest came together with the end.
"""

from collections.abc import AsyncIterator
from contextlib import suppress

import httpx2
from aiohttp import ClientResponse
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
        gate = Gate(self._aiohttp_response)
        with map_aiohttp_exceptions():
            while not content.at_eof():
                piece = content.read_nowait()
                if not piece:
                    gate.open()
                    piece = await content.readany()
                gate.close()
                if piece:
                    yield piece


class Gate:
    """Between a socket and the response whose body comes through it; gone with the body's end."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        protocol = self._protocol
        self._patience_s = None if protocol is None else protocol.read_timeout

    def open(self) -> None:
        protocol = self._protocol
        if protocol is None or protocol.transport is None:
            return
        protocol.read_timeout = self._patience_s
        protocol.start_timeout()
        with suppress(RuntimeError):  # the connection is closing: whoever waits hears of it
            protocol.transport.resume_reading()

    def close(self) -> None:
        """Silence is no stall while nobody listens."""
        protocol = self._protocol
        if protocol is None or protocol.transport is None:
            return
        protocol.read_timeout = None
        protocol.start_timeout()
        with suppress(RuntimeError):
            protocol.transport.pause_reading()

    @property
    def _protocol(self) -> ResponseHandler | None:
        connection = self._response.connection
        return None if connection is None else connection.protocol
