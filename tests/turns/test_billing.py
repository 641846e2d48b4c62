"""What is held before a request, and what takes its place, through the service and the real SDK."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import msgspec
import pytest

from antiphon.bootstrap import open_service
from antiphon.domain.conversations import Header
from antiphon.domain.messages import text_of
from antiphon.domain.plans import RequestPlan
from antiphon.errors import OverBudget
from antiphon.model import wire
from antiphon.model.client import ClaudeUpstream
from antiphon.model.upstream import AT_ONCE, Pace
from antiphon.money.dollars import NANODOLLARS
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.service import Answer, Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.script import (
    Drop,
    Fail,
    HangUp,
    Outcome,
    Reply,
    Reset,
    Stall,
    StreamError,
    Truncate,
)
from antiphon.simulator.server import Simulator

ME = "me"
OpenService = Callable[..., Awaitable[Service]]
ALL = UsageQuery(by=())


async def ask(service: Service, header: Header, text: str = "Hello.", **more: Any) -> Answer:
    accepted = await service.send(ME, header.id, Ask(content=text, **more))
    async with asyncio.timeout(10):
        return await service.answer(accepted)


async def spent(service: Service) -> UsageRow:
    rows = await service.usage(ALL)
    return rows[0] if rows else UsageRow(key={})


async def left(service: Service, budget: str = "installation/total") -> int:
    (standing,) = [each for each in await service.standings(ME) if each.budget == budget]
    assert standing.left is not None
    return standing.left


async def texts(service: Service, header: Header) -> list[str]:
    messages = await service.messages(ME, header.id)
    assert messages == (await service.snapshot(ME, header.id)).path()
    return [text_of(message.content) for message in messages]


async def test_what_was_held_becomes_what_it_cost(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(budget_usd="1")
    answer = await ask(service, await service.create(ME))
    row = await spent(service)
    assert row.cost_nanodollars == answer.turn.cost_nanodollars == simulator.bill.nano_dollars > 0
    assert (row.requests, row.open_nanodollars, row.unsettled_nanodollars) == (1, 0, 0)
    assert await left(service) == NANODOLLARS - row.cost_nanodollars


async def test_while_an_answer_is_written_all_that_it_can_cost_is_held(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(budget_usd="1")
    header = await service.create(ME)
    simulator.script(Reply(delay=60))
    accepted = await service.send(ME, header.id, Ask(content="Hello."))
    await simulator.until(lambda seen: len(seen) == 1)
    row = await spent(service)
    assert row.open_nanodollars == row.unsettled_nanodollars == row.cost_nanodollars > 8192 * 10_000
    assert await left(service) == NANODOLLARS - row.cost_nanodollars
    simulator.release()
    await service.answer(accepted)
    assert (await spent(service)).open_nanodollars == 0


FREE: dict[str, Outcome] = {
    "400": Fail(status=400),
    "401": Fail(status=401),
    "429": Fail(status=429),
    "500": Fail(status=500),
    "529": Fail(status=529),
}
PAID: dict[str, Outcome] = {
    "no response": Drop(),
    "an error event first of all": Reply(fault=StreamError(after=0, of="events")),
    "an error event": Reply(fault=StreamError(after=2)),
    "cut": Reply(fault=HangUp(after=2)),
    "reset": Reply(fault=Reset(after=2)),
    "ends early": Reply(fault=Truncate(after=2)),
    "stall": Reply(fault=Stall(after=2)),
}


@pytest.mark.parametrize("failure", FREE)
async def test_what_is_answered_with_an_error_costs_nothing(
    open_one: OpenService, simulator: Simulator, failure: str
) -> None:
    service = await open_one(budget_usd="1")
    simulator.script(FREE[failure])
    assert (await ask(service, await service.create(ME))).turn.status == "failed"
    row = await spent(service)
    assert (row.requests, row.cost_nanodollars, row.open_nanodollars) == (1, 0, 0)
    assert await left(service) == NANODOLLARS


@pytest.mark.parametrize("failure", PAID)
async def test_what_may_have_cost_something_is_charged_all_that_was_held(
    open_one: OpenService, simulator: Simulator, failure: str
) -> None:
    service = await open_one(budget_usd="1", stall_s=0.3)
    simulator.script(PAID[failure])
    assert (await ask(service, await service.create(ME))).turn.status in ("failed", "interrupted")
    row = await spent(service)
    assert row.cost_nanodollars == row.unsettled_nanodollars > 8192 * 10_000
    assert row.open_nanodollars == 0
    assert row.cost_nanodollars >= simulator.bill.nano_dollars
    assert await left(service) == NANODOLLARS - row.cost_nanodollars


async def test_a_stopped_answer_is_charged_all_that_was_held(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(budget_usd="1")
    header = await service.create(ME)
    simulator.script(Reply(text="one two three", pace=5))
    accepted = await service.send(ME, header.id, Ask(content="Count."))
    await simulator.until(lambda seen: len(seen) == 1)
    await service.cancel(ME, accepted.turn_id)
    assert (await service.answer(accepted)).turn.status == "cancelled"
    row = await spent(service)
    assert row.cost_nanodollars == row.unsettled_nanodollars > 0
    assert row.open_nanodollars == 0


class Garbled(ClaudeUpstream):
    """Reports a usage that nobody can read."""

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[list[wire.StreamEvent], None]:
        async for events in super().stream(plan, pace):
            yield [
                msgspec.structs.replace(event, usage={"iterations": [5]})
                if isinstance(event, wire.MessageDelta)
                else event
                for event in events
            ]


async def test_a_usage_that_cannot_be_read_is_charged_all_that_was_held(
    simulator: Simulator, store_url: str
) -> None:
    settings = Settings.model_validate({"budget_usd": "1", "store": store_url})
    service = await open_service(settings, upstream=Garbled(api_key="key", base_url=simulator.url))
    header = await service.create(ME)
    answer = await ask(service, header)
    assert answer.turn.status == "failed"
    assert answer.turn.error is not None
    assert answer.turn.error.name == "internal"
    row = await spent(service)
    assert row.cost_nanodollars == row.unsettled_nanodollars > 0
    assert row.open_nanodollars == 0
    assert await texts(service, header) == []
    await service.close()


async def test_an_import_costs_nothing(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(budget_usd="1")
    header = await service.create(ME)
    await ask(service, header)
    before = await spent(service)
    imported = await service.import_(ME, await service.export(ME, header.id))
    assert await texts(service, imported) == await texts(service, header)
    assert await spent(service) == before
    assert (await service.totals(ME, imported.id)).cost_nanodollars == 0
    assert await left(service) == NANODOLLARS - before.cost_nanodollars


async def test_a_message_that_a_budget_does_not_cover_is_no_part_of_the_history(
    open_one: OpenService, simulator: Simulator, store_url: str
) -> None:
    service = await open_one(budget_usd="0.003", max_tokens=90)
    header = await service.create(ME)
    simulator.script(Reply(text="First."))
    assert (await ask(service, header, "one")).text == "First."
    refused = await ask(service, header, "two", options={"max_tokens": 300})
    assert refused.turn.status == "over_budget"
    assert refused.turn.error is not None
    assert refused.turn.error.facts is not None
    assert set(refused.turn.error.facts) == {"budget", "left_usd", "resets_at"}
    assert refused.turn.error.facts["budget"] == "installation/total"
    assert await texts(service, header) == ["one", "First."]
    simulator.script(Reply(text="Third."))
    assert (await ask(service, header, "three", options={"max_tokens": 20})).text == "Third."
    sent = [request for request in simulator.requests if request.path == "/v1/messages"]
    assert [text_of(message["content"]) for message in sent[-1].body["messages"]] == [
        "one",
        "First.",
        "three",
    ]
    assert len(sent) == 2


async def test_what_its_bytes_do_not_show_to_fit_is_counted(
    open_one: OpenService, simulator: Simulator
) -> None:
    """900 bytes are 225 tokens or so: held by bytes, they are dearer than the budget."""
    service = await open_one(budget_usd="0.002", max_tokens=20)
    answer = await ask(service, await service.create(ME), "word " * 180)
    assert answer.turn.status == "completed"
    assert [request.path for request in simulator.requests] == [
        "/v1/messages/count_tokens",
        "/v1/messages",
    ]


async def test_the_same_key_is_the_same_turn_whatever_is_left(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(budget_usd="0.5")
    header = await service.create(ME)
    simulator.script(Reply(text="Dear.", usage={"output_tokens": 60_000}))
    asked = Ask(content="Hello.", key="k")
    accepted = await service.send(ME, header.id, asked)
    assert (await service.answer(accepted)).text == "Dear."
    assert await left(service) < 0
    again = await service.send(ME, header.id, asked)
    assert (again.turn_id, (await service.answer(again)).text) == (accepted.turn_id, "Dear.")
    with pytest.raises(OverBudget) as refused:
        await service.send(ME, header.id, Ask(content="Hello.", key="another"))
    assert refused.value.facts["left_usd"] == "0"
    assert len(await texts(service, header)) == 2


async def test_a_budget_that_a_turn_brings_along_is_for_its_conversation_and_for_it_alone(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one()
    header, other = await service.create(ME), await service.create(ME)
    little = 1000
    assert (await ask(service, header, budget_nanodollars=little)).turn.status == "over_budget"
    assert (await ask(service, header)).turn.status == "completed"
    with pytest.raises(OverBudget) as refused:  # what was spent before it counts as well
        await service.send(ME, header.id, Ask(content="More.", budget_nanodollars=little))
    assert refused.value.facts["budget"] == "conversation/total"
    assert (await ask(service, other)).turn.status == "completed"
    assert (await ask(service, header)).turn.status == "completed"


async def test_a_single_request_may_cost_so_much_and_no_more(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(budget=({"scope": "request", "usd": "0.001"},), max_tokens=50)
    header = await service.create(ME)
    assert (await ask(service, header)).turn.status == "completed"
    refused = await ask(service, header, options={"max_tokens": 500})
    assert refused.turn.error is not None
    assert refused.turn.error.facts is not None
    assert refused.turn.error.facts["budget"] == "request/total"
    assert (await ask(service, header)).turn.status == "completed"
