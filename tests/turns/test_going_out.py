"""When a request goes out: as soon as what announces it is committed, and never before."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from antiphon.bootstrap import open_service
from antiphon.domain.events import TurnEnd
from antiphon.domain.plans import RequestPlan
from antiphon.errors import StoreUnavailable
from antiphon.model.client import ClaudeUpstream
from antiphon.model.upstream import AT_ONCE, Pace, Upstream
from antiphon.model.wire import StreamEvent
from antiphon.money.ledger import UsageQuery
from antiphon.service import Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Acceptance, Accepted
from antiphon.stores.memory import MemoryStore
from tests.turns.asking import ME, ask

LONG_ENOUGH_S = 0.1
"""For a request that is ready to reach a server in the same process."""


class Leaving:
    """Makes whoever asks leave at the moment at which the request goes out."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.count_tokens = upstream.count_tokens
        self.close = upstream.close
        self.asking: asyncio.Task[Accepted] | None = None

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        await pace.may_go()
        assert self.asking is not None
        self.asking.cancel()
        async with aclosing(self._upstream.stream(plan)) as events:
            async for some in events:
                yield some


class HeldStore(MemoryStore):
    """Takes its time for an acceptance, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()
        self.failing = False

    async def accept(self, acceptance: Acceptance, meanwhile: Callable[[], None] | None = None) -> Accepted:
        self.asked.set()
        if meanwhile is not None:
            meanwhile()
        await self.answers.wait()
        if self.failing:
            raise StoreUnavailable("The store cannot be reached. Nothing was stored; try again.")
        return await super().accept(acceptance, meanwhile)


@pytest.fixture
def held() -> HeldStore:
    return HeldStore()


@pytest.fixture
async def service(simulator: Simulator, held: HeldStore) -> AsyncIterator[Service]:
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    service = await open_service(Settings(), upstream=upstream, store=held)
    yield service
    await service.close()


Sending = Callable[[str], Awaitable["asyncio.Task[Accepted]"]]


@pytest.fixture
async def send(service: Service, held: HeldStore) -> Sending:
    """Sends a message whose acceptance the store has begun, and not ended."""
    header = await service.create(ME)

    async def send(content: str) -> "asyncio.Task[Accepted]":
        held.asked.clear()
        held.answers.clear()
        sending = asyncio.create_task(service.send(ME, header.id, Ask(content=content)))
        await held.asked.wait()
        await asyncio.sleep(LONG_ENOUGH_S)
        return sending

    return send


async def until_ended(service: Service, conversation_id: str) -> None:
    async with asyncio.timeout(10), aclosing(service.follow(conversation_id, 0)) as following:
        async for frames in following:
            if any(frame.type == TurnEnd.type for frame in frames):
                return


async def test_what_is_accepted_as_its_service_closes_has_its_time(
    service: Service, held: HeldStore, send: Sending, simulator: Simulator
) -> None:
    """And not that of being announced alone, which is charged."""
    simulator.script(Reply(text="one two three", pace=0.05))
    sending = await send("Hello")
    closing = asyncio.create_task(service.close(drain_s=10))
    await asyncio.wait([closing], timeout=LONG_ENOUGH_S)
    held.answers.set()
    await sending
    async with asyncio.timeout(10):
        await closing
    (usage,) = await held.usage(UsageQuery(by=()))
    assert (usage.requests, usage.open_nanodollars, usage.unsettled_nanodollars) == (1, 0, 0)


async def test_nothing_goes_out_before_the_message_is_accepted(
    service: Service, held: HeldStore, send: Sending, simulator: Simulator
) -> None:
    sending = await send("Hello")
    assert not simulator.requests
    held.answers.set()
    answer = await service.answer(await sending)
    assert answer.turn.status == "completed"
    assert len(simulator.requests) == 1


async def test_what_is_not_accepted_never_goes_out(
    service: Service, held: HeldStore, send: Sending, simulator: Simulator
) -> None:
    sending = await send("Hello")
    held.failing = True
    held.answers.set()
    with pytest.raises(StoreUnavailable):
        await sending
    held.failing = False
    header = await service.create(ME)
    assert (await ask(service, header, "And now?")).turn.status == "completed"
    assert [request.body["messages"][-1]["content"] for request in simulator.requests] == [
        [{"type": "text", "text": "And now?", "cache_control": {"type": "ephemeral"}}]
    ]


async def test_who_gives_up_while_it_is_being_accepted_leaves_a_turn_that_runs(
    service: Service, held: HeldStore, simulator: Simulator
) -> None:
    header = await service.create(ME)
    held.answers.clear()
    sending = asyncio.create_task(service.send(ME, header.id, Ask(content="Hello")))
    await held.asked.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert not simulator.requests
    held.answers.set()
    await until_ended(service, header.id)
    assert len(simulator.requests) == 1


async def test_who_gives_up_while_a_file_is_written_leaves_a_turn_that_runs_at_once(
    simulator: Simulator, tmp_path: Path
) -> None:
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    settings = Settings(store=f"sqlite:///{tmp_path / 'a.db'}", titles="off")
    service = await open_service(settings, upstream=upstream)
    for turns_of_the_loop in range(12):
        header = await service.create(ME)
        sending = asyncio.create_task(service.send(ME, header.id, Ask(content="Hello")))
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait([sending])
        await asyncio.sleep(LONG_ENOUGH_S)
        shown = await service.snapshot(ME, header.id)
        if shown.messages:
            assert [message.role for message in shown.path()] == ["user", "assistant"], turns_of_the_loop
    (usage,) = await service.usage(UsageQuery(by=()))
    assert usage.requests == len(simulator.requests) > 0
    assert usage.unsettled_nanodollars == 0
    await service.close()


async def test_of_two_that_are_accepted_at_once_the_second_waits_for_the_first(
    service: Service, held: HeldStore, send: Sending, simulator: Simulator
) -> None:
    first = await send("One")
    second = await send("Two")
    held.answers.set()
    answers = [await service.answer(await sending) for sending in (first, second)]
    assert [answer.turn.status for answer in answers] == ["completed", "completed"]
    assert [len(request.body["messages"]) for request in simulator.requests] == [1, 3]


async def test_a_service_that_closes_meanwhile_waits_for_it_and_leaves_nothing_behind(
    service: Service, held: HeldStore, send: Sending
) -> None:
    before = asyncio.all_tasks()
    sending = await send("Hello")
    sending.cancel()
    closing = asyncio.create_task(service.close())
    await asyncio.sleep(LONG_ENOUGH_S)
    assert not closing.done()
    held.answers.set()
    await asyncio.wait([sending, closing])
    assert asyncio.all_tasks() <= before


async def test_a_service_that_has_closed_accepts_nothing_more(service: Service, held: HeldStore) -> None:
    header = await service.create(ME)
    await service.close()
    with pytest.raises(StoreUnavailable):
        await service.send(ME, header.id, Ask(content="Hello"))
    assert not await held.read(header.id, header.last_seq)


async def test_who_leaves_while_it_goes_out_leaves_a_turn_that_runs(
    simulator: Simulator, held: HeldStore
) -> None:
    upstream = Leaving(ClaudeUpstream(api_key="key", base_url=simulator.url))
    service = await open_service(Settings(), upstream=upstream, store=held)
    header = await service.create(ME)
    upstream.asking = asyncio.create_task(service.send(ME, header.id, Ask(content="Hello")))
    with pytest.raises(asyncio.CancelledError):
        await upstream.asking
    await until_ended(service, header.id)
    assert len(simulator.requests) == 1
    assert [message.role for message in (await service.snapshot(ME, header.id)).path()] == [
        "user",
        "assistant",
    ]
    await service.close()
