"""Hints on PostgreSQL: one channel, one notification per commit, one listening session for who reads them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from antiphon.stores.base import Hint
from antiphon.stores.sql.postgres_sessions import FAILURES, connect

CHANNEL = "antiphon"
MAX_BYTES = 7900
"""PostgreSQL takes less than 8,000; one byte more would roll the commit back."""

ANYTHING = "*"
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
SILENCE_S = 15.0
"""A session that has heard nothing for so long is asked whether it still lives."""

CLOSE_S = 2.0


def payload_of(seqs: Mapping[str, int]) -> str:
    """`conversation:seq`, with spaces between them; `*` if that would be too long."""
    payload = " ".join(f"{conversation_id}:{seq}" for conversation_id, seq in seqs.items())
    return payload if len(payload.encode()) <= MAX_BYTES else ANYTHING


def hints_of(payload: str) -> list[Hint | None]:
    """What is not ours to understand may mean anything."""
    words = [word.rpartition(":") for word in payload.split(" ")]
    hints = [Hint.heard(conversation_id, seq) for conversation_id, _, seq in words]
    return hints if None not in hints else [None]


class _News:
    """What was heard and not taken yet. Of a conversation only the newest is kept, so it cannot pile up."""

    def __init__(self) -> None:
        self._seqs: dict[str, int] = {}
        self._anything = False
        self._lost = False
        self._came = asyncio.Event()

    def hear(self, _session: Any, _pid: int, _channel: str, payload: str) -> None:
        for hint in hints_of(payload):
            if hint is None:
                self._anything = True
            else:
                self._seqs[hint.conversation_id] = max(hint.seq, self._seqs.get(hint.conversation_id, 0))
        self._came.set()

    def lose(self, _session: Any) -> None:
        self._lost = True
        self._came.set()

    async def take(self) -> list[Hint | None]:
        """Wait for news. Raises ConnectionError: there will be none any more."""
        await self._came.wait()
        self._came.clear()
        if self._lost:
            raise ConnectionError
        hints: list[Hint | None] = [Hint(*heard) for heard in self._seqs.items()]
        if self._anything:
            hints.append(None)
        self._seqs, self._anything = {}, False
        return hints


async def listen(url: str) -> AsyncGenerator[Hint | None, None]:
    """Hints without end; None after each time that a session was opened, since all before it was missed."""
    pause = FIRST_PAUSE_S
    while True:
        with suppress(*FAILURES):
            async with _session(url) as (session, news):
                pause = FIRST_PAUSE_S
                yield None
                while True:
                    for hint in await _take(session, news):
                        yield hint
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


@asynccontextmanager
async def _session(url: str) -> AsyncGenerator[tuple[Any, _News], None]:
    news = _News()
    session = await connect(url)
    try:
        session.add_termination_listener(news.lose)
        await session.add_listener(CHANNEL, news.hear)
        yield session, news
    finally:
        with suppress(*FAILURES):
            await session.close(timeout=CLOSE_S)


async def _take(session: Any, news: _News) -> list[Hint | None]:
    """Raises an error of `FAILURES`: the session is dead."""
    try:
        async with asyncio.timeout(SILENCE_S):
            return await news.take()
    except TimeoutError:
        await session.execute("SELECT 1")
        return []
