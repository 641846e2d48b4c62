"""What a local model is sent, and what is made of its answers."""

from itertools import pairwise
from typing import Any

import pytest

from antiphon.domain.plans import RequestPlan
from antiphon.errors import AnswerError, UpstreamAuth, UpstreamFailed, UpstreamRejected
from antiphon.model.local.dialect import (
    MAX_TOKENS,
    answered,
    failure,
    spoken,
)
from antiphon.model.local.fitting import HISTORY_TOKENS, histories, surely_fits
from antiphon.model.wire import (
    BlockDelta,
    BlockStart,
    Ending,
    MessageDelta,
    MessageHead,
    MessageStart,
    MessageStop,
    StreamEvent,
)


def said(role: str, *content: str | dict[str, Any]) -> dict[str, Any]:
    blocks = [{"type": "text", "text": block} if isinstance(block, str) else block for block in content]
    return {"role": role, "content": blocks}


def plan(*messages: dict[str, Any], **more: Any) -> RequestPlan:
    return RequestPlan(**{"model": "local", "max_tokens": 100, "messages": messages, **more})


def texts(sent: RequestPlan) -> list[tuple[str, str]]:
    return [(message["role"], message["content"][0]["text"]) for message in sent.messages]


def test_only_what_the_model_can_use_is_sent() -> None:
    sent = spoken(
        plan(
            said("user", {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}),
            system=({"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},),
            tools=({"name": "add", "input_schema": {}},),
            options={
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "low"},
                "cache_control": {"type": "ephemeral"},
                "metadata": {"user_id": "me"},
                "stop_sequences": ["END"],
            },
        )
    )
    assert sent == plan(
        said("user", "Hi"),
        system=({"type": "text", "text": "Be brief."},),
        options={"stop_sequences": ["END"]},
    )


def test_what_it_cannot_read_becomes_a_note_and_thinking_disappears() -> None:
    note = {"type": "text", "media_type": "text/plain", "data": "Milk, bread."}
    sent = spoken(
        plan(
            said(
                "user",
                "Look:",
                {"type": "image", "source": {}},
                {"type": "document", "title": "list", "source": note},
                {"type": "document", "source": {"type": "base64"}},
            ),
            said(
                "assistant",
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "redacted_thinking", "data": "…"},
                {"type": "tool_use", "id": "t", "name": "search", "input": {}},
            ),
            said(
                "user",
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "3"}]},
            ),
        )
    )
    assert texts(sent) == [
        ("user", 'Look:\n[image omitted]\n[document "list"]\nMilk, bread.\n[document omitted]'),
        ("assistant", "[used the tool search]"),
        ("user", "[the tool's result]\n3"),
    ]


def test_the_roles_take_turns_and_the_user_begins() -> None:
    sent = spoken(
        plan(
            said("assistant", "I begin."),
            said("user", "One."),
            said("system", "Two."),
            said("assistant", {"type": "thinking", "thinking": "", "signature": "s"}),
            said("user", "Three."),
            said("assistant", "Four."),
            {"role": "user", "content": "Five."},
        )
    )
    assert texts(sent) == [("user", "One.\n\nTwo.\n\nThree."), ("assistant", "Four."), ("user", "Five.")]


WEATHER = {"name": "weather", "description": "W", "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
USE = {"type": "tool_use", "id": "t", "name": "weather", "input": {"town": "Quillby"}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "Rain."}]}


def test_a_model_that_uses_tools_is_told_of_those_that_run_here() -> None:
    marked = {**WEATHER, "cache_control": {"type": "ephemeral"}}
    sent = spoken(plan(said("user", "Hi"), tools=(marked, SEARCH)), tools=True)
    assert sent.tools == (WEATHER,)


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "auto"}, ["add", "weather"]),
        ({"type": "none"}, []),
        ({"type": "tool", "name": "weather"}, ["weather"]),
    ],
)
def test_a_tool_choice_is_what_is_offered(choice: dict[str, str], names: list[str]) -> None:
    tools = ({**WEATHER, "name": "add"}, WEATHER)
    sent = spoken(plan(said("user", "Hi"), tools=tools, options={"tool_choice": choice}), tools=True)
    assert [tool["name"] for tool in sent.tools] == names
    assert not sent.options


def test_it_hears_its_tool_uses_and_their_results_as_they_are() -> None:
    failed = {**RESULT, "tool_use_id": "u", "is_error": True}
    sent = spoken(
        plan(
            said("user", "Rain?"),
            said("assistant", {**USE, "caller": {"type": "direct"}}, {**USE, "id": "u"}),
            said("user", RESULT, failed, "Well?"),
            tools=(WEATHER,),
        ),
        tools=True,
    )
    assert list(sent.messages) == [
        said("user", "Rain?"),
        said("assistant", USE, {**USE, "id": "u"}),
        said(
            "user",
            {"type": "tool_result", "tool_use_id": "t", "content": "Rain."},
            {"type": "tool_result", "tool_use_id": "u", "content": "This failed: Rain."},
            "Well?",
        ),
    ]


def test_a_result_without_its_use_becomes_a_note() -> None:
    asked = plan(said("assistant", USE), said("user", RESULT, "And now?"), tools=(WEATHER,))
    assert texts(spoken(asked, tools=True)) == [("user", "[the tool's result]\nRain.\nAnd now?")]


def test_what_is_sent_never_begins_with_a_result() -> None:
    exchange = (
        said("user", "Rain? " * 300),
        said("assistant", USE),
        said("user", RESULT),
        said("assistant", "Yes."),
    )
    asked = spoken(plan(*exchange * 5, said("user", "Bye."), tools=(WEATHER,)), tools=True)
    beginnings = [history.messages[0]["content"][0]["text"] for history, _ in histories(asked)]
    assert len(beginnings) > 2
    assert beginnings[-1] == "Bye."


@pytest.mark.parametrize(("asked", "sent"), [(8192, MAX_TOKENS), (50, 50), (0, 1)])
def test_answers_are_kept_short(asked: int, sent: int) -> None:
    assert spoken(plan(said("user", "Hi"), max_tokens=asked)).max_tokens == sent


def conversation(exchanges: int, size: int) -> tuple[dict[str, Any], ...]:
    """User and assistant in turn, each message of `size` bytes, and a newest question."""
    return (
        *(
            said(role, f"{index} ".ljust(size, "x"))
            for index in range(exchanges)
            for role in ("user", "assistant")
        ),
        said("user", "And now?"),
    )


def test_histories_get_shorter_by_whole_exchanges_down_to_the_newest_message() -> None:
    asked = plan(*conversation(20, 500), system=({"type": "text", "text": "Be brief."},))
    tried = list(histories(asked))
    lengths = [len(history.messages) for history, _ in tried]
    assert lengths == sorted(set(lengths), reverse=True)
    assert (lengths[0], lengths[-1]) == (41, 1)
    assert tried[-1][0].messages == (said("user", "And now?"),)
    for history, size in tried:
        assert history.messages == asked.messages[-len(history.messages) :]
        assert history.messages[0]["role"] == "user"
        assert size == len("Be brief.") + sum(len(text) for _, text in texts(history))


def test_the_beginning_of_what_is_sent_stays_the_same_for_many_turns() -> None:
    def sent(exchanges: int) -> RequestPlan:
        asked = plan(*conversation(exchanges, 60))
        return next(history for history, size in histories(asked) if size / 4 <= HISTORY_TOKENS)

    beginnings = [texts(sent(exchanges))[0][1].split()[0] for exchanges in range(300)]
    changes = sum(before != after for before, after in pairwise(beginnings))
    assert 0 < changes < 300 / 20


def test_a_short_history_is_sent_whole_without_being_counted() -> None:
    asked = plan(*conversation(3, 100))
    first, size = next(histories(asked))
    assert first == asked
    assert surely_fits(first, size)


def test_a_message_too_long_alone_never_surely_fits() -> None:
    tried = list(histories(plan(said("user", "x" * HISTORY_TOKENS))))
    assert [surely_fits(*history) for history in tried] == [False]


def heard(event: StreamEvent) -> StreamEvent:
    return answered(event, "local", 100)


def test_the_start_names_the_model_asked_for_and_has_all_usage_fields() -> None:
    start = MessageStart(
        message=MessageHead(id="m", model="x.gguf", usage={"input_tokens": 3, "cache_read_input_tokens": 2})
    )
    assert heard(start) == MessageStart(
        message=MessageHead(
            id="m",
            model="local",
            usage={"input_tokens": 3, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 0},
        )
    )


@pytest.mark.parametrize(
    ("reason", "sequence", "tokens", "told"),
    [
        ("end_turn", None, 10, "end_turn"),
        ("end_turn", "END", 10, "stop_sequence"),
        ("max_tokens", None, 100, "max_tokens"),
        ("max_tokens", None, 60, "model_context_window_exceeded"),
    ],
)
def test_stop_reasons_are_told_as_the_api_tells_them(
    reason: str, sequence: str | None, tokens: int, told: str
) -> None:
    usage = {"output_tokens": tokens}
    ended = heard(MessageDelta(delta=Ending(stop_reason=reason, stop_sequence=sequence), usage=usage))
    assert ended == MessageDelta(delta=Ending(stop_reason=told, stop_sequence=sequence), usage=usage)


def test_tool_uses_are_named_as_the_api_names_them() -> None:
    use = {"type": "tool_use", "name": "weather", "input": {}}
    for id_ in ("7hXq", "toolu_7hXq"):
        assert heard(BlockStart(index=0, content_block={**use, "id": id_})) == BlockStart(
            index=0, content_block={**use, "id": "toolu_7hXq"}
        )


def test_all_else_passes_untouched() -> None:
    for event in (BlockDelta(index=0, delta={"type": "text_delta", "text": "Hi"}), MessageStop()):
        assert heard(event) is event


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            UpstreamRejected("…", status=400, error_type="exceed_context_size_error"),
            UpstreamRejected,
            "longer than",
        ),
        (UpstreamRejected("…", status=400), UpstreamRejected, "cannot use"),
        (UpstreamFailed("…", status=500), UpstreamRejected, "cannot use"),
        (UpstreamFailed("…", began=True), UpstreamFailed, "started anew"),
        (UpstreamAuth("…", status=401), UpstreamFailed, "started anew"),
    ],
)
def test_failures_are_told_in_the_name_of_the_local_model(
    error: AnswerError, kind: type[AnswerError], words: str
) -> None:
    told = failure(error, "SmolLM2 135M")
    assert type(told) is kind
    assert words in told.detail
    assert "SmolLM2 135M" in told.detail
