"""A snapshot shows what the whole log shows, and passes over the pieces of answers that have ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from antiphon.bootstrap import make_store, open_service
from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Ask, Service
from antiphon.service.verbs import LONG_LOG
from antiphon.settings import Settings
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Accepted, Change, Store
from antiphon.stores.frames import decode_all
from antiphon.testing.stores.making import a_conversation

ME = "me"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'antiphon.db'}"
    return make_store(Settings(store=url))


@pytest.fixture
async def service(simulator: Simulator, store: Store) -> AsyncIterator[Service]:
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    service = await open_service(Settings(), upstream=upstream, store=store)
    yield service
    await service.close()


async def shows_the_whole_log(service: Service, store: Store, conversation_id: str) -> None:
    shown = await service.snapshot(ME, conversation_id)
    assert shown == fold(decode_all(await store.read(conversation_id, 0, shown.seq)))


async def until(service: Service, accepted: Accepted, kind: str) -> None:
    async with asyncio.timeout(10), aclosing(service.follow_turn(accepted)) as batches:
        async for batch in batches:
            if any(frame.type == kind for frame in batch):
                return


async def test_at_every_moment_of_a_conversation(
    service: Service, store: Store, simulator: Simulator
) -> None:
    simulator.script(*(Reply(text="one two three four", pace=pace) for pace in (0.001, 60.0, 0.001)))
    header = await service.create(ME)
    await shows_the_whole_log(service, store, header.id)
    await until(service, await service.send(ME, header.id, Ask(content="First.")), e.TurnEnd.type)
    await shows_the_whole_log(service, store, header.id)
    writing = await service.send(ME, header.id, Ask(content="Second."))
    await until(service, writing, e.BlockDelta.type)
    waiting, unwanted = [
        await service.send(ME, header.id, Ask(content=text)) for text in ("Third.", "Never mind.")
    ]
    await service.cancel(ME, unwanted.turn_id)
    await shows_the_whole_log(service, store, header.id)
    await service.cancel(ME, writing.turn_id)
    await until(service, waiting, e.TurnEnd.type)
    await shows_the_whole_log(service, store, header.id)
    read = await store.read(header.id, 0, deltas_after=(await service.get(ME, header.id)).last_seq)
    assert fold(decode_all(read)) == await service.snapshot(ME, header.id)
    assert len(read) < len(await store.read(header.id, 0))


async def test_of_a_long_log_too(service: Service, store: Store) -> None:
    header = await a_conversation(store, principal=ME)
    titles = [e.TitleChange(at=1, title=f"Title {number}") for number in range(LONG_LOG + 1)]
    await store.append(header.id, Change(events=titles))
    assert (await service.snapshot(ME, header.id)).title == titles[-1].title
    await shows_the_whole_log(service, store, header.id)
