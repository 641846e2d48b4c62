"""What is asked of one answer: how long, how hard, whether its thinking is seen, where it ends."""

from typing import Any

import pytest

from antiphon import AsyncChat, Chat, InvalidRequest
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator

THOUGHT = Reply(thinking="Six times seven.", text="42, and END of it.")


def asked(simulator: Simulator) -> list[Any]:
    names = ("max_tokens", "stop_sequences", "thinking", "output_config")
    return [
        {name: request.body[name] for name in names if name in request.body} for request in simulator.requests
    ]


def test_options_hold_for_their_turn_alone(simulator: Simulator) -> None:
    with Chat(max_tokens=1000) as chat:
        chat.send("One.", max_tokens=500, effort="low", thinking="off", stop_sequences=["END"])
        list(chat.stream("Two.", effort="max"))
        chat.send("Three.", effort=None)
    assert asked(simulator) == [
        {
            "max_tokens": 500,
            "stop_sequences": ["END"],
            "thinking": {"type": "between_tools"},
            "output_config": {"effort": "low"},
        },
        {"max_tokens": 1000, "output_config": {"effort": "max"}},
        {"max_tokens": 1000, "output_config": {"effort": "high"}},
    ]


def test_thinking_is_beside_the_text_if_it_is_to_be_shown(simulator: Simulator) -> None:
    simulator.script(THOUGHT, THOUGHT, THOUGHT)
    with Chat() as chat:
        shown = chat.send("6 * 7?", thinking="shown", stop_sequences=("END",))
        assert (shown.thinking, shown.text) == ("Six times seven.", "42, and ")
        assert shown.stop_reason == "stop_sequence"
        assert chat.send("6 * 7?", thinking="on").thinking == ""
        assert "".join(chat.stream("6 * 7?", thinking="shown")) == "42, and END of it."


async def test_thinking_of_every_step_is_told(simulator: Simulator) -> None:
    def multiply(a: int, b: int) -> int:
        """Multiply."""
        return a * b

    use = {"type": "tool_use", "id": "toolu_1", "name": "multiply", "input": {"a": 6, "b": 7}}
    simulator.script(
        Reply(content=({"type": "thinking", "thinking": "I multiply."}, use)),
        Reply(thinking="That is it.", text="42."),
    )
    async with AsyncChat(tools=[multiply]) as chat:
        reply = await chat.send("6 * 7?", thinking="shown")
    assert (reply.thinking, reply.text) == ("I multiply.\n\nThat is it.", "42.")


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("claude-opus-4-6", {"effort": "high"}),
        ("claude-opus-4-5", {"effort": "high"}),
        ("claude-haiku-4-5", None),
        ("claude-haiku-5-5", {"effort": "xhigh"}),
    ],
)
def test_a_model_gets_the_nearest_effort_that_it_has(simulator: Simulator, model: str, sent: object) -> None:
    with Chat(model=model) as chat:
        chat.send("Hello.", effort="xhigh")
    assert simulator.requests[-1].body.get("output_config") == sent


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"effort": "huge"}, "effort must be one of low, medium, high, xhigh, max"),
        ({"thinking": "loud"}, "thinking must be one of off, on, shown"),
        ({"max_tokens": 0}, "whole number from 1"),
        ({"max_tokens": True}, "whole number from 1"),
        ({"stop_sequences": "END"}, "a list of texts"),
        ({"stop_sequences": [" "]}, "not empty"),
        ({"temperature": 0.2}, "Claude's API has removed it"),
        ({"seed": 1}, "there are max_tokens, effort, thinking, stop_sequences"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_can_be(
    simulator: Simulator, options: dict[str, Any], says: str
) -> None:
    with Chat() as chat:
        for send in (chat.send, lambda text, **more: list(chat.stream(text, **more))):
            with pytest.raises(InvalidRequest, match=says):
                send("Hello.", **options)
        assert chat.history() == []
    assert not simulator.requests
