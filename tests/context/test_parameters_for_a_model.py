"""What a conversation asks of one model is made into what another takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.context.parameters import parameters_for, prewarms
from antiphon.context.plan import Limits, Request, plan_request
from antiphon.money.facts import EFFORTS
from antiphon.money.table import load_facts
from tests.context.histories import asks, header

TABLE = load_facts()
KINDS = ("adaptive", "between_tools", "enabled", "disabled")


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("claude-opus-5-5", {"type": "disabled"}, None),
        ("claude-sonnet-5-5", {"type": "disabled"}, {"type": "between_tools"}),
        ("claude-haiku-5-5", {"type": "between_tools"}, {"type": "disabled"}),
        ("claude-haiku-4-5", {"type": "adaptive"}, None),
        (
            "claude-sonnet-5-5",
            {"type": "enabled", "budget_tokens": 2000, "display": "summarized"},
            {"type": "adaptive", "display": "summarized"},
        ),
        (
            "claude-haiku-4-5",
            {"type": "enabled", "budget_tokens": 9000},
            {"type": "enabled", "budget_tokens": 7999},
        ),
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 5}, None),
    ],
)
def test_thinking_becomes_the_nearest_that_the_model_takes(
    model: str, asked: dict[str, Any], sent: dict[str, Any] | None
) -> None:
    assert parameters_for(TABLE.get(model), {"thinking": asked}, 8000).get("thinking") == sent


def test_thinking_off_at_the_highest_effort_is_not_sent_where_it_is_refused() -> None:
    options = {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}
    assert parameters_for(TABLE.get("claude-haiku-5-5"), options) == {"output_config": {"effort": "max"}}


def test_effort_is_always_said_since_defaults_differ() -> None:
    assert parameters_for(TABLE.get("claude-opus-5-5"), {}) == {"output_config": {"effort": "medium"}}
    assert parameters_for(TABLE.get("claude-sonnet-5-5"), {}) == {"output_config": {"effort": "high"}}


def test_an_effort_that_the_model_lacks_becomes_the_next_lower_one() -> None:
    asked = {"output_config": {"effort": "xhigh", "format": {"type": "json_schema", "schema": {}}}}
    assert parameters_for(TABLE.get("claude-opus-4-6"), asked)["output_config"]["effort"] == "high"
    without = parameters_for(TABLE.get("claude-haiku-4-5"), asked)["output_config"]
    assert without == {"format": {"type": "json_schema", "schema": {}}}


def test_a_forced_tool_is_a_free_choice_where_force_is_refused() -> None:
    forced = {"tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}}
    free = {"type": "auto", "disable_parallel_tool_use": True}
    assert parameters_for(TABLE.get("claude-sonnet-5-5"), forced)["tool_choice"] == free
    assert parameters_for(TABLE.get("claude-sonnet-5"), forced)["tool_choice"] == forced["tool_choice"]
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    assert parameters_for(TABLE.get("claude-haiku-4-5"), forced | thinking)["tool_choice"] == free


def test_speed_and_place_are_asked_for_only_where_they_are_on_offer() -> None:
    asked = {"speed": "fast", "inference_geo": "us", "stop_sequences": ["END"]}
    assert parameters_for(TABLE.get("claude-opus-5-5"), asked).keys() >= asked.keys()
    assert parameters_for(TABLE.get("claude-haiku-4-5"), asked) == {"stop_sequences": ["END"]}


def test_an_answer_is_never_asked_to_be_longer_than_the_model_can() -> None:
    facts = TABLE.get("claude-haiku-4-5")
    request = Request(model=facts.name, facts=facts, limits=Limits(max_tokens=100_000))
    assert plan_request(header(), [asks()], request).max_tokens == facts.max_out


@given(
    st.sampled_from(TABLE.names()),
    st.sampled_from(KINDS),
    st.none() | st.sampled_from(EFFORTS),
    st.integers(0, 20_000),
)
def test_whatever_is_asked_the_model_takes_what_is_sent(
    model: str, kind: str, effort: str | None, budget: int
) -> None:
    facts = TABLE.get(model)
    config = {"output_config": {"effort": effort}} if effort else {}
    asked = {"thinking": {"type": kind, "budget_tokens": budget}, "tool_choice": {"type": "any"}, **config}
    sent = parameters_for(facts, asked, 8000)
    level = (sent.get("output_config") or {}).get("effort")
    assert level is None or level in facts.efforts
    thinking = sent.get("thinking", {"type": facts.thinking_default})
    assert facts.accepts_thinking(thinking["type"], level)
    assert sent["tool_choice"]["type"] == "auto" or facts.forced_tool_choice
    assert 1024 <= thinking.get("budget_tokens", 1024) < 8000
    assert parameters_for(facts, sent, 8000) == sent


def test_a_ping_is_sent_only_where_the_api_takes_it() -> None:
    haiku, sonnet = TABLE.get("claude-haiku-4-5"), TABLE.get("claude-sonnet-5-5")
    assert prewarms(sonnet, {})
    assert prewarms(haiku, {})
    assert not prewarms(haiku, {"thinking": {"type": "enabled", "budget_tokens": 2000}})
    assert not prewarms(sonnet, {"output_config": {"format": {"type": "json_schema"}}})
    assert not prewarms(TABLE.with_added({"mine": {"free": True}}).get("mine"), {})
