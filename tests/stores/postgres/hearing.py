"""Listening to a store's hints, with an end to patience."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from antiphon.stores.base import Hint
from antiphon.stores.sql.store import SqlStore


@asynccontextmanager
async def listening(store: SqlStore) -> AsyncIterator[AsyncGenerator[Hint | None, None]]:
    """Hints from now on."""
    async with aclosing(store.hints()) as hints:
        async with asyncio.timeout(5):
            assert await anext(hints) is None
        yield hints


async def heard(hints: AsyncGenerator[Hint | None, None], wanted: Hint | None, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while await anext(hints) != wanted:
            pass
