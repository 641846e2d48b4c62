"""A small application with one stream, and the servers that it must behave the same on."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from antiphon.server.protocol import SEND_S, Protocol, configuration
from antiphon.server.sse import Streams

PATIENCE_S = 10.0

ServerKind: TypeAlias = Literal["ours", "another"]

FIRST, SECOND = b"data: first\n\n", b"data: second\n\n"
FAREWELL = b"data: farewell\n\n"
LARGE = b"data: " + b"x" * 100_000 + b"\n\n"
WHOLE = 20_000_000
"""Bytes of an answer that is no stream: more than the buffers of a connection hold."""
PART = 20_000
"""Bytes of one of which some are needed before the connection is full."""
SECRET = "the words of a conversation"


class Told:
    """Says `FIRST`, and `SECOND` when `more` is set. What it has to say without end is `LARGE`.

    What it says as a whole it counts.
    """

    def __init__(self, send_s: float = SEND_S) -> None:
        self.streams = Streams(send_s)
        self.more = asyncio.Event()
        self.closed = asyncio.Event()
        self.returned = asyncio.Event()
        self.said = 0
        self.wholes = 0
        told = {
            "/events": self._turn,
            "/follow": self._follow,
            "/large": self._large,
            "/broken": self._broken,
            "/other": self._other,
            "/whole": self._whole,
            "/part": self._part,
            "/body": self._body,
        }
        methods = ["GET", "POST"]
        self._app = Starlette(routes=[Route(path, told[path], methods=methods) for path in told])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        self.returned.set()

    def has_said(self, wholes: int) -> bool:
        return self.wholes >= wholes

    async def _turn(self, _: Request) -> Response:
        return self.streams.to_its_end(self._events(), lambda: FAREWELL)

    async def _follow(self, _: Request) -> Response:
        return self.streams.without_end(self._events())

    async def _large(self, _: Request) -> Response:
        return self.streams.to_its_end(self._without_end())

    async def _broken(self, _: Request) -> Response:
        return self.streams.to_its_end(self._failing())

    async def _other(self, _: Request) -> Response:
        return PlainTextResponse("other")

    async def _whole(self, _: Request) -> Response:
        self.wholes += 1
        return Response(b"x" * WHOLE)

    async def _part(self, _: Request) -> Response:
        self.wholes += 1
        return Response(b"x" * PART)

    async def _body(self, request: Request) -> Response:
        return Response(await request.body())

    async def _events(self) -> AsyncGenerator[bytes, None]:
        try:
            yield FIRST
            await self.more.wait()
            yield SECOND
        finally:
            self.closed.set()

    async def _without_end(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                self.said += len(LARGE)
                yield LARGE
                await asyncio.sleep(0)
        finally:
            self.closed.set()

    async def _failing(self) -> AsyncGenerator[bytes, None]:
        yield FIRST
        raise ValueError(SECRET)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@dataclass(frozen=True)
class Running:
    port: int
    server: uvicorn.Server
    serving: "asyncio.Task[None]"

    async def stop(self) -> None:
        self.server.should_exit = True
        async with asyncio.timeout(PATIENCE_S):
            await self.serving

    async def idle(self) -> None:
        """Until nothing is answered any more."""
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*self.server.server_state.tasks)

    @property
    def connection(self) -> Protocol:
        """The only one."""
        [connection] = self.server.server_state.connections
        assert isinstance(connection, Protocol)
        return connection

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - what a connection is like has no event
                await asyncio.sleep(0.01)

    async def alone(self) -> None:
        """Until nobody is connected."""
        await self.until(lambda: not self.server.server_state.connections)


@asynccontextmanager
async def served(app: ASGIApp, kind: ServerKind) -> AsyncGenerator[Running]:
    """By uvicorn as `antiphon serve` sets it up, or as others might. It does not wait when it stops."""
    config = configuration(app, grace_s=0) if kind == "ours" else _another(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(config)
        running = Running(
            listener.getsockname()[1], server, asyncio.create_task(server.serve(sockets=[listener]))
        )
        try:
            yield running
        finally:
            await running.stop()


def _another(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=0,
    )


class Reader:
    """A connection on which requests are written as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, data: bytes) -> None:
        self._writer.write(data)

    def ask(self, path: str, *, method: str = "GET", version: str = "1.1", more: str = "") -> None:
        self._writer.write(f"{method} {path} HTTP/{version}\r\nHost: localhost\r\n{more}\r\n".encode())

    async def until(self, end: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.readuntil(end)

    async def exactly(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.readexactly(size)

    async def rest(self) -> bytes:
        """All until the connection is closed, or broken off."""
        told = b""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while piece := await self._reader.read(65_536):
                    told += piece
            except ConnectionError:
                pass
        return told

    async def leave(self) -> None:
        self._writer.close()


@asynccontextmanager
async def reader_of(running: Running) -> AsyncGenerator[Reader]:
    """One that takes little at a time, as over a slow line."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", running.port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=65_536)
    try:
        yield Reader(reader, writer)
    finally:
        writer.close()
