"""Every way a message can end has a meaning."""

from typing import Any, get_args

import pytest
from anthropic.types import StopReason

from antiphon.model.stops import (
    Answered,
    CutShort,
    Empty,
    Paused,
    Refused,
    Stop,
    Unknown,
    UseTools,
    refusal_sentence,
    stop_of,
)

TEXT = {"type": "text", "text": "Hello"}
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}


@pytest.mark.parametrize(
    ("stop_reason", "content", "meaning"),
    [
        ("end_turn", [TEXT], Answered()),
        ("end_turn", [THINKING, TEXT], Answered()),
        ("end_turn", [{"type": "container_upload"}], Answered()),
        ("end_turn", [], Empty()),
        ("end_turn", [THINKING], Empty()),
        ("end_turn", [{"type": "text", "text": " \n"}], Empty()),
        ("stop_sequence", [TEXT], Answered("END")),
        ("stop_sequence", [], Answered("END")),
        ("tool_use", [TEXT, USE, SEARCH, USE], UseTools((USE, USE))),
        ("tool_use", [TEXT], Answered()),
        ("tool_use", [], Empty()),
        ("max_tokens", [TEXT], CutShort("max_tokens")),
        ("max_tokens", [], CutShort("max_tokens")),
        ("max_tokens", [TEXT, USE], CutShort("max_tokens", unfinished_tool_use=True)),
        ("max_tokens", [USE, TEXT], CutShort("max_tokens")),
        ("model_context_window_exceeded", [TEXT], CutShort("context_window")),
        ("model_context_window_exceeded", [USE], CutShort("context_window", unfinished_tool_use=True)),
        ("pause_turn", [SEARCH], Paused()),
        ("compaction", [{"type": "compaction"}], Paused()),
        ("refusal", [], Refused()),
        ("a_reason_of_the_future", [TEXT], Unknown("a_reason_of_the_future")),
        (None, [TEXT], Unknown("none")),
    ],
)
def test_a_stop_reason_means(stop_reason: str | None, content: list[dict[str, Any]], meaning: Stop) -> None:
    assert stop_of(stop_reason, content, stop_sequence="END") == meaning


@pytest.mark.parametrize("stop_reason", get_args(StopReason))
def test_no_stop_reason_of_the_sdk_is_unknown(stop_reason: str) -> None:
    assert not isinstance(stop_of(stop_reason), Unknown)


@pytest.mark.parametrize(
    ("details", "refused"),
    [
        (None, Refused()),
        ({"type": "refusal", "category": None, "explanation": None}, Refused()),
        ({"category": "cyber", "explanation": "Not this."}, Refused("cyber", "Not this.")),
        ({"category": 7, "explanation": " "}, Refused()),
    ],
)
def test_a_refusal_says_why_where_claude_does(details: dict[str, Any] | None, refused: Refused) -> None:
    assert stop_of("refusal", [], stop_details=details) == refused


def test_claudes_explanation_is_shown() -> None:
    assert refusal_sentence(Refused("bio", "I cannot help with that.")) == "I cannot help with that."


@pytest.mark.parametrize("category", [None, "a_category_of_the_future"])
def test_without_an_explanation_a_sentence_of_ours_is_shown(category: str | None) -> None:
    assert refusal_sentence(Refused(category)) == (
        "Claude declined to answer this message. It will not be sent again, and the conversation goes on "
        "from before it: put it in other words, or ask something else."
    )


def test_the_category_is_put_in_words() -> None:
    assert "because it touches on computer security" in refusal_sentence(Refused("cyber"))
