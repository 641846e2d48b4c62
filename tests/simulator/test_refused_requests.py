"""What the API refuses, rule by rule, and what it does not."""

import struct
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic, AsyncAnthropic

from antiphon.simulator import Reply, Simulator, running

Post = Callable[[dict[str, Any]], Awaitable[httpx2.Response]]

USER = {"role": "user", "content": "Hello"}
ASSISTANT = {"role": "assistant", "content": "Hi"}
FIVE = {"type": "ephemeral"}
EPHEMERAL = {"cache_control": FIVE}
LASTING = {"cache_control": {**FIVE, "ttl": "1h"}}
THINKING = {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}
CLOCK = {"name": "clock", "input_schema": {"type": "object"}}
CITED = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "Rain."},
    "citations": {"enabled": True},
}


def tool_use(call_id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "clock", "input": {}}


def tool_result(call_id: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": "noon"}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def picture(**source: Any) -> dict[str, Any]:
    """A GIF, as far as its head tells."""
    head = b"GIF89a" + struct.pack("<HH", source.pop("width", 10), 10)
    given = {"type": "base64", "media_type": "image/gif", "data": b64encode(head).decode(), **source}
    return {"type": "image", "source": given}


def pdf(pages: int) -> dict[str, Any]:
    data = b64encode(b"%PDF-1.7 /Type /Pages " + b"/Type /Page " * pages).decode()
    return {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}}


def schema(**fields: Any) -> dict[str, Any]:
    given = {"type": "object", "additionalProperties": False, **fields}
    return {"format": {"type": "json_schema", "schema": given}}


REFUSED: dict[str, dict[str, Any]] = {
    "model missing": {"model": None},
    "model empty": {"model": ""},
    "max_tokens missing": {"max_tokens": None},
    "max_tokens negative": {"max_tokens": -1},
    "max_tokens no number": {"max_tokens": "many"},
    "messages missing": {"messages": None},
    "messages empty": {"messages": []},
    "messages no list": {"messages": "Hello"},
    "a message without content": {"messages": [{"role": "user"}]},
    "a message without role": {"messages": [{"content": "Hello"}]},
    "a role nobody has": {"messages": [{"role": "robot", "content": "Hello"}]},
    "content that is a number": {"messages": [{"role": "user", "content": 1}]},
    "a block without type": {"messages": [user({"text": "Hello"})]},
    "a field nobody knows": {"colour": "blue"},
    "a beta's field without the beta": {"thread": {"type": "create"}},
    "temperature": {"temperature": 1.0},
    "top_p": {"top_p": 0.9},
    "top_k": {"top_k": 5},
    "warming the cache with a stream": {"max_tokens": 0, "stream": True},
    "warming the cache with a format": {
        "max_tokens": 0,
        "output_config": {"format": {"type": "json_schema", "schema": {}}},
    },
    "prefill": {"messages": [USER, {"role": "assistant", "content": "The answer is"}]},
    "an empty message": {"messages": [{"role": "user", "content": ""}]},
    "a message without blocks": {"messages": [USER, assistant(), USER]},
    "an empty text block": {"messages": [user(text(""))]},
    "a blank text block": {"messages": [user(text(" \n"))]},
    "an empty text block in system": {"system": [text("")]},
    "an empty text block in a tool result": {
        "messages": [USER, assistant(tool_use("a")), user({**tool_result("a"), "content": [text("")]})]
    },
    "five breakpoints": {
        "system": [text("Be brief.", **EPHEMERAL)],
        "tools": [{"name": "clock", "input_schema": {"type": "object"}, **EPHEMERAL}],
        "messages": [user(text("a", **EPHEMERAL), text("b", **EPHEMERAL), text("c", **EPHEMERAL))],
    },
    "four breakpoints and the automatic one": {
        "messages": [user(*[text(words, **EPHEMERAL) for words in "abcd"])],
        **EPHEMERAL,
    },
    "a tool use without result": {"messages": [USER, assistant(tool_use("a")), USER]},
    **{
        f"a tool's input that is {name}": {
            "messages": [USER, assistant({**tool_use("a"), "input": given}), user(tool_result("a"))]
        }
        for name, given in {"null": None, "a text": "x", "a list": [1], "a number": 5}.items()
    },
    "a tool use without input": {
        "messages": [
            USER,
            assistant({"type": "tool_use", "id": "a", "name": "clock"}),
            user(tool_result("a")),
        ]
    },
    "a server tool's use without input": {
        "messages": [USER, assistant({"type": "server_tool_use", "id": "s", "name": "web_search"}), USER]
    },
    "a tool use at the end": {"messages": [USER, assistant(tool_use("a"))]},
    "one of two results missing": {
        "messages": [USER, assistant(tool_use("a"), tool_use("b")), user(tool_result("a"))]
    },
    "a result after text": {"messages": [USER, assistant(tool_use("a")), user(text("So"), tool_result("a"))]},
    "a result too late": {
        "messages": [USER, assistant(tool_use("a")), USER, ASSISTANT, user(tool_result("a"))]
    },
    "a result without use": {"messages": [user(tool_result("a"))]},
    "a result of another use": {"messages": [USER, assistant(tool_use("a")), user(tool_result("b"))]},
    "two results of one use": {
        "messages": [USER, assistant(tool_use("a")), user(tool_result("a"), tool_result("a"))]
    },
    "one id for two uses": {
        "messages": [
            USER, assistant(tool_use("a")), user(tool_result("a")),
            assistant(tool_use("a")), user(tool_result("a")),
        ]
    },
    "a system message between use and result": {
        "messages": [
            USER, assistant(tool_use("a")), {"role": "system", "content": "Quick."}, user(tool_result("a")),
        ]
    },
    "a tool use by the user": {"messages": [user(tool_use("a"))]},
    "a tool result by the assistant": {"messages": [USER, assistant(tool_result("a")), USER]},
    "more output than the model has": {"max_tokens": 128_001},
    "more output than an old model has": {"model": "claude-haiku-4-5", "max_tokens": 64_001},
    "a breakpoint of another kind": {"messages": [user(text("a", cache_control={"type": "eternal"}))]},
    "a lifetime nobody has": {"messages": [user(text("a", cache_control={**FIVE, "ttl": "2h"}))]},
    "an automatic lifetime nobody has": {"cache_control": {**FIVE, "ttl": 300}},
    "a long life after a short one": {
        "system": [text("a", **EPHEMERAL)], "messages": [user(text("b", **LASTING))],
    },
    "an automatic long life after a short one": {"system": [text("a", **EPHEMERAL)], **LASTING},
    "an automatic life unlike the last block's": {"messages": [user(text("a", **LASTING))], **EPHEMERAL},
    "a breakpoint on thinking": {"messages": [USER, assistant({**THINKING, **EPHEMERAL}), USER]},
    "forced tools on a new model": {"tools": [CLOCK], "tool_choice": {"type": "any"}},
    "one tool forced on a new model": {"tools": [CLOCK], "tool_choice": {"type": "tool", "name": "clock"}},
    "tools forced beside budgeted thinking": {
        "model": "claude-haiku-4-5", "max_tokens": 2000, "tools": [CLOCK], "tool_choice": {"type": "any"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    },
    "tools forced without tools": {"model": "claude-opus-5", "tool_choice": {"type": "any"}},
    "a tool forced that is not there": {
        "model": "claude-opus-5", "tools": [CLOCK], "tool_choice": {"type": "tool", "name": "watch"},
    },
    "a choice nobody has": {"tools": [CLOCK], "tool_choice": {"type": "some"}},
    "a tool with a bad name": {"tools": [{**CLOCK, "name": "what time"}]},
    "a tool without a schema": {"tools": [{"name": "clock"}]},
    "a tool whose input is no object": {"tools": [{"name": "clock", "input_schema": {"type": "string"}}]},
    "a tool of a type nobody has": {"tools": [{"type": "crystal_ball_20260101", "name": "ball"}]},
    "two tools of one name": {"tools": [CLOCK, CLOCK]},
    "too many strict tools": {"tools": [{**CLOCK, "name": f"t{n}", "strict": True} for n in range(21)]},
    "a schema that allows more": {
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    },
    "a format that is no schema": {"output_config": {"format": {"type": "xml"}}},
    "too many optional fields": {"output_config": schema(properties={f"p{n}": {} for n in range(25)})},
    "too many unions": {
        "output_config": schema(
            properties={f"p{n}": {"anyOf": []} for n in range(17)}, required=[f"p{n}" for n in range(17)]
        )
    },
    "citations and a format": {"messages": [user(CITED, text("Sum up."))], "output_config": schema()},
    "a blank stop sequence": {"stop_sequences": [" "]},
    "a speed nobody has": {"speed": "slow"},
    "fast on a model that is not": {"speed": "fast"},
    "fast without its beta": {"model": "claude-opus-5", "speed": "fast"},
    "a place for an old model": {"model": "claude-haiku-4-5", "inference_geo": "us"},
    "a tier that is not asked for": {"service_tier": "priority"},
    "instructions first": {"messages": [{"role": "system", "content": "Be brief."}, USER]},
    "instructions after an answer": {
        "messages": [USER, ASSISTANT, {"role": "system", "content": "Be brief."}, USER],
    },
    "instructions later to a model that takes none": {
        "model": "claude-sonnet-5", "messages": [USER, {"role": "system", "content": "Be brief."}],
    },
    "instructions with a picture": {"messages": [USER, {"role": "system", "content": [picture()]}]},
    "a document by the assistant": {"messages": [USER, assistant(CITED), USER]},
    "citations by the user": {"messages": [user(text("So", citations=[{"type": "char_location"}]))]},
    "an image of another kind": {"messages": [user(picture(media_type="image/bmp"))]},
    "an image without a source": {"messages": [user({"type": "image"})]},
    "an image of more than 10 MB": {"messages": [user(picture(data="A" * (10 * 1024 * 1024 + 4)))]},
    "an image that is too wide": {"messages": [user(picture(width=8001))]},
    "many images that are too wide": {"messages": [user(*[picture(width=2001)] * 21)]},
    "too many images": {"messages": [user(*[picture()] * 601)]},
    "too many images for an old model": {"model": "claude-haiku-4-5", "messages": [user(*[picture()] * 101)]},
    "a PDF of too many pages": {"messages": [user(pdf(601))]},
    "thinking that is no object": {"thinking": "hard"},
}  # fmt: skip


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
async def test_an_invalid_request_gets_400(
    simulator: Simulator, post: Post, question: dict[str, Any], changes: dict[str, Any]
) -> None:
    simulator.script(Reply(text="for a valid request"))
    body = {name: value for name, value in {**question, **changes}.items() if value is not None}
    response = await post(body)
    assert response.status_code == 400
    error = response.json()
    assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
    assert error["request_id"] == response.headers["request-id"]
    assert len(simulator.unused) == 1


ACCEPTED: dict[str, dict[str, Any]] = {
    "two user messages in a row": {"messages": [USER, USER]},
    "tool results first, then text": {
        "messages": [
            USER, assistant(text("Let me see."), tool_use("a"), tool_use("b")),
            user(tool_result("b"), tool_result("a"), text("Go on.")),
        ]
    },
    "results divided over two messages": {
        "messages": [
            USER, assistant(tool_use("a"), tool_use("b")), user(tool_result("a")), user(tool_result("b")),
        ]
    },
    "a server tool's turn goes on": {
        "messages": [
            USER,
            assistant(
                text("Let me search."),
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
            ),
        ]
    },
    "four breakpoints": {"messages": [user(*[text(words, **EPHEMERAL) for words in "abcd"])]},
    "prefill of an old model": {"model": "claude-haiku-4-5", "messages": [USER, ASSISTANT]},
    "a system message later": {"messages": [USER, {"role": "system", "content": "Be brief."}]},
    "a block of the answer nobody knows": {"messages": [USER, assistant({"type": "hologram"}), USER]},
    "a result without content": {
        "messages": [USER, assistant(tool_use("a")), user({"type": "tool_result", "tool_use_id": "a"})]
    },
    "no system prompt": {"system": ""},
    "a short life after a long one": {
        "system": [text("a", **LASTING)], "messages": [user(text("b", **EPHEMERAL))],
    },
    "three breakpoints and the automatic one": {
        "messages": [user(*[text(words, **EPHEMERAL) for words in "abc"], text("d"))], **EPHEMERAL,
    },
    "an automatic breakpoint where one is": {"messages": [user(text("a", **LASTING))], **LASTING},
    "forced tools on an older model": {
        "model": "claude-opus-5", "tools": [CLOCK], "tool_choice": {"type": "tool", "name": "clock"},
    },
    "forced tools on the smallest model": {
        "model": "claude-haiku-5-5", "tools": [CLOCK], "tool_choice": {"type": "any"},
    },
    "Claude's own tools": {
        "tools": [
            {"type": "web_search_20260318", "name": "web_search", "max_uses": 3},
            {"type": "code_execution_20260521", "name": "code_execution"},
            {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"},
            {"type": "memory_20250818", "name": "memory"},
        ]
    },
    "instructions after a tool result": {
        "messages": [
            USER, assistant(tool_use("a")), user(tool_result("a")), {"role": "system", "content": "Quick."},
        ]
    },
    "a document with citations": {"messages": [user(CITED, text("Sum up."))]},
    "a document of a hundred pages": {"messages": [user(pdf(100))]},
    "an image at its largest": {"messages": [user(picture(width=8000))]},
    "an image that lies elsewhere": {
        "messages": [user({"type": "image", "source": {"type": "url", "url": "https://x.example/"}})]
    },
    "an image in a tool result": {
        "messages": [USER, assistant(tool_use("a")), user({**tool_result("a"), "content": [picture()]})]
    },
    "citations in an answer sent back": {
        "messages": [USER, assistant(text("So", citations=[{"type": "char_location"}])), USER]
    },
    "a schema": {"output_config": schema(properties={"a": {"type": "string"}}, required=["a"])},
    "as much output as there is": {"max_tokens": 128_000},
}  # fmt: skip


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_a_valid_request_is_answered(
    post: Post, question: dict[str, Any], changes: dict[str, Any]
) -> None:
    response = await post({**question, **changes})
    assert response.status_code == 200, response.text


async def test_the_problem_is_named_with_its_place(post: Post, question: dict[str, Any]) -> None:
    bodies = [
        {**question, "temperature": 1},
        {**question, "messages": [USER, {"role": "robot", "content": "x"}]},
        {**question, "messages": [{"role": "user"}]},
        {name: value for name, value in question.items() if name != "max_tokens"},
    ]
    messages = [(await post(body)).json()["error"]["message"] for body in bodies]
    assert messages[0] == "temperature: Extra inputs are not permitted"
    assert messages[1].startswith("messages.1.role: ")
    assert messages[2:] == ["messages.0.content: Field required", "max_tokens: Field required"]


async def test_the_sdk_raises_bad_request(client: AsyncAnthropic, question: dict[str, Any]) -> None:
    with pytest.raises(anthropic.BadRequestError) as raised:
        await client.messages.create(**{**question, "messages": [USER, ASSISTANT]})
    assert raised.value.type == "invalid_request_error"


async def test_sampling_is_still_accepted_by_the_old_version(
    client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    old = {"anthropic-version": "2023-06-01"}
    answer = await client.messages.create(
        **{**question, "model": "claude-haiku-4-5"}, extra_body={"temperature": 0}, extra_headers=old
    )
    assert answer.stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("model", "value", "status"),
    [
        ("claude-sonnet-5-5", 1, 200),
        ("claude-sonnet-5-5", 0.5, 400),
        ("claude-opus-4-6", 0.5, 200),
        ("claude-opus-4-7", 0, 400),
    ],
)
async def test_by_the_old_version_new_models_still_take_the_default(
    http: httpx2.AsyncClient, question: dict[str, Any], model: str, value: float, status: int
) -> None:
    body = {**question, "model": model, "temperature": value}
    response = await http.post("/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})
    assert response.status_code == status


async def test_by_the_old_version_documents_may_stand_anywhere(
    http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    body = {**question, "messages": [USER, assistant(CITED), user(text("So", citations=[{}]))]}
    response = await http.post("/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})
    assert response.status_code == 200


async def test_another_beta_does_not_open_a_field(http: httpx2.AsyncClient, question: dict[str, Any]) -> None:
    body = {**question, "context_management": {"edits": []}}
    headers = {"anthropic-beta": "message-threads-2026-08-12, files-api-2025-04-14"}
    response = await http.post("/v1/messages", json=body, headers=headers)
    assert response.json()["error"]["message"] == "context_management: Extra inputs are not permitted"


async def test_fast_is_taken_with_its_beta(http: httpx2.AsyncClient, question: dict[str, Any]) -> None:
    body = {**question, "model": "claude-opus-5", "speed": "fast"}
    headers = {"anthropic-beta": "fast-mode-2026-02-01"}
    assert (await http.post("/v1/messages", json=body, headers=headers)).json()["usage"]["speed"] == "fast"


@pytest.mark.parametrize(
    "more",
    [
        {"stop_sequences": ["END"]},
        {"output_config": schema()},
        {"model": "claude-opus-5", "tools": [CLOCK], "tool_choice": {"type": "any"}},
        {"context_management": {"edits": []}},
    ],
)
async def test_a_summary_on_demand_is_asked_for_alone(
    http: httpx2.AsyncClient, question: dict[str, Any], more: dict[str, Any]
) -> None:
    body = {**question, "compaction": {"type": "summarize"}, **more}
    response = await http.post("/v1/messages", json=body, headers={"anthropic-beta": "compact-2026-09-04"})
    assert response.status_code == 400


async def test_a_beta_opens_its_fields(http: httpx2.AsyncClient, question: dict[str, Any]) -> None:
    response = await http.post(
        "/v1/messages",
        json={**question, "context_management": {"edits": []}},
        headers={"anthropic-beta": "context-management-2025-06-27"},
    )
    assert response.status_code == 200


async def test_counting_has_the_same_rules_but_no_max_tokens(
    http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    prompt = {name: value for name, value in question.items() if name != "max_tokens"}
    bodies = [
        prompt,
        question,
        {**prompt, "messages": [user(text(""))]},
        {**prompt, "messages": [USER, assistant(tool_use("a")), USER]},
        {**prompt, "model": "claude-0"},
    ]
    statuses = [(await http.post("/v1/messages/count_tokens", json=body)).status_code for body in bodies]
    assert statuses == [200, 400, 400, 400, 404]


async def test_an_unknown_model_is_not_found(client: AsyncAnthropic, question: dict[str, Any]) -> None:
    with pytest.raises(anthropic.NotFoundError) as raised:
        await client.messages.create(**{**question, "model": "claude-0"})
    assert raised.value.type == "not_found_error"


def test_a_key_that_is_declared_bad_is_refused(question: dict[str, Any]) -> None:
    with running(bad_keys=["revoked"]) as simulator:
        with Anthropic(base_url=simulator.url, api_key="revoked", max_retries=0) as client:
            with pytest.raises(anthropic.AuthenticationError) as raised:
                client.messages.create(**question)
            assert raised.value.type == "authentication_error"
        with Anthropic(base_url=simulator.url, api_key="good") as client:
            assert client.messages.create(**question).stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer any"}, 200),
        ({"x-api-key": "any"}, 200),
        ({"x-api-key": "any", "authorization": "Bearer bad"}, 200),
        ({"x-api-key": "bad"}, 401),
        ({"authorization": "Bearer bad"}, 401),
        ({"authorization": "Basic any"}, 401),
        ({"authorization": "Bearer"}, 401),
        ({}, 401),
        ({"x-api-key": "any", "anthropic-version": ""}, 400),
    ],
)
async def test_credentials_come_in_either_header(
    simulator: Simulator, headers: dict[str, str], status: int
) -> None:
    async with httpx2.AsyncClient(base_url=simulator.url) as http:
        response = await http.get("/v1/models", headers={"anthropic-version": "2026-10-21", **headers})
    assert response.status_code == status


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[]", b'"text"', b'{"model": "\\ud800"}'])
async def test_a_body_that_is_no_json_object_gets_400(http: httpx2.AsyncClient, body: bytes) -> None:
    response = await http.post("/v1/messages", content=body)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_body_over_32_mb_gets_413(http: httpx2.AsyncClient) -> None:
    response = await http.post("/v1/messages", content=b"x" * (32 * 1024 * 1024 + 1))
    assert (response.status_code, response.json()["error"]["type"]) == (413, "request_too_large")


async def test_other_paths_are_not_found(http: httpx2.AsyncClient) -> None:
    for method, path in [
        ("GET", "/"),
        ("GET", "/v1/messages"),
        ("POST", "/v1/complete"),
        ("DELETE", "/v1/models"),
    ]:
        assert (await http.request(method, path)).status_code == 404
