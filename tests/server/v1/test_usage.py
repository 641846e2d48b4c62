"""`GET /v1/usage`: what was spent, and what is left."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from antiphon.domain.ids import new_id
from antiphon.simulator.script import HangUp, Reply
from antiphon.simulator.server import Simulator
from tests.server.conftest import Serve
from tests.server.v1.api import Api

TODAY = datetime.now(UTC).date()
USAGE = {"input_tokens": 100, "cache_read_input_tokens": 300, "output_tokens": 10}
COST = "0.00033"
"""Of Sonnet 5.5: input 2 USD, output 10, cache reads 0.10 per million tokens."""


def usage(api: Api, query: str = "") -> Any:
    answer = api.client.get(f"/v1/usage{query}")
    assert answer.status == 200, answer.body
    return answer.json


def test_it_adds_up_by_day_and_model(kept_api: Api, simulator: Simulator) -> None:
    assert usage(kept_api)["rows"] == []
    simulator.script(Reply(usage=USAGE), Reply(usage=USAGE))
    conversation = kept_api.conversation()
    kept_api.asked(conversation)
    kept_api.asked(conversation)
    told = usage(kept_api)
    (row,) = told["rows"]
    assert (told["by"], row["day"], row["model"]) == (
        ["day", "model"],
        TODAY.isoformat(),
        "claude-sonnet-5-5",
    )
    assert (row["requests"], row["cost_usd"], row["saved_usd"]) == (2, "0.00066", "0.00114")
    assert (row["open_usd"], row["unsettled_usd"]) == ("0", "0")
    assert row["usage"]["cache_read_tokens"] == 600
    assert told["total"] == {name: value for name, value in row.items() if name not in ("day", "model")}
    assert told["budgets"] == []


def test_it_can_be_asked_of_a_conversation_and_of_days(kept_api: Api, simulator: Simulator) -> None:
    simulator.script(Reply(usage=USAGE), Reply(usage=USAGE))
    one, other = kept_api.conversation(), kept_api.conversation()
    for conversation in (one, other):
        kept_api.asked(conversation)
    rows = usage(kept_api, "?by=conversation,purpose")["rows"]
    assert sorted(row["conversation"] for row in rows) == sorted([one, other])
    assert {row["purpose"] for row in rows} == {"answer"}
    only = usage(kept_api, f"?by=model&conversation={one}&since={TODAY}&until={TODAY + timedelta(days=1)}")
    assert [(row["requests"], row["cost_usd"]) for row in only["rows"]] == [(1, COST)]
    assert usage(kept_api, f"?until={TODAY - timedelta(days=1)}")["rows"] == []
    assert usage(kept_api, f"?conversation={new_id()}")["rows"] == []
    kept_api.client.request("DELETE", f"/v1/conversations/{one}")
    assert usage(kept_api, f"?conversation={one}")["total"]["cost_usd"] == COST


def test_what_is_held_and_what_never_came_are_told_apart(kept_api: Api, simulator: Simulator) -> None:
    conversation = kept_api.conversation()
    simulator.script(Reply(fault=HangUp(after=2)), Reply(delay=60))
    kept_api.asked(conversation)
    never = usage(kept_api)["total"]
    assert float(never["unsettled_usd"]) > 0
    assert never["open_usd"] == "0"
    kept_api.sent(conversation)
    simulator.wait_until(lambda seen: len(seen) == 2)
    both = usage(kept_api)["total"]
    assert float(both["open_usd"]) > 0
    assert both["cost_usd"] == both["unsettled_usd"]
    simulator.release()


def test_budgets_say_what_is_left_and_when_they_begin_anew(serve: Serve, simulator: Simulator) -> None:
    budgets = (
        {"scope": "principal", "usd": "2", "period": "month"},
        {"scope": "conversation", "usd": "0.5"},
        {"scope": "request", "usd": "0.25"},
    )
    api = Api(serve(budget_usd="1", budget_period="day", budget=budgets))
    simulator.script(Reply(usage=USAGE))
    conversation = api.conversation()
    api.asked(conversation)
    told = {standing["budget"]: standing for standing in usage(api)["budgets"]}
    assert told["installation/day"] == {
        "budget": "installation/day",
        "usd": "1",
        "left_usd": "0.99967",
        "resets_at": f"{TODAY + timedelta(days=1)}T00:00:00Z",
    }
    assert told["principal/month"]["left_usd"] == "1.99967"
    assert told["conversation/total"]["left_usd"] is None
    assert (told["request/total"]["usd"], told["request/total"]["left_usd"]) == ("0.25", None)
    named = {one["budget"]: one for one in usage(api, f"?conversation={conversation}")["budgets"]}
    assert named["conversation/total"]["left_usd"] == "0.49967"


@pytest.mark.parametrize(
    "query",
    ["?by=hour", "?by=", "?by=principal", "?since=yesterday", "?until=2026-13-01", "?conversation=mine"],
)
def test_what_cannot_be_asked_is_refused(api: Api, query: str) -> None:
    answer = api.client.get(f"/v1/usage{query}")
    assert (answer.status, answer.problem) == (422, "invalid-request")
