"""What the simulator remembers of the requests, and how another process tells it what to do."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import Fail, Reply, Simulator, Stall

Ask = Callable[..., Awaitable[Message]]


async def test_every_request_is_remembered_as_it_came(simulator: Simulator, ask: Ask) -> None:
    answer = await ask()
    (seen,) = await simulator.until(lambda seen: seen[0].ended_at is not None)
    assert (seen.number, seen.method, seen.path, seen.status) == (1, "POST", "/v1/messages", 200)
    assert seen.body["messages"] == [{"role": "user", "content": "Hello"}]
    assert seen.headers["anthropic-version"] == "2026-10-21"
    assert not seen.client_left
    assert seen.ended_at is not None
    assert seen.ended_at >= seen.at
    assert seen.usage is not None
    assert seen.usage["output_tokens"] == answer.usage.output_tokens


async def test_credentials_are_never_kept(simulator: Simulator, question: dict[str, Any]) -> None:
    async with AsyncAnthropic(base_url=simulator.url, api_key="sk-secret-1") as client:
        await client.messages.create(**question, extra_headers={"x-api-key": "sk-secret-2"})
    (seen,) = simulator.requests
    assert (seen.headers["authorization"], seen.headers["x-api-key"]) == ("Bearer [hidden]", "[hidden]")
    assert "sk-secret" not in repr(seen)


async def test_a_reader_that_leaves_is_noticed(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(fault=Stall(after=1)))
    async with client.messages.stream(**question) as stream:
        await anext(stream.text_stream)
    (seen,) = await simulator.until(lambda seen: seen[0].ended_at is not None)
    assert (seen.client_left, seen.status) == (True, 200)


async def test_only_the_last_requests_are_kept(question: dict[str, Any]) -> None:
    async with (
        Simulator(keep_requests=2) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any") as client,
    ):
        for _ in range(3):
            await client.messages.create(**question)
        assert [request.number for request in simulator.requests] == [2, 3]


async def test_the_clock_can_be_the_test_s_own(question: dict[str, Any]) -> None:
    async with (
        Simulator(now=lambda: 1_000.0) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any") as client,
    ):
        await client.messages.create(**question)
        assert simulator.requests[0].at == 1_000.0


async def test_waiting_in_vain_ends_with_what_was_seen(simulator: Simulator, ask: Ask) -> None:
    await ask()
    with pytest.raises(TimeoutError, match="/v1/messages"):
        await simulator.until(lambda seen: len(seen) == 2, within=0.01)


async def test_everything_can_be_forgotten(simulator: Simulator, ask: Ask) -> None:
    await ask()
    simulator.script(Fail(status=500))
    simulator.forget()
    assert (simulator.requests, simulator.unused) == ((), ())


async def test_a_script_comes_over_http(simulator: Simulator, http: httpx2.AsyncClient, ask: Ask) -> None:
    script = [
        {"kind": "reply", "text": "Hello", "pace": 0.001, "fault": {"kind": "truncate", "after": 1}},
        {"kind": "fail", "status": 529, "retry_after": 1},
        {"kind": "events", "events": [{"type": "message_stop"}]},
        {"kind": "page", "status": 413},
        {"kind": "drop", "reset": True},
    ]
    response = await http.post("/simulator/script", json=script)
    assert response.json() == {"added": 5, "unused": 5}
    assert [type(outcome).__name__ for outcome in simulator.unused] == [
        "Reply",
        "Fail",
        "Events",
        "Page",
        "Drop",
    ]
    assert (await http.delete("/simulator/script")).json() == {"unused": 0}
    await http.post("/simulator/script", json=[{"kind": "reply", "text": "By wire"}])
    assert getattr((await ask()).content[0], "text", None) == "By wire"


@pytest.mark.parametrize(
    "script",
    [
        [{"kind": "reply", "txet": "Hello"}],
        [{"kind": "reply", "text": "fine"}, {"kind": "shrug"}],
        [{"kind": "fail", "status": 200}],
        {"kind": "reply"},
        "reply",
    ],
)
async def test_of_a_misspelt_script_nothing_is_taken(
    simulator: Simulator, http: httpx2.AsyncClient, script: Any
) -> None:
    response = await http.post("/simulator/script", json=script)
    assert response.status_code == 400
    assert simulator.unused == ()


async def test_requests_are_read_and_forgotten_over_http(http: httpx2.AsyncClient, ask: Ask) -> None:
    await ask()
    (seen,) = (await http.get("/simulator/requests")).json()
    assert (seen["path"], seen["status"], seen["body"]["max_tokens"]) == ("/v1/messages", 200, 1000)
    assert (await http.delete("/simulator/requests")).status_code == 200
    assert (await http.get("/simulator/requests")).json() == []


async def test_a_stall_is_released_over_http(
    simulator: Simulator, http: httpx2.AsyncClient, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="one two", fault=Stall(after=1)))
    async with client.messages.stream(**question) as stream:
        assert await anext(stream.text_stream) == "one"
        assert (await http.post("/simulator/release")).json() == {"released": True}
        assert await stream.get_final_text() == "one two"


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example:8801"}])
async def test_a_web_page_cannot_script_it(http: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    for method, path in [("POST", "/simulator/script"), ("GET", "/simulator/requests")]:
        response = await http.request(method, path, json=[], headers=headers)
        assert response.status_code == 403


async def test_there_is_nothing_else_to_control(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/simulator/secrets")).status_code == 404


async def test_a_port_that_is_taken_says_so(simulator: Simulator) -> None:
    port = int(simulator.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await Simulator(port=port).start()
