"""News for whoever follows a conversation: of the same principal, bounded, and at no cost for each delta."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from antiphon.clock import SystemClock
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_turn_id
from antiphon.domain.messages import text_block
from antiphon.service.news import PENDING, TOLD_AT_ONCE, ConversationNews, Listener, Newsroom
from antiphon.stores.base import Change
from antiphon.stores.frames import encode_all
from antiphon.stores.memory import MemoryStore
from antiphon.testing.stores.making import a_conversation
from antiphon.turns.hub import Hub

ME, ANOTHER = "me", "another"


class CountingStore(MemoryStore):
    """Counts how often it is asked for a conversation."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def get(self, principal: str, conversation_id: str) -> Header:
        self.asked += 1
        return await super().get(principal, conversation_id)


@dataclass
class Desk:
    """A newsroom that takes no rest, and what it hears from."""

    store: CountingStore
    hub: Hub
    room: Newsroom

    async def conversation(self, principal: str = ME) -> Header:
        header = await a_conversation(self.store, principal=principal)
        self.room.owned(header)
        return header

    async def rename(self, header: Header, title: str) -> None:
        change = Change(events=[e.TitleChange(at=1, title=title)])
        self.hub.publish(header.id, await self.store.append(header.id, change))

    async def told(self) -> None:
        """Wait until everything has been told; nobody may be reading."""
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store = CountingStore()
    hub = Hub(store)
    room = Newsroom(store, (), SystemClock(), hub.wake, pause_s=0)
    hub.heard = room.heard
    yield Desk(store, hub, room)
    await room.close()


def titles(listener: Listener) -> list[str | None]:
    taken = [news for news in listener.take() if isinstance(news, ConversationNews)]
    return [news.header.title if news.header else None for news in taken]


async def test_each_hears_of_the_own_conversations_only(desk: Desk) -> None:
    first, second, foreign = (
        await desk.conversation(),
        await desk.conversation(),
        await desk.conversation(ANOTHER),
    )
    with desk.room.listen(ME, first.id) as mine, desk.room.listen(ANOTHER, foreign.id) as theirs:
        await desk.rename(second, "Second")
        await desk.rename(foreign, "Foreign")
        await desk.rename(first, "First")
        await desk.told()
        assert titles(mine) == ["Second"]
        assert titles(theirs) == []
        other = await desk.conversation(ANOTHER)
        await desk.rename(other, "Theirs")
        await desk.store.delete(ANOTHER, other.id)
        desk.room.changed(ANOTHER, other.id)
        await desk.told()
        assert titles(mine) == []
        assert titles(theirs) == [None]


async def test_a_burst_is_told_once_and_an_idle_reader_keeps_the_newest(desk: Desk) -> None:
    mine = await desk.conversation()
    with desk.room.listen(ME, mine.id) as listener:
        other = await desk.conversation()
        for number in range(100):
            await desk.rename(other, f"Name {number}")
        asked = desk.store.asked
        await desk.told()
        assert desk.store.asked == asked + 1
        assert titles(listener) == ["Name 99"]
        for number in range(TOLD_AT_ONCE + 5):
            await desk.rename(await desk.conversation(), f"Conversation {number}")
        await desk.told()
        assert titles(listener) == [f"Conversation {number}" for number in range(5, TOLD_AT_ONCE + 5)]
        for number in range(PENDING + 5):
            await desk.rename(await desk.conversation(), f"Conversation {number}")
            await desk.told()
        assert titles(listener) == [f"Conversation {number}" for number in range(5, PENDING + 5)]


async def test_the_pieces_of_an_answer_ask_for_nothing(desk: Desk) -> None:
    mine, other = await desk.conversation(), await desk.conversation()
    block = text_block("word " * 100)
    begun = e.BlockStart(step=0, index=0, block=text_block(""))
    piece = e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": "word "})
    heard: list[str] = []
    with desk.room.listen(ME, mine.id) as listener:
        listener.wake = lambda: heard.append("woken")
        desk.hub.publish(other.id, encode_all([begun], 5))
        for seq in range(6, 506):
            desk.hub.publish(other.id, encode_all([piece], seq))
        desk.hub.publish(other.id, encode_all([e.BlockEnd(step=0, index=0, block=block)], 506))
        await desk.told()
        assert (desk.store.asked, heard, listener.pending) == (0, [], {})
        kept = e.Kept(steps=1)
        ended = e.TurnEnd(at=1, turn_id=new_turn_id(other.id), status="completed", kept=kept, head=None)
        desk.hub.publish(other.id, encode_all([ended], 507))
        await desk.told()
        assert (desk.store.asked, heard) == (1, ["woken"])


async def test_where_nobody_listens_nothing_is_asked(desk: Desk) -> None:
    mine = await desk.conversation()
    with desk.room.listen(ME, mine.id):
        pass
    await desk.rename(await desk.conversation(), "Unheard")
    await desk.told()
    assert desk.store.asked == 0


async def test_readers_are_woken_for_news(desk: Desk) -> None:
    mine, other = await desk.conversation(), await desk.conversation()
    follow = desk.hub.follow(mine.id, 1)
    with desk.room.listen(ME, mine.id) as listener:
        waiting = asyncio.ensure_future(anext(follow))
        await asyncio.sleep(0)
        await desk.rename(other, "Other")
        async with asyncio.timeout(10):
            assert await waiting == []
        assert titles(listener) == ["Other"]
    await follow.aclose()
