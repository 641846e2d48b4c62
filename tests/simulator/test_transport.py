"""What lies between: compression, dates, failures of the other routes."""

import gzip
import json
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import (
    Drop,
    Fail,
    HangUp,
    Page,
    Reply,
    Simulator,
    Stall,
    StreamError,
    Truncate,
    mcp_call,
)

Ask = Callable[..., Awaitable[Message]]


async def test_a_compressed_stream_is_read_as_it_comes(
    simulator: Simulator, httpx_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="one two three", gzip=True, fault=Stall(at="mid_text")))
    texts: list[str] = []
    async with httpx_client.messages.stream(**question) as stream:
        assert stream.response.headers["content-encoding"] == "gzip"
        async for text in stream.text_stream:
            if not texts:
                simulator.release()
            texts.append(text)
    assert texts == ["one", " two", " three"]


async def test_a_compressed_answer_is_the_same(simulator: Simulator, ask: Ask) -> None:
    simulator.script(Reply(text="Hello", gzip=True))
    assert getattr((await ask()).content[0], "text", None) == "Hello"


@pytest.mark.parametrize(
    "fault", [Truncate(at="mid_text"), HangUp(at="mid_text"), StreamError(at="mid_text")]
)
async def test_compressed_streams_break_like_any_other(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any], fault: Any
) -> None:
    simulator.script(Reply(text="one two three", gzip=True, fault=fault))
    raw = ""
    try:
        async with http.stream("POST", "/v1/messages", json={**question, "stream": True}) as response:
            async for text in response.aiter_text():
                raw += text
    except httpx2.HTTPError:
        pass
    assert '"one"' in raw
    assert '" two"' not in raw
    assert ("event: error" in raw) == isinstance(fault, StreamError)


async def test_who_takes_no_compression_gets_none(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="Hello", gzip=True), Page(gzip=True), Page(gzip=True))
    plain = await http.post("/v1/messages", json=question, headers={"accept-encoding": "identity"})
    page = await http.post("/v1/messages", json=question, headers={"accept-encoding": "identity"})
    zipped = await http.post("/v1/messages", json=question)
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.json()["content"][0]["text"] == "Hello"
    assert page.text == zipped.text


async def test_a_request_may_be_compressed(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    body = gzip.compress(json.dumps(question).encode())
    answer = await http.post("/v1/messages", content=body, headers={"content-encoding": "gzip"})
    assert (answer.status_code, simulator.requests[0].body) == (200, question)


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"no gzip", "gzip", 400),
        (b"x", "br", 400),
        (gzip.compress(b" " * (32 * 1024 * 1024 + 1)), "gzip", 413),
    ],
)
async def test_what_is_compressed_wrongly_or_too_large_is_refused(
    http: httpx2.AsyncClient, body: bytes, encoding: str, status: int
) -> None:
    answer = await http.post("/v1/messages", content=body, headers={"content-encoding": encoding})
    assert answer.status_code == status
    assert answer.json()["error"]["type"] in ("invalid_request_error", "request_too_large")


async def test_retry_after_can_be_a_date(question: dict[str, Any]) -> None:
    async with (
        Simulator(now=lambda: 1_800_000_000.0) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any", max_retries=0) as client,
    ):
        simulator.script(Fail(status=429, retry_after=3600, retry_after_as_date=True))
        with pytest.raises(anthropic.RateLimitError) as raised:
            await client.messages.create(**question)
    date = parsedate_to_datetime(raised.value.response.headers["retry-after"])
    assert date.timestamp() == 1_800_003_600


def test_a_date_needs_seconds() -> None:
    with pytest.raises(ValueError, match="in seconds"):
        Fail(retry_after="soon", retry_after_as_date=True)


async def test_other_routes_fail_when_they_are_told(
    simulator: Simulator, httpx_client: AsyncAnthropic, question: dict[str, Any], ask: Ask
) -> None:
    client = httpx_client
    simulator.script(
        Fail(status=529, for_path="/v1/messages/count_tokens"),
        Drop(for_path="/v1/models*"),
        Page(status=502, for_path="/v1/models*"),
    )
    assert (await ask()).stop_reason == "end_turn"
    with pytest.raises(anthropic.OverloadedError):
        await client.messages.count_tokens(model=question["model"], messages=question["messages"])
    with pytest.raises(anthropic.APIConnectionError):
        await client.models.retrieve("claude-opus-5-5")
    with pytest.raises(anthropic.InternalServerError):
        await client.models.list()
    assert simulator.unused == ()


async def test_the_details_of_an_error_can_be_any(simulator: Simulator, ask: Ask) -> None:
    simulator.script(Fail(status=429, error_code="ramp_limit_exceeded", details={"limit": 5}))
    with pytest.raises(anthropic.RateLimitError) as raised:
        await ask()
    assert raised.value.error_code == "ramp_limit_exceeded"
    assert raised.value.body["error"]["details"] == {"limit": 5, "error_code": "ramp_limit_exceeded"}  # type: ignore[index]


async def test_a_tool_of_an_mcp_server_leaves_its_use_and_result(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(mcp_call("wiki", "find", {"word": "rain"}, "wet", "Rain is wet."))
    server: Any = {"type": "url", "name": "wiki", "url": "https://wiki.example/"}
    answer = await client.beta.messages.create(
        **question, mcp_servers=[server], betas=["mcp-client-2025-11-20"]
    )
    assert [block.type for block in answer.content] == ["mcp_tool_use", "mcp_tool_result", "text"]


async def test_a_block_of_a_kind_that_nobody_knows_comes_as_it_is(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    block = {"type": "hologram", "depth": 3}
    simulator.script(Reply(content=(block,), times=2))
    whole = await http.post("/v1/messages", json=question)
    streamed = await http.post("/v1/messages", json={**question, "stream": True})
    assert whole.json()["content"] == [block]
    assert '"content_block":{"type":"hologram","depth":3}' in streamed.text
