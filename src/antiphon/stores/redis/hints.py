"""Hearing of commits by other processes: every script that commits publishes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from redis.asyncio.client import PubSub

from antiphon.stores.base import Hint
from antiphon.stores.redis.keys import CHANNELS
from antiphon.stores.redis.server import DRIVER_ERRORS, Server

AGAIN_S = 0.5
"""How long to wait before connecting again."""


async def hints(server: Server) -> AsyncGenerator[Hint | None, None]:
    """None each time that hearing begins: what was committed before may have been missed."""
    while True:
        pubsub = server.pubsub()
        try:
            async with aclosing(_heard(pubsub)) as heard:
                async for hint in heard:
                    yield hint
        except DRIVER_ERRORS:
            await asyncio.sleep(AGAIN_S)
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]


async def _heard(pubsub: PubSub) -> AsyncGenerator[Hint | None, None]:
    await pubsub.subscribe(*CHANNELS)
    silent = set(CHANNELS)
    async for message in pubsub.listen():
        if message["type"] == "message":
            yield _hint(message["data"])
        elif message["type"] == "subscribe" and silent:
            silent.discard(message["channel"].decode())
            if not silent:
                yield None


def _hint(said: bytes) -> Hint | None:
    conversation_id, _, seq = said.decode(errors="replace").rpartition(" ")
    return Hint.heard(conversation_id, seq)
