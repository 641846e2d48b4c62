"""News of other conversations and of budgets: without a number, on every stream of the one they concern."""

from typing import Any

from antiphon.simulator import Reply, Simulator
from tests.server.conftest import Serve
from tests.server.v1.api import Api, Event, Events


def notice(events: Events, **about: Any) -> Event:
    """The next that says so; what else comes is passed over."""
    for event in events:
        if event.type == "notice" and about.items() <= event.data.items():
            assert event.seq is None
            return event
    raise AssertionError("the stream ended before that")


def test_other_conversations_are_told_on_the_stream_of_one(kept_api: Api) -> None:
    mine = kept_api.conversation()
    with kept_api.events(mine) as events:
        assert next(events).seq == 1
        other = kept_api.conversation(title="Rivers")
        made = notice(events, id=other).data
        assert made == {
            "type": "conversation",
            "id": other,
            "title": "Rivers",
            "updated_at": kept_api.snapshot(other)["updated_at"],
            "running": None,
        }
        kept_api.client.request(
            "PATCH", f"/v1/conversations/{other}", b'{"title": "Lakes"}', {"Content-Type": "application/json"}
        )
        assert notice(events, id=other, title="Lakes").data["updated_at"] >= made["updated_at"]
        kept_api.client.request("DELETE", f"/v1/conversations/{other}")
        assert notice(events, id=other, deleted=True).data == {
            "type": "conversation",
            "id": other,
            "deleted": True,
        }


def test_a_turn_elsewhere_is_told_as_it_runs_and_when_it_has_ended(api: Api, simulator: Simulator) -> None:
    simulator.script(Reply(text="one two", pace=60.0))
    mine, other = api.conversation(), api.conversation()
    with api.events(mine) as events:
        turn_id = api.sent(other, "Name a river.")
        assert notice(events, id=other, running=turn_id).data["title"] == "Name a river."
        api.cancel(turn_id)
        assert notice(events, id=other, running=None).data["title"] == "Name a river."


def test_what_is_left_of_a_budget_is_told(serve: Serve, simulator: Simulator) -> None:
    simulator.script(Reply(text="Hello."))
    api = Api(serve(budget=[{"scope": "principal", "usd": "1", "period": "day"}]))
    mine, other = api.conversation(), api.conversation()
    with api.events(mine) as events:
        api.asked(other)
        told = notice(events, type="budget")
        while told.data != (now := {"type": "budget", **api.client.get("/v1/usage").json["budgets"][0]}):
            told = notice(events, type="budget")
        assert now["budget"] == "principal/day"
        assert now["usd"] == "1"
        assert now["left_usd"] < "1"
        assert now["resets_at"].endswith("T00:00:00Z")


def test_a_conversation_is_not_told_of_itself_nor_a_turn_of_others(api: Api, simulator: Simulator) -> None:
    simulator.script(Reply(text="one two three", pace=0.02), Reply(text="done"))
    mine = api.conversation()
    with api.events(mine) as events:
        answer = api.post_turn(mine, {"content": "Hello."}, Accept="text/event-stream")
        assert b"event: notice" not in answer.body
        api.asked(api.conversation())
        told = notice(events)
        assert told.data["id"] != mine
