"""What the API refuses, rule by rule, and what it does not."""

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
EPHEMERAL = {"cache_control": {"type": "ephemeral"}}


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
