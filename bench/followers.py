"""Readers of a conversation's events, who note when each came."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from bench.clients import WITHIN_S, events_request

_EVENT = re.compile(rb"id: (\d+)\nevent: (\w+)\ndata: ")


class Follower(asyncio.Protocol):
    """`seen` is the time at which each seq came, `kinds` its type."""

    def __init__(self, conversation_id: str, after: int = 0) -> None:
        self._asked = events_request(conversation_id, after)
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._looks: list[Callable[[], None]] = []
        self.asked_at = 0.0
        self.seen: dict[int, float] = {}
        self.kinds: dict[int, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.asked_at = time.monotonic()
        self.transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        whole, _, self._rest = (self._rest + data).rpartition(b"\n\n")
        for event in _EVENT.finditer(whole):
            seq = int(event[1])
            self.seen[seq], self.kinds[seq] = now, event[2]
        for look in self._looks:
            look()

    async def first(self, kind: str, after: int = 0) -> float:
        """When the first event of this type, or of any if it is empty, with a greater seq came."""
        future: asyncio.Future[float] = self._loop.create_future()
        name = kind.encode()

        def look() -> None:
            for seq, found in self.kinds.items():
                if seq > after and found == (name or found) and not future.done():
                    future.set_result(self.seen[seq])

        look()
        self._looks.append(look)
        async with asyncio.timeout(WITHIN_S):
            return await future


@asynccontextmanager
async def following(port: int, conversation_id: str, after: int = 0) -> AsyncIterator[Follower]:
    loop = asyncio.get_running_loop()
    transport, follower = await loop.create_connection(
        lambda: Follower(conversation_id, after), "127.0.0.1", port
    )
    try:
        yield follower
    finally:
        transport.abort()
