"""Two replicas of the service on one Redis: what was begun on one goes on, and is followed, on the other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from antiphon.bootstrap import open_service
from antiphon.domain.messages import text_of
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.redis.store import RedisStore

ME = "me"
OpenReplica = Callable[[], Awaitable[Service]]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def open_replica(store_url: str, simulator: Simulator) -> AsyncIterator[OpenReplica]:
    opened: list[Service] = []

    async def open_replica() -> Service:
        upstream = ClaudeUpstream(api_key="key", base_url=simulator.url, stall_s=60)
        service = await open_service(Settings(), upstream=upstream, store=RedisStore(store_url))
        opened.append(service)
        return service

    yield open_replica
    for service in opened:
        await service.close()


async def test_replicas_share_a_conversation(open_replica: OpenReplica, simulator: Simulator) -> None:
    one, other = await open_replica(), await open_replica()
    header = await one.create(ME, name="support")
    simulator.script(Reply(text="Hello Zoe."), Reply(text="Your name is Zoe."))
    async with asyncio.timeout(10):
        first = await one.answer(await one.send(ME, header.id, Ask(content="My name is Zoe.")))
        second = await other.answer(await other.send(ME, header.id, Ask(content="What is my name?")))
    assert (first.text, second.text) == ("Hello Zoe.", "Your name is Zoe.")
    for replica in (one, other):
        messages = await replica.messages(ME, header.id)
        assert [text_of(message.content) for message in messages] == [
            "My name is Zoe.",
            "Hello Zoe.",
            "What is my name?",
            "Your name is Zoe.",
        ]
        assert messages == (await replica.snapshot(ME, header.id)).path()
    assert (await one.totals(ME, header.id)) == (await other.totals(ME, header.id))
    assert (await other.totals(ME, header.id)).turns == 2


async def test_a_turn_accepted_on_one_replica_is_followed_on_another(
    open_replica: OpenReplica, simulator: Simulator
) -> None:
    one, other = await open_replica(), await open_replica()
    header = await one.create(ME)
    simulator.script(Reply(text="An answer that is seen elsewhere."))
    accepted = await one.send(ME, header.id, Ask(content="Hello"))
    async with asyncio.timeout(20):
        assert (await other.answer(accepted)).text == "An answer that is seen elsewhere."
