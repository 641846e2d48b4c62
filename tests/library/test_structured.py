"""`ask`: answers in a form, checked."""

import json
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from antiphon import AnswerUnusable, AsyncChat, Chat, InvalidRequest, OverBudget, UpstreamFailed
from antiphon.simulator.presets import refusal
from antiphon.simulator.script import Fail, Reply
from antiphon.simulator.server import Simulator, running


class Person(BaseModel):
    """Somebody who is named in a text."""

    name: str = Field(min_length=2)
    born: date | None = None


class Meeting(BaseModel):
    topic: Literal["budget", "plans"]
    people: list[Person] = Field(description="Everybody who is there.")
    minutes: int = Field(ge=5)


MEETING = {"topic": "plans", "people": [{"name": "Zoe", "born": "1999-12-31"}], "minutes": 30}
TOO_SHORT = json.dumps({**MEETING, "minutes": 1})


def said(value: object) -> Reply:
    return Reply(text=value if isinstance(value, str) else json.dumps(value))


def format_of(body: Any) -> Any:
    return body["output_config"].get("format")


def texts(body: Any) -> list[str]:
    return [block["text"] for message in body["messages"] for block in message["content"]]


def test_an_answer_comes_as_the_model_that_was_asked_for(simulator: Simulator) -> None:
    simulator.script(said(MEETING))
    with Chat() as chat:
        meeting = chat.ask("Who meets?", Meeting)
        assert meeting == Meeting(
            topic="plans", people=[Person(name="Zoe", born=date(1999, 12, 31))], minutes=30
        )
        assert [message["role"] for message in chat.history()] == ["user", "assistant"]
    (request,) = simulator.requests
    assert texts(request.body) == ["Who meets?"]


async def test_async_chats_can_be_asked_too(simulator: Simulator) -> None:
    simulator.script(said(MEETING))
    async with AsyncChat() as chat:
        assert (await chat.ask("Who meets?", schema=Meeting)).minutes == 30


def test_claude_is_held_to_the_schema_as_far_as_it_can_be(simulator: Simulator) -> None:
    simulator.script(said(MEETING))
    with Chat() as chat:
        chat.ask("Who meets?", Meeting, effort="low")
    config = simulator.requests[-1].body["output_config"]
    assert config["effort"] == "low"
    schema = config["format"]["schema"]
    assert list(schema["properties"]) == ["topic", "people", "minutes"]
    assert schema["required"] == ["topic", "people", "minutes"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["minutes"] == {"description": "(minimum: 5)", "type": "integer"}
    assert schema["$defs"]["Person"]["additionalProperties"] is False
    assert schema["$defs"]["Person"]["required"] == ["name"]


def test_an_answer_that_does_not_fit_is_repaired_once(simulator: Simulator) -> None:
    simulator.script(said(TOO_SHORT), said(MEETING))
    with Chat() as chat:
        assert chat.ask("Who meets?", Meeting).minutes == 30
        assert chat.stats().cost_usd == simulator.bill.dollars
        assert chat.stats().turns == 2
        chat.send("Thanks.")
    first, second, third = (request.body for request in simulator.requests)
    assert "minutes: Input should be greater than or equal to 5" in texts(second)[-1]
    assert format_of(first) == format_of(second)
    assert "format" not in third["output_config"]
    assert len(third["messages"]) == 5


@pytest.mark.parametrize("answer", ["Zoe and Max.", '{"topic": "plans"', TOO_SHORT, "[]"])
def test_an_answer_that_cannot_be_repaired_is_an_error_and_no_part_of_the_history(
    simulator: Simulator, answer: str
) -> None:
    simulator.script(Reply(text="Hello."), said(answer), said(answer), Reply(text="Yes."))
    with Chat() as chat:
        chat.send("Hello?")
        before = chat.history()
        with pytest.raises(AnswerUnusable, match="does not fit the schema") as error:
            chat.ask("Who meets?", Meeting)
        assert (error.value.text, error.value.stop_reason) == (answer, "end_turn")
        assert chat.history() == before
        assert chat.send("Go on?").text == "Yes."
        assert chat.stats().cost_usd == simulator.bill.dollars
    assert len(simulator.requests) == 4
    assert texts(simulator.requests[-1].body) == ["Hello?", "Hello.", "Go on?"]


def test_a_refusal_is_told_apart_and_not_repaired(simulator: Simulator) -> None:
    simulator.script(refusal(explanation="No."))
    with Chat() as chat:
        with pytest.raises(AnswerUnusable, match=r"^No\.$") as error:
            chat.ask("Something.", Meeting)
        assert (error.value.text, error.value.stop_reason) == ("", "refusal")
        assert chat.history() == []
    assert len(simulator.requests) == 1


def test_an_answer_that_is_cut_short_is_told_apart_and_not_repaired(simulator: Simulator) -> None:
    simulator.script(said(MEETING))
    with Chat() as chat:
        with pytest.raises(AnswerUnusable, match="Allow more with max_tokens") as error:
            chat.ask("Who meets?", Meeting, max_tokens=3)
        assert json.dumps(MEETING).startswith(error.value.text)
        assert (bool(error.value.text), error.value.stop_reason) == (True, "max_tokens")
        assert chat.history() == []
    assert len(simulator.requests) == 1


def test_a_repair_that_fails_leaves_the_history_as_it_was(simulator: Simulator) -> None:
    simulator.script(said(TOO_SHORT), *[Fail(status=500, should_retry=False)] * 10)
    with Chat() as chat:
        with pytest.raises(UpstreamFailed):
            chat.ask("Who meets?", Meeting)
        assert chat.history() == []


def test_a_repair_that_a_budget_does_not_cover_leaves_the_history_as_it_was(simulator: Simulator) -> None:
    dear = Reply(text=TOO_SHORT, usage={"input_tokens": 100, "output_tokens": 790})
    simulator.script(dear)
    with Chat(budget="0.0085", max_tokens=800) as chat:
        with pytest.raises(OverBudget):
            chat.ask("Who meets?", Meeting)
        assert chat.history() == []
        assert chat.stats().cost_usd == simulator.bill.dollars


def test_questions_of_one_form_share_the_cache(simulator: Simulator) -> None:
    simulator.script(said(MEETING), said(MEETING))
    with Chat(system="Be kind. " * 1000) as chat:
        chat.ask("Who meets?", Meeting)
        chat.ask("And who else?", Meeting)
        assert chat.stats().usage.cache_read_tokens > 2000
    first, second = (format_of(request.body) for request in simulator.requests)
    assert json.dumps(first) == json.dumps(second)


def test_words_around_the_json_do_no_harm(simulator: Simulator) -> None:
    fenced = f"```json\n{json.dumps(MEETING, indent=2)}\n```"
    simulator.script(Reply(text=f"Here it is:\n{fenced}\nAnything else?"))
    with Chat() as chat:
        assert chat.ask("Who meets?", Meeting).people[0].name == "Zoe"


def test_a_json_schema_is_answered_with_plain_values(simulator: Simulator) -> None:
    schema = {
        "type": "object",
        "properties": {"colours": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
        "required": ["colours"],
    }
    simulator.script(said({"colours": ["red"]}), said({"colours": ["red", "blue"]}))
    with Chat() as chat:
        assert chat.ask("Which?", schema) == {"colours": ["red", "blue"]}
    held_to = format_of(simulator.requests[0].body)["schema"]
    assert held_to["additionalProperties"] is False
    assert held_to["properties"]["colours"]["description"] == "(minItems: 2)"
    assert "colours: [" in texts(simulator.requests[1].body)[-1]


class Prices(BaseModel):
    """Open names are beyond what structured outputs can be held to."""

    by_fruit: dict[str, float]


def test_a_form_that_claude_cannot_be_held_to_is_asked_for_in_words(simulator: Simulator) -> None:
    simulator.script(said({"by_fruit": {"apple": "dear"}}), said({"by_fruit": {"apple": 1.5}}))
    with Chat() as chat:
        assert chat.ask("What do they cost?", Prices) == Prices(by_fruit={"apple": 1.5})
    first, second = (request.body for request in simulator.requests)
    assert format_of(first) is None
    assert '"additionalProperties":{"type":"number"}' in texts(first)[1]
    assert "by_fruit.apple" in texts(second)[-1]


def test_a_model_that_knows_no_structured_outputs_is_asked_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "antiphon.toml").write_text('[model."mine"]\nfree = true\n')
    with (
        running(extra_models=["mine"]) as simulator,
        Chat(model="mine", base_url=simulator.url, api_key="key-of-a-test") as chat,
    ):
        simulator.script(said(MEETING), Reply(text="Bye."))
        assert chat.ask("Who meets?", Meeting).topic == "plans"
        assert chat.history()[0]["content"] == [{"type": "text", "text": "Who meets?"}]
        chat.send("Thanks.")
    first, second = (request.body for request in simulator.requests)
    assert "output_config" not in first
    assert '"Everybody who is there."' in texts(first)[1]
    assert texts(second)[::2] == ["Who meets?", "Thanks."]


class Plain:
    """Nothing that could be read from JSON."""


NO_SCHEMAS = [Plain, lambda: 1, "Meeting", {"type": "nonsense"}, {"$ref": "http://127.0.0.1:9/x"}]


@pytest.mark.parametrize("schema", NO_SCHEMAS, ids=["class", "function", "name", "type", "elsewhere"])
def test_what_is_no_schema_is_refused_before_anything_is_sent(simulator: Simulator, schema: Any) -> None:
    with Chat() as chat:
        with pytest.raises(InvalidRequest, match=r"schema .* used.*Nothing was sent\."):
            chat.ask("Who meets?", schema)
        assert chat.history() == []
    assert not simulator.requests


def test_an_empty_question_is_refused(simulator: Simulator) -> None:
    with Chat() as chat, pytest.raises(InvalidRequest, match="empty"):
        chat.ask("  ", Prices)
    assert not simulator.requests
