"""What may be asked of an answer, turn by turn."""

import json
from typing import Any

import pytest

from antiphon.simulator import Reply, Simulator
from tests.server.v1.api import Api

SCHEMA = {
    "type": "object",
    "properties": {"river": {"type": "string"}, "length": {"enum": [None, 1, 2]}},
    "required": ["river"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


def asked(simulator: Simulator) -> Any:
    body = simulator.requests[-1].body
    names = ("max_tokens", "stop_sequences", "thinking", "output_config")
    return {name: body[name] for name in names if name in body}


def test_options_hold_for_their_turn_alone(api: Api, simulator: Simulator) -> None:
    conversation = api.conversation()
    options = {"max_tokens": 500, "effort": "low", "thinking": "shown", "stop_sequences": ["END"]}
    api.asked(conversation, options=options)
    assert asked(simulator) == {
        "max_tokens": 500,
        "stop_sequences": ["END"],
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "low"},
    }
    api.asked(conversation)
    assert asked(simulator) == {"max_tokens": 8192, "output_config": {"effort": "high"}}


def test_a_turn_changes_of_its_conversations_options_what_it_names(api: Api, simulator: Simulator) -> None:
    conversation = api.conversation(options={"effort": "low", "thinking": {"type": "between_tools"}})
    api.asked(conversation, options={"output_config": {"format": FORMAT}})
    assert asked(simulator) == {
        "max_tokens": 8192,
        "thinking": {"type": "between_tools"},
        "output_config": {"effort": "low", "format": FORMAT},
    }


def test_a_form_goes_to_claude_as_it_is_given(api: Api, simulator: Simulator) -> None:
    conversation = api.conversation()
    api.asked(conversation, options={"output_config": {"format": FORMAT}})
    assert json.dumps(asked(simulator)["output_config"]["format"]) == json.dumps(FORMAT)
    assert json.loads(api.shown(conversation)[-1]).keys() == {"river"}


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("claude-opus-4-6", {"output_config": {"effort": "high"}}),
        ("claude-opus-4-5", {"output_config": {"effort": "high"}, "thinking": {"type": "disabled"}}),
        ("claude-haiku-4-5", {"thinking": {"type": "disabled"}}),
        ("claude-opus-5-5", {"output_config": {"effort": "xhigh"}}),
    ],
)
def test_a_model_gets_the_nearest_that_it_takes(
    api: Api, simulator: Simulator, model: str, sent: dict[str, Any]
) -> None:
    thinking = "off" if "thinking" in sent or model == "claude-opus-5-5" else None
    options = {"effort": "xhigh", **({"thinking": thinking} if thinking else {})}
    api.asked(api.conversation(model=model), options=options)
    assert {name: value for name, value in asked(simulator).items() if name != "max_tokens"} == sent


def test_what_is_thought_is_in_the_log(api: Api, simulator: Simulator) -> None:
    simulator.script(Reply(thinking="It rains there.", text="The Amazon."))
    told = api.asked(api.conversation(), "A river?", options={"thinking": "shown"})
    blocks = [event.data["block"] for event in told if event.type == "block_end"]
    assert [block.get("thinking") or block.get("text") for block in blocks] == [
        "It rains there.",
        "The Amazon.",
    ]


@pytest.mark.parametrize(
    ("options", "place", "words"),
    [
        ({"effort": "huge"}, "effort", "'low', 'medium', 'high', 'xhigh' or 'max'"),
        ({"output_config": {"effort": 3}}, "output_config/effort", "'low'"),
        ({"effort": "low", "output_config": {"effort": "high"}}, "", "two efforts"),
        ({"thinking": "loud"}, "thinking", "off, on or shown"),
        ({"thinking": {"type": "sideways"}}, "thinking/type", "'adaptive'"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "thinking/budget_tokens", "1024"),
        ({"thinking": {"type": "adaptive", "display": "all"}}, "thinking/display", "'summarized'"),
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"stop_sequences": ["\n"]}, "stop_sequences/0", "empty"),
        ({"stop_sequences": "END"}, "stop_sequences", "list"),
        ({"output_config": {"format": {"type": "json"}}}, "output_config/format/type", "'json_schema'"),
        ({"temperature": 0.2}, "temperature", "Claude's API has removed it"),
        ({"top_p": 0.9}, "top_p", "Claude's API has removed it"),
        ({"logprobs": 1}, "logprobs", "not known"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_stored(
    api: Api, conversation: str, options: Any, place: str, words: str
) -> None:
    answer = api.send(conversation, options=options)
    assert (answer.status, answer.problem) == (422, "invalid-request")
    (fault, *_) = answer.json["errors"]
    assert fault["pointer"] == "/".join(filter(None, ["#/options", place]))
    assert words in fault["detail"]
    assert api.snapshot(conversation)["as_of_seq"] == 1
    made = api.client.post("/v1/conversations", {"options": options})
    assert (made.status, made.problem) == (422, "invalid-request")
