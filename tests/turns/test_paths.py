from dataclasses import replace

import pytest

from antiphon.domain import events as e
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.messages import Message, text_block
from antiphon.errors import NotFound
from antiphon.stores.base import Change
from antiphon.stores.memory import MemoryStore
from antiphon.turns.paths import Paths

C = "018f0000-0000-7000-8000-000000000001"


class Asked(MemoryStore):
    """A store that notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str | None] = []

    async def path(self, conversation_id: str, message_id: str | None) -> list[PlacedMessage]:
        self.reads.append(message_id)
        return await super().path(conversation_id, message_id)


@pytest.fixture
async def store() -> Asked:
    store = Asked()
    await store.create("me", C, e.ConversationCreate(at=1))
    return store


async def said(store: Asked, number: int, parent: int | None) -> tuple[Change, int]:
    message = Message(
        id=f"m{number}",
        parent_id=None if parent is None else f"m{parent}",
        role="user",
        content=(text_block(str(number)),),
        turn_id="t",
    )
    change = Change(events=[e.HeadMove(at=1, message_id=message.id)], messages=[message])
    return change, (await store.append(C, change))[-1].seq


async def test_what_was_committed_here_is_not_read_again(store: Asked) -> None:
    paths = Paths(store)
    for number, parent in ((0, None), (1, 0), (2, 1), (3, 1)):
        paths.learn(C, *await said(store, number, parent))
    for last in ("m2", "m3", None):
        assert await paths.to(C, last) == await MemoryStore.path(store, C, last)
    assert store.reads == []


async def test_what_others_committed_is_read_once(store: Asked) -> None:
    paths = Paths(store)
    for number in range(4):
        await said(store, number, number - 1 if number else None)
    for _ in range(2):
        assert [placed.message.id for placed in await paths.to(C, "m3")] == ["m0", "m1", "m2", "m3"]
    paths.learn(C, *await said(store, 4, 3))
    assert len(await paths.to(C, "m4")) == 5
    assert store.reads == ["m3"]


async def test_a_message_that_was_taken_away_is_not_remembered(store: Asked) -> None:
    paths = Paths(store)
    paths.learn(C, *await said(store, 0, None))
    gone = Change(events=[e.HeadMove(at=1, message_id=None)], removed=["m0"])
    paths.learn(C, gone, (await store.append(C, gone))[-1].seq)
    with pytest.raises(NotFound):
        await paths.to(C, "m0")


async def test_it_forgets_what_was_not_used_for_longest(store: Asked) -> None:
    other = C.replace("1", "2")
    await store.create("me", other, e.ConversationCreate(at=1))
    paths = Paths(store, most_bytes=1000)
    change, seq = await said(store, 0, None)
    paths.learn(C, change, seq)
    long = replace(change.messages[0], content=(text_block("x" * 700),))
    paths.learn(other, Change(events=[], messages=[long]), 2)
    assert len(await paths.to(C, "m0")) == 1
    assert store.reads == ["m0"]
