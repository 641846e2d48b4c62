"""What this process commits itself is not read back from the store, however a hint of it comes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import pytest

from antiphon.bootstrap import open_service
from antiphon.domain.events import Event
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Hint, Lease
from antiphon.stores.frames import Frame
from antiphon.stores.memory import MemoryStore
from tests.turns.asking import ME


class TalkativeStore(MemoryStore):
    """Tells of each commit of an answer before it says so to whoever made it, and counts what is read."""

    def __init__(self, *, precise: bool) -> None:
        """`precise`: it says which conversation has grown."""
        super().__init__()
        self._precise = precise
        self.flushed: asyncio.Queue[Hint] = asyncio.Queue()
        self.told = asyncio.Event()
        self.reads = 0

    async def flush(self, batch: Sequence[tuple[Lease, Sequence[Event]]]) -> list[list[Frame] | None]:
        committed = await super().flush(batch)
        self.told.clear()
        for (lease, _), frames in zip(batch, committed, strict=True):
            self.flushed.put_nowait(Hint(lease.conversation_id, frames[-1].seq if frames else 0))
        await self.told.wait()
        return committed

    async def hints(self) -> AsyncGenerator[Hint | None, None]:
        while True:
            hint = await self.flushed.get()
            if self._precise:
                asyncio.get_running_loop().call_later(0.01, self.told.set)
            yield hint if self._precise else None

    async def last_seqs(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        reached = await super().last_seqs(conversation_ids)
        self.told.set()
        return reached

    async def read(
        self, conversation_id: str, after: int, limit: int = 1000, *, deltas_after: int = 0
    ) -> list[Frame]:
        self.reads += 1
        return await super().read(conversation_id, after, limit, deltas_after=deltas_after)


@pytest.fixture(params=[False, True], ids=["of something", "of this conversation"])
def talkative(request: pytest.FixtureRequest) -> TalkativeStore:
    return TalkativeStore(precise=request.param)


@pytest.fixture
async def service(simulator: Simulator, talkative: TalkativeStore) -> AsyncIterator[Service]:
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    service = await open_service(Settings(), upstream=upstream, store=talkative)
    yield service
    await service.close()


async def test_a_commit_that_others_hear_of_first_is_still_ones_own(
    service: Service, talkative: TalkativeStore, simulator: Simulator
) -> None:
    simulator.script(Reply(text="one two three four five six", pace=0.01))
    header = await service.create(ME)
    accepted = await service.send(ME, header.id, Ask(content="Hello"))
    answer = await service.answer(accepted)
    assert answer.turn.status == "completed"
    assert talkative.reads == 0
