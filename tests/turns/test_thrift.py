"""What makes long conversations cost less, seen from outside: in the requests, the log, the ledger."""

import asyncio
import gc
import warnings
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from antiphon.bootstrap import open_service
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.errors import StoreUnavailable
from antiphon.model.client import ClaudeUpstream
from antiphon.money.ledger import UsageQuery
from antiphon.service import Answer, Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.script import Fail, Reply, Stall
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Change, Lease
from antiphon.stores.frames import Frame, decode
from antiphon.stores.memory import MemoryStore
from antiphon.turns.aftermath import Aftermath, Answered
from tests.turns.conftest import OpenService

ME = "me"
LONG = "The harbour master wrote down every ship. " * 150
"""Some 1,500 tokens."""


async def ask(service: Service, header: Header, text: str, **more: Any) -> Answer:
    accepted = await service.send(ME, header.id, Ask(content=text, **more))
    async with asyncio.timeout(20):
        return await service.answer(accepted)


async def until(service: Service, header: Header, kind: type[e.Event], after: int = 0) -> e.Event:
    """The first event of a kind after a seq."""
    async with asyncio.timeout(20), aclosing(service.follow(header.id, after)) as batches:
        async for batch in batches:
            for frame in batch:
                if frame.type == kind.type:
                    return decode(frame)
    raise AssertionError(kind.type)


async def spent(service: Service, header: Header) -> dict[str, int]:
    """Requests by purpose."""
    query = UsageQuery(principal=ME, conversation_id=header.id, by=("purpose",))
    return {row.key["purpose"]: row.requests for row in await service.usage(query)}


async def test_the_cache_is_marked_and_read(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME, system="Be kind. " * 1000)
    await ask(service, header, "One.")
    answer = await ask(service, header, "Two.")
    assert answer.turn.usage.cache_read_tokens > 0
    body = simulator.requests[-1].body
    assert body["system"][-1]["cache_control"]["type"] == "ephemeral"
    assert body["messages"][-1]["content"][-1]["cache_control"]["type"] == "ephemeral"


async def test_the_cache_can_be_left_alone(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(cache="off")
    await ask(service, await service.create(ME), "One.")
    assert "cache_control" not in str(simulator.requests[-1].body)


async def grown(service: Service, header: Header, simulator: Simulator, turns: int = 6) -> None:
    for number in range(turns):
        simulator.script(Reply(text=f"Answer {number}. {LONG}"))
        await ask(service, header, f"Question {number}? {LONG}")


async def test_a_long_conversation_is_sent_with_a_summary(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    await grown(service, header, simulator, 3)
    simulator.script(Reply(text="They counted ships."), Reply(text="Seven."))
    answer = await ask(service, header, f"How many ships? {LONG}")
    assert answer.text == "Seven."
    summary, last = simulator.requests[-2:]
    assert summary.body["model"] == "claude-haiku-5-5"
    assert "Question 0?" in str(summary.body["messages"])
    assert "They counted ships." in str(last.body["messages"][0])
    assert "Question 0?" not in str(last.body)
    assert (await spent(service, header))["summary"] == 1
    assert len(await service.messages(ME, header.id)) == 8
    await ask(service, header, "And boats?")
    assert simulator.requests[-1].body["messages"][0] == last.body["messages"][0]


async def test_a_summary_that_fails_changes_nothing(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    await grown(service, header, simulator, 3)
    simulator.script(Fail(status=529), Reply(text="Seven."))
    assert (await ask(service, header, f"How many ships? {LONG}")).text == "Seven."
    assert "Question 0?" in str(simulator.requests[-1].body)
    assert (await service.get(ME, header.id)).compact_seq == 0


async def test_a_summary_that_never_comes_ends_with_its_turn(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(deadline_s=1.0)
    header = await service.create(ME)
    await grown(service, header, simulator, 3)
    simulator.script(Reply(fault=Stall(after=2)))
    answer = await ask(service, header, f"How many ships? {LONG}")
    assert (answer.turn.status, answer.turn.error and answer.turn.error.name) == ("failed", "deadline")
    assert await settled(service, header) == {"answer": 3, "summary": 1}
    assert len(simulator.requests) == 4, "its answer was neither asked for nor announced"


async def test_a_turn_can_be_stopped_while_its_summary_is_made(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    await grown(service, header, simulator, 3)
    simulator.script(Reply(fault=Stall(after=2)))
    accepted = await service.send(ME, header.id, Ask(content=f"How many ships? {LONG}"))
    await until(service, header, e.RequestStart, accepted.seq)
    await service.cancel(ME, accepted.turn_id)
    assert (await service.answer(accepted)).turn.status == "cancelled"
    assert await settled(service, header) == {"answer": 3, "summary": 1}


async def settled(service: Service, header: Header) -> dict[str, int]:
    """Requests by purpose; none of them is open."""
    query = UsageQuery(principal=ME, conversation_id=header.id, by=("purpose",))
    assert all(row.open_nanodollars == 0 for row in await service.usage(query))
    return await spent(service, header)


async def test_a_branch_above_a_summary_does_not_see_it(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    await grown(service, header, simulator, 3)
    first = (await service.messages(ME, header.id))[1]
    simulator.script(Reply(text="They counted ships."), Reply(text="Seven."))
    await ask(service, header, f"How many ships? {LONG}")
    await ask(service, header, "Another way.", parent_id=first.id)
    sent = str(simulator.requests[-1].body)
    assert "Question 0?" in sent
    assert "They counted ships." not in sent


async def test_compaction_can_be_turned_off(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(compaction="off")
    header = await service.create(ME)
    await grown(service, header, simulator, 3)
    await ask(service, header, f"How many ships? {LONG}")
    assert (await spent(service, header)) == {"answer": 4}


async def test_a_conversation_is_named_by_its_first_words_then_by_a_model(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(titles="on")
    header = await service.create(ME)
    simulator.script(Reply(text="Hello."), Reply(text='"Ships in harbours."'))
    answer = await ask(service, header, "Hello there!\nHow are ships counted?")
    change = await until(service, header, e.TitleChange, answer.seq)
    assert isinstance(change, e.TitleChange)
    assert change.title == "Ships in harbours"
    frames = (await service.export(ME, header.id))["events"]
    titles = [frame["data"]["title"] for frame in frames if frame["type"] == e.TitleChange.type]
    assert titles == ["Hello there!", "Ships in harbours"]
    assert await spent(service, header) == {"answer": 1, "title": 1}
    await ask(service, header, "Again.")
    assert len(simulator.requests) == 3


async def test_without_titles_of_the_model_its_first_words_stay(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    await ask(service, header, "Hello there!\nHow are ships counted?")
    assert (await service.get(ME, header.id)).title == "Hello there!"
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    ("question", "model"),
    [
        ("Hello!", "claude-haiku-5-5"),
        ("Write a Python script that renames files by their date.", "claude-sonnet-5-5"),
        ("Prove that there are infinitely many primes, rigorously.", "claude-opus-5-5"),
    ],
)
async def test_auto_chooses_a_model_once(
    open_one: OpenService, simulator: Simulator, question: str, model: str
) -> None:
    service = await open_one(model="auto")
    header = await service.create(ME)
    await ask(service, header, question)
    await ask(service, header, "Prove it, think carefully, derive it rigorously.")
    assert [request.body["model"] for request in simulator.requests] == [model, model]
    assert (await service.get(ME, header.id)).model == model


class SlowToSay(MemoryStore):
    """Has committed what announces a request beside the answers some time before it says so."""

    def __init__(self) -> None:
        super().__init__()
        self.announced = asyncio.Event()
        self.says = asyncio.Event()

    async def append(self, conversation_id: str, change: Change, lease: Lease | None = None) -> list[Frame]:
        frames = await super().append(conversation_id, change, lease)
        if frames[0].type == e.RequestStart.type:
            self.announced.set()
            await self.says.wait()
        return frames


async def closed_meanwhile(service: Service, store: SlowToSay) -> None:
    """Close it while it is not yet known that the announcement stands."""
    closing = asyncio.create_task(service.close())
    await asyncio.wait([closing], timeout=0.2)
    assert not closing.done()
    store.says.set()
    async with asyncio.timeout(10):
        await closing


class Blinking(MemoryStore):
    """Takes the end of a request beside the answers and does not say so, or does not take it, at first."""

    def __init__(self, *, takes: bool) -> None:
        super().__init__()
        self._takes = takes
        self.failures = 2

    async def append(self, conversation_id: str, change: Change, lease: Lease | None = None) -> list[Frame]:
        if not self.failures or not isinstance(change.events[0], e.RequestEnd):
            return await super().append(conversation_id, change, lease)
        self.failures -= 1
        if self._takes:
            await super().append(conversation_id, change, lease)
            self.failures = 0
        raise StoreUnavailable("The store cannot be reached.")


@pytest.mark.parametrize("takes", [False, True], ids=["not taken", "taken"])
async def test_a_title_whose_end_the_store_did_not_take_at_once_is_settled(
    simulator: Simulator, *, takes: bool
) -> None:
    store, upstream = Blinking(takes=takes), ClaudeUpstream(api_key="key", base_url=simulator.url)
    service = await open_service(Settings(titles="on"), upstream=upstream, store=store)
    simulator.script(Reply(text="Hello!"), Reply(text="A friendly greeting"))
    header = await service.create(ME)
    await ask(service, header, "Hello there!")
    async with asyncio.timeout(10), aclosing(service.follow(header.id, 0)) as following:
        async for frames in following:
            if "A friendly greeting" in str([frame.data for frame in frames]):
                break
    (usage,) = await service.usage(UsageQuery(by=()))
    assert (usage.requests, usage.open_nanodollars, usage.unsettled_nanodollars) == (2, 0, 0)
    assert [frame.type for frame in await store.read(header.id, 0)].count(e.RequestEnd.type) == 1
    await service.close()


async def test_a_title_that_is_announced_as_its_service_closes_is_settled(simulator: Simulator) -> None:
    store, upstream = SlowToSay(), ClaudeUpstream(api_key="key", base_url=simulator.url)
    service = await open_service(Settings(titles="on"), upstream=upstream, store=store)
    header = await service.create(ME)
    await ask(service, header, "Hello there!")
    async with asyncio.timeout(10):
        await store.announced.wait()
    await closed_meanwhile(service, store)
    assert await settled(service, header) == {"answer": 1, "title": 1}
    assert len(simulator.requests) == 1


async def test_a_ping_that_is_announced_as_the_next_message_comes_is_settled(simulator: Simulator) -> None:
    store, upstream = SlowToSay(), ClaudeUpstream(api_key="key", base_url=simulator.url)
    service = await open_service(Settings(keepalive="auto", titles="off"), upstream=upstream, store=store)
    engine: Any = service._engine

    async def sleep(seconds: float) -> None:
        if store.announced.is_set():
            await asyncio.Event().wait()

    engine._aftermath._parts = replace(engine._parts, sleep=sleep)
    header = await service.create(ME, system="A long story about ships. " * 4000)
    await ask(service, header, "One.")
    async with asyncio.timeout(10):
        await store.announced.wait()
    await ask(service, header, "Two.")
    await closed_meanwhile(service, store)
    assert await settled(service, header) == {"answer": 2, "keep-alive": 1}
    assert len(simulator.requests) == 2


async def test_of_a_cache_that_need_not_be_kept_nothing_is_kept(open_one: OpenService) -> None:
    service = await open_one(keepalive="auto")
    engine: Any = service._engine
    await ask(service, await service.create(ME), "One.")
    async with asyncio.timeout(10):
        await asyncio.gather(*engine._turns.values())
        await asyncio.gather(*engine._aftermath._keeping.values())
    assert engine._aftermath._keeping == {}


class NextAtOnce(Aftermath):
    """The next message is here before anything of what follows an answer has begun."""

    def follow(self, answered: Answered) -> None:
        super().follow(answered)
        assert self._keeping.keys() == {answered.header.id}
        self.forget(answered.header.id)


async def test_what_is_stopped_before_it_began_leaves_nothing(open_one: OpenService) -> None:
    service = await open_one(keepalive="auto", titles="off")
    engine: Any = service._engine
    engine._aftermath = NextAtOnce(engine._parts, engine.append)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        await ask(service, await service.create(ME), "One.")
        async with asyncio.timeout(10):
            await asyncio.gather(*engine._turns.values())
            await asyncio.gather(*engine._aftermath._tasks, return_exceptions=True)
        gc.collect()
    assert warned == []
    assert engine._aftermath._tasks == set()


async def test_a_cache_is_kept_warm_while_that_pays(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(keepalive="auto")
    engine: Any = service._engine
    waits: asyncio.Queue[float] = asyncio.Queue()
    go_on = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waits.put_nowait(seconds)
        await go_on.wait()

    engine._aftermath._parts = replace(engine._parts, sleep=sleep)
    header = await service.create(ME, system="A long story about ships. " * 4000)
    answer = await ask(service, header, "One.")
    async with asyncio.timeout(10):
        assert 200 < await waits.get() < 300
        go_on.set()
        await until(service, header, e.RequestEnd, answer.seq)
    ping = simulator.requests[-1].body
    assert ping["max_tokens"] == 0
    assert (await spent(service, header))["keep-alive"] >= 1


async def test_without_being_asked_nothing_is_kept_warm(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME, system="A long story about ships. " * 4000)
    await ask(service, header, "One.")
    engine: Any = service._engine
    assert engine._aftermath._keeping == {}
    assert len(simulator.requests) == 1
