"""Where an answer breaks or ends: places by name, for each model its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import (
    AnyFault,
    Events,
    Fail,
    HangUp,
    Outcome,
    Point,
    Reply,
    Reset,
    Simulator,
    Stall,
    StreamError,
    Truncate,
    tool_call,
)

Ask = Callable[..., Awaitable[Message]]
Post = Callable[[dict[str, Any]], Awaitable[httpx2.Response]]

THOUGHT = {"type": "thinking", "thinking": "first second third"}
TEXT = {"type": "text", "text": "one two three"}
TOOL = {"type": "tool_use", "name": "weather", "input": {"city": "Rome", "day": "today"}}
ALL: tuple[dict[str, Any], ...] = (THOUGHT, TEXT, TOOL)


async def events_of(
    http: httpx2.AsyncClient, question: dict[str, Any], **changes: Any
) -> list[dict[str, Any]]:
    """What came of a stream, whatever ended it."""
    raw = ""
    try:
        async with http.stream(
            "POST", "/v1/messages", json={**question, "stream": True, **changes}
        ) as response:
            async for text in response.aiter_text():
                raw += text
    except httpx2.HTTPError:
        pass
    return [json.loads(line[6:]) for line in raw.splitlines() if line.startswith("data: ")]


def said(events: list[dict[str, Any]]) -> str:
    """All that a reader has seen, of whatever kind."""
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return "".join(delta.get(name, "") for delta in deltas for name in ("thinking", "text", "partial_json"))


@pytest.mark.parametrize("fault", [HangUp, Reset, Truncate])
@pytest.mark.parametrize(
    ("point", "seen", "last"),
    [
        ("before_events", "", None),
        ("before_deltas", "", "ping"),
        ("mid_thinking", "first", "content_block_delta"),
        ("mid_text", "first second thirdone", "content_block_delta"),
        ("mid_tool_input", 'first second thirdone two three{"city":"Rome",', "content_block_delta"),
        (
            "after_deltas",
            'first second thirdone two three{"city":"Rome","day":"today"}',
            "content_block_delta",
        ),
        (
            "before_end",
            'first second thirdone two three{"city":"Rome","day":"today"}',
            "message_delta",
        ),
    ],
)
async def test_a_stream_breaks_at_a_point(
    simulator: Simulator,
    http: httpx2.AsyncClient,
    question: dict[str, Any],
    fault: Callable[..., AnyFault],
    point: Point,
    seen: str,
    last: str | None,
) -> None:
    simulator.script(Reply(content=ALL, fault=fault(at=point)))
    events = await events_of(http, question)
    assert said(events) == seen
    assert (events[-1]["type"] if events else None) == last


async def test_an_error_event_comes_at_a_point(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    simulator.script(Reply(content=ALL, fault=StreamError(at="mid_tool_input")))
    events = await events_of(http, question)
    assert [event["type"] for event in events[-2:]] == ["content_block_delta", "error"]
    assert said(events).endswith('{"city":"Rome",')


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (StreamError(at="before_headers"), anthropic.OverloadedError),
        (StreamError(at="before_headers", type="rate_limit_error"), anthropic.RateLimitError),
        (HangUp(at="before_headers"), anthropic.APIConnectionError),
        (Reset(at="before_headers"), anthropic.APIConnectionError),
        (Stall(at="before_headers"), anthropic.APITimeoutError),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_before_the_headers_there_is_no_answer(
    simulator: Simulator,
    client: AsyncAnthropic,
    question: dict[str, Any],
    fault: AnyFault,
    error: type[Exception],
    streamed: bool,
) -> None:
    simulator.script(Reply(text="Hello", fault=fault))
    with pytest.raises(error):
        await client.with_options(timeout=0.2).messages.create(**question, stream=streamed)


async def test_a_response_may_be_nothing_at_all(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    simulator.script(Reply(fault=Truncate(at="before_headers")))
    response = await http.post("/v1/messages", json={**question, "stream": True})
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("point", [point for point in get_args(Point) if point != "before_headers"])
async def test_a_stall_holds_at_every_point_and_then_goes_on(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any], point: Point
) -> None:
    simulator.script(Reply(content=ALL, fault=Stall(at=point, seconds=0.01)), Reply(content=ALL))
    held = await events_of(http, question)
    whole = await events_of(http, question)
    assert said(held) == said(whole)
    assert held[-1]["type"] == "message_stop"
    assert [charge.complete for charge in simulator.bill.charges] == [True, True]


async def test_a_stall_before_the_headers_ends_when_the_test_says_so(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="Go", fault=Stall(at="before_headers")))
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(client.messages.create(**question))
        await simulator.until(lambda seen: len(seen) == 1)
        simulator.release()
    assert getattr(asked.result().content[0], "text", None) == "Go"


async def test_thinking_that_is_not_shown_breaks_before_its_signature(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="Hi", thinking="Hm. Well.", fault=Truncate(at="mid_thinking")))
    events = await events_of(http, question)
    assert events[-1]["type"] == "content_block_start"
    assert events[-1]["content_block"]["type"] == "thinking"


async def test_an_answer_that_was_not_to_think_breaks_before_its_first_delta(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="Hi", thinking="Hm. Well.", fault=Truncate(at="mid_thinking")))
    events = await events_of(http, question, model="claude-haiku-5-5", thinking={"type": "disabled"})
    assert (said(events), events[1]["content_block"]["type"]) == ("", "text")


async def test_a_stream_of_given_events_breaks_at_a_point_too(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    words = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in ("one", " two", " three", " four")
    ]
    simulator.script(Events(events=(start, *words), fault=HangUp(at="mid_text")))
    assert said(await events_of(http, question)) == "one two"


@pytest.mark.parametrize(
    ("ends", "kinds"),
    [
        ("before_deltas", []),
        ("mid_thinking", ["thinking"]),
        ("mid_text", ["thinking", "text"]),
        ("mid_tool_input", ["thinking", "text", "tool_use"]),
        ("after_deltas", ["thinking", "text", "tool_use"]),
    ],
)
@pytest.mark.parametrize(
    "reason",
    ["refusal", "max_tokens", "pause_turn", "model_context_window_exceeded", "stop_sequence", "novel"],
)
async def test_an_answer_ends_by_itself_at_a_point(
    simulator: Simulator, ask: Ask, ends: Any, kinds: list[str], reason: str
) -> None:
    simulator.script(Reply(content=ALL, ends=ends, stop_reason=reason), Reply(content=ALL))
    answer, whole = await ask(), await ask()
    assert (answer.stop_reason, [block.type for block in answer.content]) == (reason, kinds)
    assert (answer.usage.output_tokens < whole.usage.output_tokens) == (ends != "after_deltas")


async def test_a_tool_s_input_that_ends_in_the_middle_is_no_json(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    simulator.script(tool_call("weather", {"city": "Rome"}, ends="mid_tool_input"))
    events = await events_of(http, question)
    assert said(events) == '{"city"'
    assert events[-2]["delta"]["stop_reason"] == "max_tokens"


async def test_thinking_can_use_up_all_tokens(simulator: Simulator, ask: Ask) -> None:
    simulator.script(Reply(text="So.", thinking="Let me see. " * 100))
    answer = await ask(max_tokens=20, thinking={"type": "adaptive", "display": "summarized"})
    assert [block.type for block in answer.content] == ["thinking"]
    assert (answer.stop_reason, answer.usage.output_tokens) == ("max_tokens", 20)


async def test_a_refusal_before_any_output_costs_nothing_and_one_in_the_middle_does(
    simulator: Simulator, ask: Ask
) -> None:
    simulator.script(
        Reply(text="one two", ends="before_deltas", stop_reason="refusal"),
        Reply(text="one two", ends="mid_text", stop_reason="refusal"),
    )
    await ask()
    assert simulator.bill.requests == 0
    await ask()
    assert simulator.bill.requests == 1


async def test_each_model_of_a_chain_has_failures_of_its_own(
    simulator: Simulator, post: Post, question: dict[str, Any]
) -> None:
    simulator.script(
        Fail(status=529, for_model="claude-opus-5-5", times=2),
        Fail(status=500, for_model="claude-haiku-5-5"),
        Reply(text="Here I am.", for_model="claude-haiku-5-5"),
    )
    statuses = [
        (await post({**question, "model": f"claude-{name}-5-5"})).status_code
        for name in ("haiku", "opus", "haiku", "sonnet", "opus", "opus")
    ]
    assert statuses == [500, 529, 200, 200, 529, 200]


def test_what_is_left_says_how_often() -> None:
    simulator = Simulator()
    simulator.script(Fail(times=3))
    assert [outcome.times for outcome in simulator.unused] == [3]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: HangUp(at="mid_text", after=2), "one of them"),
        (lambda: HangUp(at="mid_text", of="events"), "one of them"),
        (lambda: Reply(text="Hi", fault=HangUp(at="mid_tool_input")), "no tool input"),
        (lambda: Reply(text="Hi", fault=HangUp(at="mid_thinking")), "no thinking"),
        (lambda: tool_call("clock", {}, ends="mid_text"), "no text"),
        (lambda: Fail(times=0), "at least once"),
    ],
)
def test_a_point_that_cannot_be_is_refused_where_it_is_written(
    make: Callable[[], Outcome], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        make()
