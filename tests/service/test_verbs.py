"""What can be done with conversations beside sending: branches, settings, export and import."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon.bootstrap import open_service
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_id
from antiphon.domain.messages import text_of
from antiphon.errors import Busy, Conflict, InvalidRequest, NotFound, StoreUnavailable, UnknownModel
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Answer, Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.presets import refusal
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Change, Lease
from antiphon.stores.frames import Frame
from antiphon.stores.memory import MemoryStore

ME = "me"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def service(simulator: Simulator, tmp_path: Any) -> AsyncIterator[Service]:
    settings = Settings(store=f"sqlite:///{tmp_path / 'a.db'}")
    service = await open_service(settings, upstream=ClaudeUpstream(api_key="key", base_url=simulator.url))
    yield service
    await service.close()


async def ask(service: Service, header: Header, text: str | None, **more: Any) -> Answer:
    accepted = await service.send(ME, header.id, Ask(content=text, **more))
    async with asyncio.timeout(10):
        return await service.answer(accepted)


async def texts(service: Service, header: Header) -> list[str]:
    messages = await service.messages(ME, header.id)
    assert messages == (await service.snapshot(ME, header.id)).path()
    return [text_of(message.content) for message in messages]


async def test_an_edit_makes_a_branch_and_the_old_one_can_be_shown_again(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="A1"), Reply(text="B1"), Reply(text="A2"), Reply(text="C2"))
    await ask(service, header, "a")
    first = await service.messages(ME, header.id)
    await ask(service, header, "b")
    old_head = (await service.get(ME, header.id)).head
    await ask(service, header, "a, again", parent_id=None)
    assert await texts(service, header) == ["a, again", "A2"]
    await service.move_head(ME, header.id, old_head)
    assert await texts(service, header) == ["a", "A1", "b", "B1"]
    await ask(service, header, "c", parent_id=first[1].id)
    assert await texts(service, header) == ["a", "A1", "c", "C2"]
    assert [m["content"][0]["text"] for m in simulator.requests[-1].body["messages"]] == ["a", "A1", "c"]


async def test_an_answer_can_be_made_again(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="first"), Reply(text="second"), refusal(explanation="No."))
    await ask(service, header, "a")
    question = (await service.messages(ME, header.id))[0]
    assert (await ask(service, header, None, parent_id=question.id)).text == "second"
    assert await texts(service, header) == ["a", "second"]
    await ask(service, header, None, parent_id=question.id)
    assert await texts(service, header) == ["a", "second"]
    assert len(simulator.requests[-1].body["messages"]) == 1


async def test_a_message_queued_behind_a_turn_follows_its_answer(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="A", delay=0.2), Reply(text="B"))
    first = await service.send(ME, header.id, Ask(content="a"))
    answer = await ask(service, header, "b", after_turn=first.turn_id)
    assert answer.text == "B"
    assert await texts(service, header) == ["a", "A", "b", "B"]


async def test_ids_of_messages_are_the_clients_and_taken_once(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    mine = new_id()
    await ask(service, header, "a", message_id=mine, key="k")
    assert (await service.messages(ME, header.id))[0].id == mine
    await ask(service, header, "a", message_id=mine, key="k")
    with pytest.raises(Conflict):
        await service.send(ME, header.id, Ask(content="a", message_id=mine, key="other"))
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"content": "x", "parent_id": new_id()}, NotFound),
        ({"content": "x", "message_id": "not an id"}, InvalidRequest),
        ({"content": None}, InvalidRequest),
        ({"content": None, "parent_id": new_id()}, NotFound),
        ({"content": None, "message_id": new_id(), "parent_id": new_id()}, InvalidRequest),
        ({"content": []}, InvalidRequest),
        ({"content": "x", "settings": {"model": "nonesuch"}}, UnknownModel),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_changes_nothing(
    service: Service, simulator: Simulator, more: dict[str, Any], error: type[Exception]
) -> None:
    header = await service.create(ME)
    with pytest.raises(error):
        await service.send(ME, header.id, Ask(**more))
    assert (await service.get(ME, header.id)) == header
    assert not simulator.requests


async def test_settings_and_title_change(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    changed = await service.update(ME, header.id, title="New\x00", system="S", model="claude-haiku-5-5")
    assert (changed.title, changed.system, changed.model) == ("New\ufffd", "S", "claude-haiku-5-5")
    await ask(service, header, "hello")
    assert simulator.requests[-1].body["model"] == "claude-haiku-5-5"
    with pytest.raises(UnknownModel):
        await service.update(ME, header.id, model="nonesuch")
    with pytest.raises(NotFound):
        await service.update("someone else", header.id, title="x")


async def test_the_head_does_not_move_under_a_running_turn(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(Reply(delay=30))
    accepted = await service.send(ME, header.id, Ask(content="a"))
    await simulator.until(lambda seen: len(seen) == 1)
    with pytest.raises(Busy):
        await service.move_head(ME, header.id, None)
    await service.cancel(ME, accepted.turn_id)


async def test_an_exported_conversation_comes_back_with_all_branches(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME, title="T", system="S")
    await ask(service, header, "a")
    await ask(service, header, "b", parent_id=None)
    document = await service.export(ME, header.id)
    copy = await service.import_("someone else", document)
    assert copy.id != header.id
    assert (copy.title, copy.system) == ("T", "S")
    before, after = (
        await service.snapshot(ME, header.id),
        await service.snapshot("someone else", copy.id),
    )
    assert after.messages.keys() == before.messages.keys()
    assert after.head == before.head
    assert [text_of(message.content) for message in await service.messages("someone else", copy.id)] == (
        await texts(service, header)
    )
    totals = await service.totals("someone else", copy.id)
    assert totals.cost_nanodollars == 0
    accepted = await service.send("someone else", copy.id, Ask(content="c"))
    async with asyncio.timeout(10):
        assert (await service.answer(accepted)).turn.status == "completed"


@pytest.mark.parametrize(
    "document",
    [None, {}, [], {"format": "x"}, {"format": "antiphon-conversation-1", "id": "x", "events": []}],
)
async def test_what_is_no_export_is_refused(service: Service, document: Any) -> None:
    with pytest.raises(InvalidRequest):
        await service.import_(ME, document)
    assert await service.recent(ME) == []


async def test_what_is_nested_without_end_is_refused(service: Service) -> None:
    """From a file, that is: what comes over HTTP was measured before."""
    nest: Any = []
    for _ in range(5000):
        nest = [nest]
    created = {"seq": 1, "type": "conversation_create", "data": {"at": 1, "options": {"a": nest}}}
    with pytest.raises(InvalidRequest):
        await service.import_(ME, {"format": "antiphon-conversation-1", "id": "x", "events": [created]})
    assert await service.recent(ME) == []


class Full(MemoryStore):
    """Has room for new conversations, but for nothing in them."""

    async def append(self, conversation_id: str, change: Change, lease: Lease | None = None) -> list[Frame]:
        raise StoreUnavailable("The disk is full.")


async def test_what_cannot_be_kept_whole_is_not_kept_at_all(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    await ask(service, header, "a")
    document = await service.export(ME, header.id)
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    other = await open_service(Settings(store="memory://"), upstream=upstream, store=Full())
    with pytest.raises(StoreUnavailable):
        await other.import_(ME, document)
    assert await other.recent(ME) == []
    await other.close()
