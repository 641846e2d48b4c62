"""Servers that speak the Messages API in their own way: an answer, or a sentence that says what is wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon.bootstrap import open_service
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Answer, Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.models import catalogue
from antiphon.simulator.validate import check
from antiphon.tools.tool import Tool
from tests.model.canned import END, chunk, frame, head, reply, text_delta
from tests.model.conftest import KEY
from tests.model.player import Player, Step

ME = "me"
MODEL = "somebody-elses"
CLAUDE = "claude-sonnet-5-5"
HEAD = head().replace(b"request-id: req_1\r\n", b"")


async def sun(_: dict[str, Any]) -> str:
    return "Sun."


@pytest.fixture
async def service(player: Player) -> AsyncIterator[Service]:
    settings = Settings(model=MODEL, models={MODEL: {"free": True}}, store="memory://")
    upstream = ClaudeUpstream(api_key=KEY, base_url=player.url)
    tool = Tool(name="weather", schema={"type": "object"}, call=sun, effect="pure")
    service = await open_service(settings, upstream=upstream, tools=[tool])
    yield service
    await service.close()


async def asked(service: Service, text: str = "Hello") -> Answer:
    header = await service.create(ME)
    accepted = await service.send(ME, header.id, Ask(content=text))
    async with asyncio.timeout(10):
        answer = await service.answer(accepted)
    assert (await service.snapshot(ME, header.id)).path() == await service.messages(ME, header.id)
    return answer


def started(**usage: Any) -> bytes:
    return frame("message_start", message={"id": "chatcmpl-1", "model": "x.gguf", "usage": usage})


def block(index: int = 0, **content: Any) -> bytes:
    return frame("content_block_start", index=index, content_block=content)


def stopped(index: int = 0) -> bytes:
    return frame("content_block_stop", index=index)


def ended(stop_reason: str | None, **more: Any) -> bytes:
    return frame("message_delta", delta={"stop_reason": stop_reason, **more}) + frame("message_stop")


def stream(*frames: bytes) -> tuple[Step, ...]:
    return HEAD, chunk(b"".join(frames)), END


HELLO = block(type="text", text="") + text_delta("Hello.") + stopped()

ANSWERS = {
    "ids of its own, few usage fields": (started(input_tokens=3), HELLO, ended("end_turn")),
    "no usage at all": (started(), HELLO, ended("end_turn")),
    "usage in another shape": (
        frame("message_start", message={"id": 7, "usage": {"input_tokens": "3", "prompt": [1]}}),
        HELLO,
        ended("end_turn"),
    ),
    "no beginning": (HELLO, ended("end_turn")),
    "a stop sequence without its reason": (started(), HELLO, ended("end_turn", stop_sequence="END")),
    "a stop reason of its own": (started(), HELLO, ended("stop")),
    "an end of nothing first": (started(), stopped(), HELLO, ended("end_turn")),
    "an increment of nothing first": (started(), text_delta("?"), HELLO, ended("end_turn")),
    "a text that begins as null": (
        started(),
        block(type="text", text=None) + text_delta("Hello.") + stopped(),
        ended("end_turn"),
    ),
    "a text that begins without a field": (
        started(),
        block(type="text") + text_delta("Hello.") + stopped(),
        ended("end_turn"),
    ),
    "a text without an end": (
        started(),
        block(type="text", text="") + text_delta("Hello."),
        ended("end_turn"),
    ),
    "a block of no kind": (started(), block() + stopped(), HELLO, ended("end_turn")),
    "unknown fields and events": (
        started(timings={"ms": 1}),
        frame("usage_report", tokens=[None]),
        HELLO,
        ended("end_turn", logprobs=[]),
    ),
    "a marker of another API at the end": (started(), HELLO, ended("end_turn"), b"data: [DONE]\n\n"),
}


@pytest.mark.parametrize("frames", ANSWERS.values(), ids=ANSWERS)
async def test_what_is_missing_or_strange_does_not_matter(
    player: Player, service: Service, frames: tuple[bytes, ...]
) -> None:
    player.plays(*stream(*frames))
    answer = await asked(service)
    assert (answer.turn.status, answer.text) == ("completed", "Hello.")


@pytest.mark.parametrize("text", [{"text": None}, {}], ids=["null", "no field"])
async def test_a_conversation_goes_on_after_a_text_that_never_came(
    player: Player, service: Service, text: dict[str, Any]
) -> None:
    player.plays(*stream(started(), block(type="text", **text), stopped(), HELLO, ended("end_turn")))
    header = await service.create(ME)
    for _ in range(2):
        accepted = await service.send(ME, header.id, Ask(content="Hello"))
        async with asyncio.timeout(10):
            answer = await service.answer(accepted)
        assert (answer.turn.status, answer.text) == ("completed", "Hello.")


def use(*before_end: bytes, stop_reason: str | None = "tool_use", **fields: Any) -> bytes:
    call = block(type="tool_use", **fields)
    said = frame("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{}"})
    return b"".join((started(), call, said, stopped(), *before_end, ended(stop_reason)))


TOOL_USES = {
    "an id of its own": use(id="7hXq", name="weather", input={}),
    "no input": use(id="7hXq", name="weather"),
    "an input of another kind": use(id="7hXq", name="weather", input=""),
    "a reason before the end": use(
        frame("message_delta", delta={"stop_reason": "tool_use"}), stop_reason=None, id="7hXq", name="weather"
    ),
}


@pytest.mark.parametrize("call", TOOL_USES.values(), ids=TOOL_USES)
async def test_tools_are_used(player: Player, service: Service, call: bytes) -> None:
    player.plays(*stream(call))
    player.plays(*stream(started(), HELLO, ended("end_turn")))
    answer = await asked(service)
    assert (answer.turn.status, answer.text) == ("completed", "Hello.")
    *_, asking, results = player.requests[-1].body["messages"]
    assert asking["content"][0]["id"] == results["content"][0]["tool_use_id"] == "7hXq"
    assert results["content"][0]["content"] == [{"type": "text", "text": "Sun."}]


def whole_use(**fields: Any) -> bytes:
    """A use whose input stands in it from the beginning, or nowhere."""
    called = block(type="tool_use", id="7hXq", name="weather", **fields)
    return b"".join((started(), called, stopped(), ended("tool_use")))


OPAQUE: list[dict[str, Any]] = [
    {"foo": 1},
    {"type": "x_result", "content": [{"a": 1}]},
    {"type": "x_result", "content": ["a", None, {"type": 5, "text": 5}]},
    {"type": "x_result", "content": {"type": "text"}},
]


@pytest.mark.parametrize("opaque", OPAQUE)
async def test_what_is_not_read_here_can_be_exported_and_read_in(
    player: Player, service: Service, opaque: dict[str, Any]
) -> None:
    player.plays(*stream(started(), block(**opaque), stopped(), HELLO, ended("end_turn")))
    answer = await asked(service)
    assert answer.message is not None
    assert answer.message.content[0] == opaque
    (header,) = await service.recent(ME)
    copy = await service.import_(ME, await service.export(ME, header.id))
    (_, said) = await service.messages(ME, copy.id)
    assert said.content == answer.message.content


async def test_claude_takes_a_conversation_over_that_has_a_block_of_no_kind(
    player: Player, service: Service
) -> None:
    header = await service.create(ME)
    for _ in range(2):
        player.plays(*stream(started(), block(foo=1), stopped(), HELLO, ended("end_turn")))
        async with asyncio.timeout(10):
            await service.answer(await service.send(ME, header.id, Ask(content="Hello")))
    check_with_claude(player.requests[-1].body)


INPUTS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "Sun."),
    "null": ({"input": None}, "Sun."),
    "an object in a text": ({"input": "{}"}, "Sun."),
    "words": ({"input": "x"}, "not a valid JSON object"),
    "a list": ({"input": [1]}, "not a valid JSON object"),
}


@pytest.mark.parametrize(("given", "said"), INPUTS.values(), ids=INPUTS)
async def test_after_any_input_of_a_tool_claude_takes_the_conversation_over(
    player: Player, service: Service, given: dict[str, Any], said: str
) -> None:
    player.plays(*stream(whole_use(**given)))
    player.plays(*stream(started(), HELLO, ended("end_turn")))
    answer = await asked(service)
    assert (answer.turn.status, answer.text) == ("completed", "Hello.")
    body = player.requests[-1].body
    assert said in str(body["messages"][-1])
    check_with_claude(body)


def check_with_claude(body: dict[str, Any]) -> None:
    """Raises what the Messages API would say against it."""
    check({**body, "model": CLAUDE}, models=catalogue(), version="2026-10-21", betas="", counting=False)


@pytest.mark.parametrize("cited", [[5], [None, "x"], [{"cited_text": "Hello."}, 5]])
async def test_a_citation_that_is_no_object_is_left_out(
    player: Player, service: Service, cited: list[Any]
) -> None:
    more = frame("content_block_delta", index=0, delta={"type": "citations_delta", "citation": 5})
    said = block(type="text", text="", citations=cited) + text_delta("Hello.") + more + stopped()
    player.plays(*stream(started(), said, ended("end_turn")))
    answer = await asked(service)
    assert answer.message is not None
    (text,) = answer.message.content
    assert text["citations"] == [citation for citation in cited if isinstance(citation, dict)]


BROKEN = {
    "a use of no tool": stream(use(id="7hXq", input={})),
    "a use without an id": stream(use(name="weather", input={})),
    "an answer that is no stream": reply(200, json.dumps({"content": []})),
    "an event that cannot be read": stream(started(), b"data: {\n\n"),
    "no end": stream(started(), HELLO),
    "no reason to stop": stream(started(), HELLO, ended(None)),
    "an error without a type": reply(400, json.dumps({"error": {"code": 400, "message": "No."}})),
    "a failure that is a rejection": reply(500, json.dumps({"error": {"code": 500, "message": "No."}})),
    "an error in words": reply(422, json.dumps({"error": "no"})),
    "an error as a list": reply(400, json.dumps(["no"])),
    "an error of another framework": reply(422, json.dumps({"detail": [{"loc": ["body"]}]})),
    "a page": reply(404, "<html>", "text/html"),
    "nothing": reply(500, "", "text/plain"),
    "an error in the stream, in words": stream(started(), frame("error", error="no")),
    "an error in the stream, without a type": stream(started(), frame("error", message="no")),
}


@pytest.mark.parametrize("played", BROKEN.values(), ids=BROKEN)
async def test_what_cannot_be_used_ends_with_a_sentence(
    player: Player, service: Service, played: tuple[Step, ...]
) -> None:
    player.plays(*played)
    answer = await asked(service)
    assert answer.turn.status in {"failed", "interrupted"}
    assert answer.turn.error is not None
    assert answer.turn.error.name.startswith("upstream-")
    assert len(answer.turn.error.detail) > 40
    assert KEY not in answer.turn.error.detail


async def test_a_server_that_cannot_count_answers_under_a_budget(player: Player) -> None:
    settings = Settings(model=MODEL, models={MODEL: {"free": True}}, store="memory://", budget_usd="1")
    service = await open_service(settings, upstream=ClaudeUpstream(api_key=KEY, base_url=player.url))
    try:
        player.plays(*stream(started(), HELLO, ended("end_turn")))
        assert (await asked(service)).text == "Hello."
    finally:
        await service.close()
    assert [request.line for request in player.requests] == ["POST /v1/messages HTTP/1.1"]
