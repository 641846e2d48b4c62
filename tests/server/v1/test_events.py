"""Following: the shape of the stream, its cursors, and how it ends."""

import pytest

from antiphon.settings import Settings
from antiphon.simulator import Reply, Simulator
from antiphon.turns import engine
from tests.server.client import Client
from tests.server.conftest import Serve
from tests.server.serving import serving
from tests.server.v1.api import Api, until_end_of, until_writing

NOBODY = "01900000-0000-7000-8000-000000000000"


def test_no_proxy_may_keep_or_change_it(api: Api, conversation: str) -> None:
    with api.client.open("GET", f"/v1/conversations/{conversation}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.readline() == b"id: 1\n"
        assert response.readline() == b"event: conversation_create\n"
        assert response.readline().startswith(b'data: {"')
        assert response.readline() == b"\n"


def test_the_browsers_cursor_wins(api: Api, conversation: str) -> None:
    api.asked(conversation)
    with api.events(conversation, 1, last_event_id=3) as events:
        assert next(events).seq == 4


@pytest.mark.parametrize("cursor", ["-1", "1.0", "+1", "1e3", "%201", "x", "", "1_0"])
def test_a_cursor_is_a_whole_number(api: Api, conversation: str, cursor: str) -> None:
    answer = api.client.get(f"/v1/conversations/{conversation}/events?after={cursor}")
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert answer.json["errors"][0]["parameter"] == "after"


@pytest.mark.parametrize("cursor", ["-1", "x", "", "1.5"])
def test_so_is_the_browsers(api: Api, conversation: str, cursor: str) -> None:
    answer = api.client.get(f"/v1/conversations/{conversation}/events", **{"Last-Event-ID": cursor})
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert answer.json["errors"][0]["header"] == "Last-Event-ID"


@pytest.mark.parametrize("cursor", ["2", "9" * 15, "9" * 60])
def test_beyond_the_last_event_there_is_one_reset(api: Api, conversation: str, cursor: str) -> None:
    for answer in (
        api.client.get(f"/v1/conversations/{conversation}/events?after={cursor}"),
        api.client.get(f"/v1/conversations/{conversation}/events", **{"Last-Event-ID": cursor}),
    ):
        assert (answer.status, answer.body) == (200, b"event: reset\ndata: {}\n\n")


@pytest.mark.parametrize("unknown", [NOBODY, "no-uuid"])
def test_an_unknown_conversation_is_told_before_the_stream(api: Api, unknown: str) -> None:
    answer = api.client.get(f"/v1/conversations/{unknown}/events")
    assert (answer.status, answer.problem) == (404, "not-found")


def test_there_are_signs_of_life(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "TICK_S", 0.05)
    api = Api(serve())
    with api.events(api.conversation(), 1) as events:
        assert [next(events).data for _ in range(2)] == ["ping", "ping"]


def test_whoever_waits_behind_a_turn_hears_signs_of_life_only(
    api: Api, conversation: str, simulator: Simulator
) -> None:
    simulator.script(Reply(text="word " * 50, pace=0.01), Reply(text="Second."))
    api.sent(conversation, "First.")
    answer = api.post_turn(conversation, {"content": "Second."}, Accept="text/event-stream")
    assert answer.body.count(b": ping") <= 3
    assert b'"word' not in answer.body


def test_it_ends_when_the_conversation_is_deleted(kept_api: Api, simulator: Simulator) -> None:
    simulator.script(Reply(text="one two", pace=60.0))
    conversation = kept_api.conversation()
    turn_id = kept_api.sent(conversation)
    with kept_api.events(conversation) as all_events, kept_api.events(conversation) as events:
        until_writing(events)
        assert kept_api.client.request("DELETE", f"/v1/conversations/{conversation}").status == 204
        assert [event for event in events if event.type == "turn_end"] == []
        assert all(event.turn_id != turn_id or event.type != "turn_end" for event in all_events)


def test_a_turns_stream_ends_when_the_conversation_is_deleted(
    api: Api, conversation: str, simulator: Simulator
) -> None:
    simulator.script(Reply(text="one two", pace=60.0))
    headers = {"Idempotency-Key": "k", "Accept": "text/event-stream", "Content-Type": "application/json"}
    path = f"/v1/conversations/{conversation}"
    with api.client.open("POST", f"{path}/turns", b'{"content": "Hello."}', headers) as response:
        response.readline()
        assert api.client.request("DELETE", path).status == 204
        assert b"event: turn_end\n" not in response.readlines()


def test_it_ends_when_the_server_stops(simulator: Simulator) -> None:
    with serving(Settings(store="memory://")) as served:
        api = Api(Client(served.url))
        conversation = api.conversation()
        with api.events(conversation) as events:
            assert next(events).seq == 1
            served.stop()
            assert [(event.type, event.data) for event in events] == [(":", "closing")]


def test_no_event_is_lost_over_a_restart(serve: Serve, simulator: Simulator, tmp_path: object) -> None:
    store = f"sqlite:///{tmp_path}/antiphon.db"
    with serving(Settings(store=store)) as served:
        api = Api(Client(served.url))
        conversation = api.conversation()
        whole = api.asked(conversation)
    with Api(serve(store=store)).events(conversation, 3) as events:
        assert until_end_of(whole[-1].turn_id, events) == whole[3:]
