"""`POST /v1/approvals/{id}`: a person says whether a tool may run, and everybody who follows sees it."""

from pathlib import Path
from typing import Any

import pytest

from antiphon.simulator.presets import tool_call
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from tests.server.conftest import Serve
from tests.server.v1.api import Api, Event, until_end_of

TILL = '''
from antiphon import tool


@tool
def pay(usd: int) -> str:
    """Pays."""
    return f"paid {usd}"
'''

SETTINGS = """
[tools]
functions = ["till:pay"]
approve = ["pay"]
"""


@pytest.fixture
def api(home: Path, serve: Serve) -> Api:
    """A server whose settings file names a tool that asks first."""
    (home / "till.py").write_text(TILL)
    (home / "antiphon.toml").write_text(SETTINGS)
    return Api(serve())


def request_in(api: Api, conversation: str) -> Event:
    with api.events(conversation) as events:
        return next(event for event in events if event.type == "approval_request")


def decide(api: Api, approval_id: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = api.client.post(f"/v1/approvals/{approval_id}", body)
    return answer.status, answer.json


def asked(api: Api, simulator: Simulator) -> tuple[str, str, str]:
    """Of a turn that waits: conversation, turn, approval."""
    simulator.script(tool_call("pay", {"usd": 3}), Reply(text="Done."))
    conversation = api.conversation()
    turn_id = api.sent(conversation)
    return conversation, turn_id, request_in(api, conversation).data["approval_id"]


def results(simulator: Simulator) -> list[dict[str, Any]]:
    return list(simulator.requests[-1].body["messages"][-1]["content"])


def test_allowed_by_one_and_seen_by_all(api: Api, simulator: Simulator) -> None:
    conversation, turn_id, approval_id = asked(api, simulator)
    snapshot = api.snapshot(conversation)
    assert (snapshot["running"], snapshot["state"]["turns"][turn_id]["status"]) == (turn_id, "waiting")
    with api.events(conversation, snapshot["as_of_seq"]) as events:
        said = {"approval_id": approval_id, "decision": "allow"}
        assert decide(api, approval_id, decision="allow", reason="It is due.") == (200, said)
        told = until_end_of(turn_id, events)
    assert [event.type for event in told][:3] == ["approval_resolve", "tool_start", "tool_end"]
    assert (told[0].data["decision"], told[0].data["reason"]) == ("allow", "It is due.")
    assert api.shown(conversation)[-1] == "Done."
    assert results(simulator)[0]["content"][0]["text"] == "paid 3"
    assert decide(api, approval_id, decision="allow") == (200, said)
    status, problem = decide(api, approval_id, decision="deny")
    assert (status, problem["type"]) == (409, "/problems/conflict")


def test_edited_and_denied(api: Api, simulator: Simulator) -> None:
    conversation, turn_id, approval_id = asked(api, simulator)
    assert decide(api, approval_id, decision="edit", input={"usd": 2})[0] == 200
    with api.events(conversation) as events:
        until_end_of(turn_id, events)
    assert 'ran with: {"usd":2}' in str(results(simulator)[0])
    conversation, turn_id, approval_id = asked(api, simulator)
    assert decide(api, approval_id, decision="deny", reason="Too dear.")[0] == 200
    with api.events(conversation) as events:
        until_end_of(turn_id, events)
    assert "Too dear." in str(results(simulator)[0])
    assert results(simulator)[0]["is_error"]


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "maybe"},
        {"decision": "expire"},
        {"decision": "edit"},
        {"decision": "edit", "input": [1]},
        {"decision": "allow", "input": {"usd": 2}},
        {"decision": "deny", "reason": "x" * 10_001},
        {},
    ],
)
def test_what_is_no_decision_changes_nothing(api: Api, simulator: Simulator, body: dict[str, Any]) -> None:
    conversation, _, approval_id = asked(api, simulator)
    before = api.snapshot(conversation)["as_of_seq"]
    status, problem = decide(api, approval_id, **body)
    assert (status, problem["type"], bool(problem["errors"])) == (422, "/problems/invalid-request", True)
    assert api.snapshot(conversation)["as_of_seq"] == before


def test_an_approval_that_is_not_there(api: Api, simulator: Simulator) -> None:
    _, turn_id, _ = asked(api, simulator)
    for unknown in (turn_id, "nonsense"):
        assert decide(api, unknown, decision="allow")[0] == 404


def test_the_simple_api_goes_on_waiting(api: Api, simulator: Simulator) -> None:
    simulator.script(tool_call("pay", {"usd": 3}, text="Let me pay. "), Reply(text="Done."))
    with api.client.streaming("Pay.") as frames:
        assert next(frames) == {"text": "Let me pay. "}
        (listed,) = api.client.get("/v1/conversations").json["conversations"]
        request = request_in(api, listed["id"])
        assert decide(api, request.data["approval_id"], decision="allow")[0] == 200
        *_, text, done = frames
    assert text == {"text": "Done."}
    assert done["done"]
