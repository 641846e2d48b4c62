"""A small HTTP/1.1 server that can also misbehave: hang up, reset, stall. Keep-alive and pipelining work."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple, TypeAlias, cast

import httptools

from antiphon.simulator.chunks import LAST_CHUNK

MEGABYTE = 1024 * 1024
MAX_BODY = 32 * MEGABYTE
"""The Messages API's own limit on a request."""

MORE_FOR = {"/v1/files": 500 * MEGABYTE, "/v1/messages/batches": 256 * MEGABYTE}
"""What the other routes take."""


def max_body(path: str) -> int:
    return MORE_FOR.get(path.rstrip("/"), MAX_BODY)


class HttpRequest(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    too_large: bool = False
    """More bytes came than the path takes; they are not kept."""
    query: str = ""


class Exchange:
    """One response on its way. Everything but `respond` belongs to a response in chunks."""

    def __init__(self, connection: "Connection", *, keep_alive: bool, accepts_gzip: bool = False) -> None:
        self.accepts_gzip = accepts_gzip
        self._connection = connection
        self._keep_alive = keep_alive
        self.status: int | None = None
        """What was answered, as soon as it was."""
        self.over = False
        """True once nothing more will be sent, by the server's own will."""
        self.client_left = False

    @property
    def keeps_alive(self) -> bool:
        return self._keep_alive

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._begin(status, {**headers, "content-length": str(len(body))}, body)
        await self._connection.drain()
        self.over = True

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self._begin(status, {**headers, "transfer-encoding": "chunked"})

    async def begin_sized(self, status: int, headers: Mapping[str, str], size: int) -> None:
        """Begin a response of `size` bytes that may be cut before its end."""
        self._begin(status, {**headers, "content-length": str(size)})

    async def write(self, data: bytes) -> None:
        """Send bytes of the body as they are: whole chunks, or a part of a sized body."""
        self._connection.write(data)
        await self._connection.drain()

    async def end(self) -> None:
        await self.write(LAST_CHUNK)
        self.over = True

    def hang_up(self) -> None:
        """Close the connection where it stands (FIN)."""
        self.over = True
        self._connection.close()

    async def reset(self) -> None:
        """Reset the connection (RST) after everything written has left."""
        self.over = True
        await self._connection.reset()

    def _begin(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.status = status
        ending = "keep-alive" if self._keep_alive else "close"
        lines = [f"HTTP/1.1 {status} {_reason(status)}", f"connection: {ending}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._connection.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


Handler: TypeAlias = Callable[[HttpRequest, Exchange], Awaitable[None]]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"


class Connection(asyncio.Protocol):
    """One connection: parses what comes and answers the requests one after the other."""

    def __init__(self, handle: Handler, live: "set[Connection]") -> None:
        self._handle = handle
        self._live = live
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[HttpRequest, Exchange]] = deque()
        self._current: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = asyncio.Event()
        self._transport: asyncio.Transport
        self._clear()

    def _clear(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._most = MAX_BODY
        self._too_large = False

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._live.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # the offer to speak another protocol may be ignored
        except httptools.HttpParserError:
            self._transport.write(
                b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self._transport.close()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the transport's signature
        self._live.discard(self)
        self._closed.set()
        self._writable.set()
        if self._current is not None and not self._current.over:
            self._current.client_left = True
        if self._task is not None:
            self._task.cancel()

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._most = max_body(self._url.decode("latin-1").partition("?")[0])
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if len(self._body) + len(body) > self._most:
            self._too_large = True
            self._body.clear()
        if not self._too_large:
            self._body += body

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("latin-1")
        request = HttpRequest(method, path, self._headers, bytes(self._body), self._too_large, query)
        zipped = "gzip" in self._headers.get("accept-encoding", "")
        exchange = Exchange(self, keep_alive=self._parser.should_keep_alive(), accepts_gzip=zipped)
        self._waiting.append((request, exchange))
        self._clear()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())

    # What an exchange calls.

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the reader keeps up."""
        if not self._writable.is_set():
            await self._writable.wait()

    def close(self) -> None:
        self._transport.close()

    async def reset(self) -> None:
        self._transport.set_write_buffer_limits(high=0)
        await self.drain()
        connection: socket.socket = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def stop(self) -> None:
        """End at once, whatever is under way."""
        if self._current is not None:
            self._current.over = True
        self._transport.abort()
        await self._closed.wait()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _serve(self) -> None:
        try:
            while self._waiting and not self._transport.is_closing():
                request, self._current = self._waiting.popleft()
                await self._handle(request, self._current)
                if not self._current.keeps_alive:
                    self.close()
        except Exception:
            self.close()  # or the client would wait for ever; asyncio reports the error
            raise
        self._task = None
