"""Commits that several answers share."""

import asyncio
from collections.abc import Sequence

import pytest

from antiphon.domain import events as e
from antiphon.domain.messages import text_block
from antiphon.model import wire
from antiphon.stores.base import Lease
from antiphon.stores.frames import Frame, decode_all
from antiphon.stores.memory import MemoryStore
from antiphon.testing.stores.making import a_conversation, a_turn, lease_of, start
from antiphon.turns.flusher import Flusher
from antiphon.turns.hub import Hub
from antiphon.turns.writing import Writing


class SlowStore(MemoryStore):
    """Commits when it is let, and not at all if whoever waits for that leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def flush(self, batch: Sequence[tuple[Lease, Sequence[e.Event]]]) -> list[list[Frame] | None]:
        self.asked.set()
        await self.let.wait()
        return await super().flush(batch)


async def a_writing(store: MemoryStore, flusher: Flusher, text: str) -> str:
    """The conversation that it is for; `text` waits for the next commit."""
    header = await a_conversation(store)
    acceptance = a_turn(header.id)
    lease = lease_of(await store.accept(acceptance))
    await start(store, acceptance, lease)
    writing = Writing(0)
    delta = {"type": "text_delta", "text": text}
    writing.apply([wire.BlockStart(index=0, content_block=text_block("")), wire.BlockDelta(0, delta)])
    flusher.add(lease, writing)
    return header.id


async def test_a_commit_that_others_share_goes_on_if_whoever_wanted_it_is_stopped() -> None:
    store = SlowStore()
    flusher = Flusher(store, Hub(store))
    first, second = [await a_writing(store, flusher, text) for text in ("one", "two")]
    asking = asyncio.create_task(flusher.relieve())
    await store.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    store.let.set()
    await flusher.settled()
    shown = [
        event.delta["text"]
        for conversation_id in (first, second)
        for _, event in decode_all(await store.read(conversation_id, 0))
        if isinstance(event, e.BlockDelta)
    ]
    assert shown == ["one", "two"]
