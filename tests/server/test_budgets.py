"""What a budget does not cover, as the HTTP API says it; and what it leaves behind: nothing."""

from typing import Any

from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from tests.server.client import Client
from tests.server.conftest import Serve
from tests.server.v1.api import Api

LITTLE: dict[str, Any] = {"budget_usd": "0.0000001", "budget_period": "day"}
FACTS = {"budget", "left_usd", "resets_at"}
DEAR = Reply(text="Dear.", usage={"output_tokens": 200_000})
"""So dear that it leaves less than nothing of a dollar."""


def poor(serve: Serve, store_url: str) -> Client:
    return serve(store=store_url, **LITTLE)


def test_a_message_that_is_too_dear_is_402_and_no_part_of_the_history(
    serve: Serve, store_url: str, simulator: Simulator
) -> None:
    answer = poor(serve, store_url).chat("Hello.")
    assert (answer.status, answer.problem) == (402, "over-budget")
    told = answer.json
    assert set(told) >= {*FACTS, "turn_id"}
    assert (told["budget"], told["left_usd"]) == ("installation/day", "0.0000001")
    assert told["resets_at"].endswith("T00:00:00Z")
    assert "Nothing was sent to Claude." in told["detail"]
    assert not [request for request in simulator.requests if request.path == "/v1/messages"]
    simulator.script(Reply(text="Hello again."))
    rich = serve(store="memory://" if store_url == "memory://" else store_url)
    assert rich.chat("Hello.").json["response"] == "Hello again."
    assert len(simulator.requests[-1].body["messages"]) == 1


def test_a_stream_says_so_in_its_last_frame(serve: Serve, store_url: str, simulator: Simulator) -> None:
    answer = poor(serve, store_url).stream("Hello.")
    assert answer.status == 200
    (frame,) = [frame for frame in answer.frames if not isinstance(frame, str)]
    error = frame["error"]
    assert error["type"] == "/problems/over-budget"
    assert error["budget"] == "installation/day"
    assert set(error) == {"type", "title", "detail", "retryable", "turn_id", *FACTS}


def test_where_nothing_is_left_nothing_is_accepted(
    serve: Serve, store_url: str, simulator: Simulator
) -> None:
    client = serve(store=store_url, budget_usd="1")
    simulator.script(DEAR)
    assert client.chat("Hello.", key="k").json["response"] == "Dear."
    conversation = Api(client).conversation()
    refused = [client.chat("More."), client.stream("More."), Api(client).send(conversation, "More.")]
    for answer in refused:
        assert (answer.status, answer.problem) == (402, "over-budget")
        assert (answer.json["budget"], answer.json["left_usd"]) == ("installation/total", "0")
        assert "turn_id" not in answer.json
    assert client.chat("Hello.", key="k").json["response"] == "Dear."
    assert Api(client).shown(conversation) == []
    assert len(simulator.requests) == 1


def test_a_turn_of_the_full_api_says_so_at_its_end(serve: Serve, store_url: str) -> None:
    api = Api(poor(serve, store_url))
    conversation = api.conversation()
    end = api.asked(conversation)[-1]
    assert end.data["status"] == "over_budget"
    assert set(end.data["error"]["facts"]) == FACTS
    assert api.shown(conversation) == []


def test_a_model_without_a_price_is_refused_before_anything_is_sent(
    serve: Serve, store_url: str, simulator: Simulator
) -> None:
    api = Api(serve(store=store_url))
    answer = api.client.post("/v1/conversations", {"model": "claude-nine"})
    assert (answer.status, answer.problem) == (422, "invalid-request")
    conversation = api.conversation()
    changed = api.client.request(
        "PATCH",
        f"/v1/conversations/{conversation}",
        b'{"model": "claude-nine"}',
        {"Content-Type": "application/json"},
    )
    assert changed.status == 422
    assert simulator.requests == ()
