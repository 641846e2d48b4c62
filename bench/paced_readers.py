"""A thousand readers in one process: each notes when text came, and counts it afterwards."""

import asyncio
import time
from array import array
from typing import cast

from bench.clients import Read, counted

TEXT = (b'{"text"', b"event: block_delta")


class PacedReader(asyncio.Protocol):
    """One connection that asks once. `arrivals` are the times at which text came.

    `begun` is done when the first event has come, `ended` when the connection is closed.
    """

    def __init__(self, asked: bytes) -> None:
        self._asked = asked
        loop = asyncio.get_running_loop()
        self._received = bytearray()
        self.transport: asyncio.Transport | None = None
        self.arrivals = array("d")
        self.begun: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._asked:
            self.transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        if any(mark in data for mark in TEXT):
            self.arrivals.append(time.monotonic())
        self._received += data
        if not self.begun.done() and b"\n\n" in self._received:
            self.begun.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if not self.ended.done():
            self.ended.set_result(None)

    def read(self) -> Read:
        """What was read. Raises ValueError: it was refused."""
        return counted(bytes(self._received), 0.0)


async def connect(port: int, asked: bytes) -> PacedReader:
    loop = asyncio.get_running_loop()
    _, reader = await loop.create_connection(lambda: PacedReader(asked), "127.0.0.1", port)
    return reader
