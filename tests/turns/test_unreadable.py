"""A turn whose log cannot be followed ends, once, and what waits behind it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from antiphon.bootstrap import make_store, open_service
from antiphon.clock import SystemClock
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Message, text_block, text_of
from antiphon.domain.usage import Usage
from antiphon.model.client import ClaudeUpstream
from antiphon.money.ledger import UsageQuery
from antiphon.service import Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Accepted, Change, Ended, Lease, Store
from antiphon.stores.memory import MemoryStore
from antiphon.testing.stores.making import a_turn, lease_of

ME = "me"
HELD = 5_000
OpenService = Callable[..., Awaitable[Service]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn(e.Event):
    """Of a `block_delta` it has the name and nothing else."""

    type = e.BlockDelta.type


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'antiphon.db'}"


@pytest.fixture
async def header(open_one: OpenService, simulator: Simulator) -> Header:
    """A conversation with one answer; the replica that gave it is gone."""
    service = await open_one()
    made = await service.create(ME)
    simulator.script(Reply(text="The first answer."))
    async with asyncio.timeout(10):
        await service.answer(await service.send(ME, made.id, Ask(content="The first question.")))
    header = await service.get(ME, made.id)
    await service.close()
    return header


async def write(store: Store, lease: Lease, message: Message, last: e.Event, *, tool_step: bool) -> None:
    """A turn begins, perhaps with a step that asks for a tool, and leaves off in the middle of an answer."""
    begin = e.TurnStart(at=3, turn_id=lease.turn_id, message_id=message.id, parent_id=message.parent_id)
    await store.append(lease.conversation_id, Change(events=[begin], messages=[message]), lease)
    step = e.StepStart(
        at=3, step=0, attempt=1, message_id=new_id(), parent_id=message.id, model="m", held_nanodollars=HELD
    )
    if tool_step:
        use = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}
        asked = replace(message, id=step.message_id, parent_id=message.id, role="assistant", content=(use,))
        end = e.StepEnd(
            at=4, step=0, attempt=1, model="m", stop_reason="tool_use", usage=Usage(), cost_nanodollars=7
        )
        await store.append(lease.conversation_id, Change(events=[step, end], messages=[asked]), lease)
        step = replace(step, step=1, message_id=new_id(), parent_id=asked.id)
    await store.append(lease.conversation_id, Change(events=[step]), lease)
    begun = e.BlockStart(step=step.step, index=0, block=text_block(""))
    await store.flush([(lease, [begun, last])])


async def left(store_url: str, header: Header, last: e.Event, *, tool_step: bool) -> list[Accepted]:
    """Two turns: the replica of the first is gone, and the second waits behind it."""
    store = make_store(Settings(store=store_url))
    await store.open()
    first, second = a_turn(header.id, "The second question."), a_turn(header.id, "The third question.")
    accepted = [await store.accept(first)]
    lease = lease_of(accepted[0])
    accepted.append(await store.accept(second))
    assert first.message is not None
    message = Message(
        id=first.message.message_id,
        parent_id=header.head,
        role="user",
        content=first.message.content,
        turn_id=lease.turn_id,
    )
    await write(store, lease, message, last, tool_step=tool_step)
    await store.renew([lease], 0)
    await store.close()
    return accepted


PIECE = e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": "The second"})
"""There is nothing wrong with it, but of the model that wrote it nobody knows the prices any more."""


@pytest.mark.parametrize("last", [Torn(), PIECE], ids=["torn", "unknown-model"])
@pytest.mark.parametrize("tool_step", [False, True])
async def test_a_log_that_cannot_be_followed(
    open_one: OpenService,
    simulator: Simulator,
    store_url: str,
    header: Header,
    last: e.Event,
    *,
    tool_step: bool,
) -> None:
    accepted = await left(store_url, header, last, tool_step=tool_step)
    simulator.script(Reply(text="The third answer."))
    service = await open_one()
    async with asyncio.timeout(10):
        failed, answered = [await service.answer(turn) for turn in accepted]
    assert failed.turn.error is not None
    assert (failed.turn.status, failed.turn.error.name, failed.message) == ("failed", "internal", None)
    assert (answered.turn.status, answered.text) == ("completed", "The third answer.")
    messages = await service.messages(ME, header.id)
    assert [text_of(message.content) for message in messages] == [
        "The first question.",
        "The first answer.",
        "The third question.",
        "The third answer.",
    ]
    shown = await service.snapshot(ME, header.id)
    assert messages == shown.path()
    sent = simulator.requests[-1].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    (row,) = [row for row in await service.usage(UsageQuery(by=("model",))) if row.key["model"] == "m"]
    assert (row.open_nanodollars, row.cost_nanodollars) == (0, HELD + 7 * tool_step)


class Choosy(MemoryStore):
    """Does not take the first end of a turn."""

    refused = 0

    async def end(self, lease: Lease, change: Change, lease_s: float) -> Ended:
        if not self.refused:
            self.refused += 1
            raise OverflowError("a number in it")
        return await super().end(lease, change, lease_s)


async def test_an_end_that_cannot_be_written_is_not_paid_for_again(simulator: Simulator) -> None:
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    store = Choosy(SystemClock())
    service = await open_service(Settings(lease_s=0.5, titles="off"), upstream=upstream, store=store)
    simulator.script(Reply(text="Lost."), Reply(text="Hello."))
    made = await service.create(ME)
    async with asyncio.timeout(10):
        failed = await service.answer(await service.send(ME, made.id, Ask(content="First.")))
        answered = await service.answer(await service.send(ME, made.id, Ask(content="Second.")))
    assert failed.turn.error is not None
    assert (failed.turn.status, failed.turn.error.name, store.refused) == ("failed", "internal", 1)
    assert (answered.text, len(simulator.requests)) == ("Hello.", 2)
    messages = await service.messages(ME, made.id)
    assert [text_of(message.content) for message in messages] == ["Second.", "Hello."]
    assert messages == (await service.snapshot(ME, made.id)).path()
    (usage,) = await service.usage(UsageQuery(by=()))
    assert (usage.requests, usage.open_nanodollars, usage.unsettled_nanodollars) == (2, 0, 0)
    await service.close()


async def test_a_turn_that_cannot_begin(service: Service, simulator: Simulator) -> None:
    """A setting that no conversation has gets as far as here through the library alone."""
    simulator.script(Reply(text="Hello."))
    made = await service.create(ME)
    odd = await service.send(ME, made.id, Ask(content="First.", settings={"colour": "red"}))
    behind = await service.send(ME, made.id, Ask(content="Second."))
    async with asyncio.timeout(10):
        failed, answered = await service.answer(odd), await service.answer(behind)
    assert failed.turn.error is not None
    assert (failed.turn.status, failed.turn.error.name) == ("failed", "internal")
    assert answered.text == "Hello."
    messages = await service.messages(ME, made.id)
    assert [text_of(message.content) for message in messages] == ["Second.", "Hello."]
    assert messages == (await service.snapshot(ME, made.id)).path()
