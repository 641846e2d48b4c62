"""Claude's own tools, structured answers, summaries on demand, files in the prompt."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx2
import pydantic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import (
    Reply,
    Simulator,
    code_execution,
    pause_turn,
    web_fetch,
    web_search,
    web_search_error,
)

Ask = Callable[..., Awaitable[Message]]
Post = Callable[[dict[str, Any]], Awaitable[httpx2.Response]]

WEB: list[Any] = [{"type": "web_search_20260318", "name": "web_search"}]


@pytest.mark.parametrize(
    ("reply", "result", "searches", "fetches"),
    [
        (web_search("rain", "It rains."), "web_search_tool_result", 1, 0),
        (web_search_error("rain"), "web_search_tool_result", 1, 0),
        (web_fetch("https://x.example", "page " * 100, "So."), "web_fetch_tool_result", 0, 1),
        (code_execution("date", "Monday", "It is Monday."), "bash_code_execution_tool_result", 0, 0),
    ],
)
async def test_claude_s_tools_leave_uses_results_and_usage(
    simulator: Simulator,
    client: AsyncAnthropic,
    question: dict[str, Any],
    ask: Ask,
    reply: Reply,
    result: str,
    searches: int,
    fetches: int,
) -> None:
    simulator.script(reply, reply)
    async with client.messages.stream(**question) as stream:
        streamed = await stream.get_final_message()
    for message in (streamed, await ask()):
        assert [block.type for block in message.content] == ["server_tool_use", result, "text"]
        used = message.usage.server_tool_use
        assert used is not None
        assert (used.web_search_requests, used.web_fetch_requests) == (searches, fetches)
        assert message.usage.input_tokens > 10  # the results were read


async def test_a_cited_page_is_named(simulator: Simulator, ask: Ask) -> None:
    simulator.script(web_search("rain", "It rains.", url="https://rain.example", title="Rain"))
    said = (await ask(tools=WEB)).content[-1]
    assert said.type == "text"
    assert said.citations is not None
    assert said.citations[0].type == "web_search_result_location"
    assert (said.citations[0].url, said.citations[0].title) == ("https://rain.example", "Rain")


async def test_a_paused_turn_goes_on_when_it_is_sent_back(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(pause_turn(), Reply(text="It rains."))
    paused = await client.messages.create(**question, tools=WEB)
    said: Any = {"role": "assistant", "content": [block.to_dict() for block in paused.content]}
    history = [*question["messages"], said]
    answer = await client.messages.create(**{**question, "messages": history}, tools=WEB)
    assert (paused.stop_reason, answer.stop_reason) == ("pause_turn", "end_turn")


async def test_code_runs_in_a_container_that_can_be_used_again(ask: Ask) -> None:
    tools = [{"type": "code_execution_20260521", "name": "code_execution"}]
    first = await ask(tools=tools)
    assert first.container is not None
    second = await ask(tools=tools, container=first.container.id)
    assert second.container is not None
    assert second.container.id == first.container.id
    assert (await ask()).container is None


class Weather(pydantic.BaseModel):
    place: str
    degrees: float
    sky: list[str]
    when: str | None


async def test_a_structured_answer_fits_its_schema(client: AsyncAnthropic, question: dict[str, Any]) -> None:
    parsed = await client.messages.parse(**question, output_format=Weather)
    assert parsed.parsed_output is not None
    assert (parsed.parsed_output.place, parsed.parsed_output.degrees) == ("text", 0)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}, {"a": "x"}),
        ({"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2}, [3, 3]),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, False),
        ({"type": ["string", "null"], "format": "date"}, "2026-01-01"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"const": 7}}}, 7),
        ({}, None),
    ],
)
async def test_the_answer_without_a_script_is_the_smallest_that_fits(
    ask: Ask, schema: dict[str, Any], value: Any
) -> None:
    if schema.get("type") == "object":
        schema = {**schema, "additionalProperties": False}
    answer = await ask(output_config={"format": {"type": "json_schema", "schema": schema}})
    (block,) = answer.content
    assert block.type == "text"
    assert json.loads(block.text) == value


async def test_a_summary_on_demand_is_charged_by_its_iterations(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="They greeted."))
    answer = await client.beta.messages.create(
        **question, betas=["compact-2026-09-04"], extra_body={"compaction": {"type": "summarize"}}
    )
    (block,) = answer.content
    assert (block.type, answer.stop_reason) == ("compaction", "compaction")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (0, 0)
    assert answer.usage.iterations is not None
    assert simulator.bill.nano_dollars > 2 * 2_000
    said: Any = {"role": "assistant", "content": [block.to_dict()]}
    after = await client.beta.messages.create(
        **{**question, "messages": [said, *question["messages"]]}, betas=["compact-2026-09-04"]
    )
    assert after.stop_reason == "end_turn"


async def test_speed_and_place_are_told_and_charged(simulator: Simulator, ask: Ask) -> None:
    answer = await ask(model="claude-opus-5-5", speed="fast", inference_geo="us", max_tokens=0)
    assert (answer.usage.speed, answer.usage.inference_geo) == ("fast", "us")
    assert simulator.bill.nano_dollars == 2 * 4_000 * 2 * 11 // 10


async def test_an_image_that_is_too_large_is_told_by_its_code(
    client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    head = "R0lGODlhQR9kAA=="  # of a GIF of 8001 by 100 pixels
    image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": head}}
    with pytest.raises(anthropic.BadRequestError) as raised:
        await client.messages.create(**{**question, "messages": [{"role": "user", "content": [image]}]})
    assert raised.value.error_code == "image_dimensions_too_large"


async def test_a_thread_is_never_found(client: AsyncAnthropic, question: dict[str, Any]) -> None:
    with pytest.raises(anthropic.NotFoundError) as raised:
        await client.beta.messages.create(
            **question,
            betas=["message-threads-2026-08-12"],
            thread={"type": "continue", "previous_message_id": "msg_1"},
        )
    assert raised.value.error_code == "thread_not_found"


async def test_models_are_listed_page_by_page_with_what_they_can(
    client: AsyncAnthropic, http: httpx2.AsyncClient
) -> None:
    names = [model.id async for model in client.models.list(limit=4)]
    assert len(names) == len(set(names)) > 20
    old = (await http.get("/v1/models?lifecycle=deprecated")).json()["data"]
    assert {model["id"] for model in old} == {"claude-sonnet-4-5", "claude-sonnet-4-5-20250929"}
    haiku = await client.models.retrieve("claude-haiku-5-5")
    assert haiku.capabilities is not None
    kinds = haiku.capabilities.thinking.types
    assert (haiku.line, kinds.disabled.supported, kinds.enabled.supported) == ("haiku", True, False)
    assert (await http.get("/v1/models?lifecycle=retired")).json()["data"] == []
