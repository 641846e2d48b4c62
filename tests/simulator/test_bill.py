"""What the simulator charges, to the nano-dollar."""

import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import (
    Drop,
    Events,
    Fail,
    HangUp,
    Page,
    Reply,
    Reset,
    Simulator,
    Stall,
    StreamError,
    Truncate,
    cost,
    refusal,
    web_search,
)

Ask = Callable[..., Awaitable[Message]]
Stream = Callable[..., Awaitable[list[Any]]]
Post = Callable[[dict[str, Any]], Awaitable[httpx2.Response]]

MILLION = 1_000_000
DOLLAR = 10**9


def written(five: int = 0, hour: int = 0) -> dict[str, Any]:
    split = {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}
    return {"cache_creation_input_tokens": five + hour, "cache_creation": split}


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("claude-sonnet-5-5", {"input_tokens": MILLION}, "2"),
        ("claude-sonnet-5-5", {"output_tokens": MILLION}, "10"),
        ("claude-sonnet-5-5", written(five=MILLION), "2.5"),
        ("claude-sonnet-5-5", written(hour=MILLION), "4"),
        ("claude-sonnet-5-5", {"cache_creation_input_tokens": MILLION}, "2.5"),
        ("claude-sonnet-5-5", {"cache_read_input_tokens": MILLION}, "0.1"),
        ("claude-opus-5-5", {"cache_read_input_tokens": MILLION}, "0.2"),
        ("claude-fable-5-2", {"cache_read_input_tokens": MILLION}, "0.2"),
        ("claude-haiku-4-5-20251001", {"input_tokens": MILLION, "output_tokens": MILLION}, "6"),
        ("claude-haiku-5-5", {"input_tokens": 100_000, "output_tokens": 1_000}, "0.0105"),
        ("claude-haiku-5-5", {"input_tokens": 100_001, "output_tokens": 1_000}, "0.0525005"),
        ("claude-haiku-5-5", {"input_tokens": 1, "cache_read_input_tokens": 100_000}, "0.0050005"),
        ("claude-haiku-5-5", {"input_tokens": 1, **written(hour=100_000)}, "0.1000005"),
        ("claude-opus-5-5", {"output_tokens": MILLION, "speed": "fast"}, "40"),
        ("claude-opus-5-5", {"cache_read_input_tokens": MILLION, "speed": "fast"}, "0.4"),
        ("claude-opus-5-5", {"output_tokens": MILLION, "service_tier": "batch"}, "10"),
        ("claude-opus-5-5", {"output_tokens": MILLION, "inference_geo": "us"}, "22"),
        ("claude-opus-5-5", {"output_tokens": MILLION, "inference_geo": "global"}, "20"),
        ("claude-haiku-5-5", {"input_tokens": 1, **written(five=1), "inference_geo": "us"}, "0.000000248"),
        ("claude-haiku-5-5", {**written(five=1), "service_tier": "batch"}, "0.000000062"),
        ("claude-opus-5", {"server_tool_use": {"web_search_requests": 3}, "speed": "fast"}, "0.03"),
        (
            "claude-opus-5-5",
            {
                "input_tokens": 7,
                "iterations": [
                    {"type": "compaction", "input_tokens": MILLION, "output_tokens": 0},
                    {"type": "message", "input_tokens": 0, "output_tokens": MILLION},
                    {"type": "fallback_message", "model": "claude-haiku-4-5", "input_tokens": MILLION},
                ],
            },
            "25",
        ),
        ("a-model-of-the-house", {"input_tokens": MILLION}, "2"),
    ],
)
def test_every_kind_of_token_has_its_price(model: str, usage: dict[str, Any], dollars: str) -> None:
    assert cost(model, usage) == Decimal(dollars) * DOLLAR


async def test_the_bill_adds_up_what_was_answered(simulator: Simulator, ask: Ask, stream: Stream) -> None:
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": "x" * 4000}],
        "cache_control": {"type": "ephemeral"},
    }
    simulator.script(*[Reply(text="y" * 400)] * 3)
    await ask(**body)
    await stream(**body)
    await ask(model="claude-haiku-5-5", messages=[{"role": "user", "content": "x" * 400}])
    bill = simulator.bill
    sonnet = 1000 * 2_500 + 1000 * 100 + 2 * 100 * 10_000
    assert bill.by_model == {"claude-sonnet-5-5": sonnet, "claude-haiku-5-5": 100 * 100 + 100 * 500}
    assert (bill.requests, bill.nano_dollars) == (3, sonnet + 60_000)
    assert bill.dollars == Decimal(bill.nano_dollars) / DOLLAR
    assert [charge.number for charge in bill.charges] == [1, 2, 3]
    assert all(charge.complete for charge in bill.charges)
    simulator.forget()
    assert simulator.bill.nano_dollars == 0


async def test_counting_is_free(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    await client.messages.count_tokens(model=question["model"], messages=question["messages"])
    assert simulator.bill.requests == 0


@pytest.mark.parametrize(
    "outcome",
    [
        Fail(status=529),
        Fail(status=400),
        Page(),
        Drop(),
        refusal(),
        Reply(fault=StreamError(of="events")),
        Reply(fault=HangUp(of="events")),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_what_brought_nothing_costs_nothing(
    simulator: Simulator, post: Post, question: dict[str, Any], outcome: Any, streamed: bool
) -> None:
    if not streamed and isinstance(outcome, Reply) and isinstance(outcome.fault, HangUp):
        outcome = Reply(fault=StreamError())
    simulator.script(outcome)
    with contextlib.suppress(httpx2.HTTPError):
        await post({**question, "stream": streamed})
    assert simulator.bill.requests == 0
    await post({**question, "temperature": 1})
    assert simulator.bill.nano_dollars == 0


async def test_a_refusal_in_the_middle_is_charged(simulator: Simulator, ask: Ask) -> None:
    simulator.script(refusal("y" * 40))
    await ask()
    assert simulator.bill.nano_dollars == 2 * 2_000 + 10 * 10_000


@pytest.mark.parametrize("fault", [StreamError(after=2), HangUp(after=2), Reset(after=2), Truncate(after=2)])
async def test_a_stream_that_breaks_off_costs_what_was_generated(
    simulator: Simulator, post: Post, question: dict[str, Any], fault: Any
) -> None:
    simulator.script(Reply(text="y" * 400, delta_chars=40, fault=fault))
    with contextlib.suppress(httpx2.HTTPError):
        await post({**question, "stream": True})
    await simulator.until(lambda seen: seen[0].ended_at is not None)
    (charge,) = simulator.bill.charges
    assert (charge.complete, charge.usage["output_tokens"]) == (False, 20)
    assert charge.nano_dollars == 2 * 2_000 + 20 * 10_000


async def test_a_reader_that_leaves_pays_for_what_was_generated(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="y" * 400, delta_chars=40, fault=Stall(after=3)))
    async with client.messages.stream(**question) as stream:
        await anext(stream.text_stream)
        assert simulator.bill.charges[0].usage["output_tokens"] == 100
    await simulator.until(lambda seen: seen[0].ended_at is not None)
    assert simulator.bill.nano_dollars == 2 * 2_000 + 30 * 10_000


async def test_hidden_thinking_is_paid_when_it_has_come(
    simulator: Simulator, post: Post, question: dict[str, Any]
) -> None:
    simulator.script(Reply(thinking="t" * 400, text="y" * 400, delta_chars=40, fault=Truncate(after=2)))
    await post({**question, "stream": True})
    (charge,) = simulator.bill.charges
    assert charge.usage["output_tokens"] == 100 + 10


async def test_who_waits_no_longer_for_an_answer_pays_for_the_prompt(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(delay=60))
    with pytest.raises(anthropic.APITimeoutError):
        await client.with_options(timeout=0.05).messages.create(**question)
    await simulator.until(lambda seen: seen[0].ended_at is not None)
    assert simulator.bill.nano_dollars == 2 * 2_000


async def test_searches_are_charged_each(simulator: Simulator, ask: Ask) -> None:
    simulator.script(web_search("weather", "It rains."))
    answer = await ask(tools=[{"type": "web_search_20260318", "name": "web_search"}])
    assert answer.usage.server_tool_use is not None
    assert answer.usage.server_tool_use.web_search_requests == 1
    tokens = answer.usage.input_tokens * 2_000 + answer.usage.output_tokens * 10_000
    assert simulator.bill.nano_dollars == 10_000_000 + tokens


async def test_given_events_cost_what_they_say(
    simulator: Simulator, post: Post, question: dict[str, Any]
) -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}
    end = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 20}}
    simulator.script(Events(events=(start, end, {"type": "message_stop"})), Events(events=({"type": "x"},)))
    for _ in range(2):
        await post({**question, "stream": True})
    assert simulator.bill.nano_dollars == 10 * 2_000 + 20 * 10_000


async def test_the_bill_is_read_and_begun_anew_over_http(http: httpx2.AsyncClient, ask: Ask) -> None:
    await ask(messages=[{"role": "user", "content": "x" * 400}], max_tokens=0)
    bill = (await http.get("/simulator/bill")).json()
    assert (bill["requests"], bill["nano_dollars"], bill["dollars"]) == (1, 200_000, "0.000200000")
    assert [charge["model"] for charge in bill["charges"]] == ["claude-sonnet-5-5"]
    assert list(bill["by_organization"].values()) == [200_000]
    assert (await http.delete("/simulator/bill")).json() == {"nano_dollars": 0}
    assert (await http.get("/simulator/bill")).json()["requests"] == 0
