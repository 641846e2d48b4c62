"""Whatever a history holds, what is sent of it is valid for the Messages API."""

import json
from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.context.plan import plan_request
from antiphon.context.sendable import OURS
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.fold import fold
from antiphon.domain.messages import text_block
from antiphon.stores.frames import decode_all
from tests.context.histories import PATHS, asks, blocks, check_with_the_api, header, kinds, placed, request
from tests.golden.form import GoldenLog, load_all

unhurried = settings(deadline=None)  # the machine may be busy

TURNS = st.none() | st.integers(1, 4)
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain."}


@unhurried
@given(PATHS, TURNS, st.integers(0, 12))
def test_any_history_can_be_sent(path: list[PlacedMessage], turns: int | None, settings_seq: int) -> None:
    check_with_the_api(plan_request(header(settings_seq=settings_seq), path, request(turns)))


@pytest.mark.parametrize("log", load_all(), ids=lambda log: log.name)
def test_after_every_golden_log_the_next_message_can_be_sent(log: GoldenLog) -> None:
    shown = fold(decode_all(log.frames))
    path = [PlacedMessage(seq=seq, message=message) for seq, message in enumerate(shown.path(), 1)]
    check_with_the_api(plan_request(header(), [*path, asks(seq=len(path) + 1)], request()))


@unhurried
@given(PATHS, TURNS)
def test_nothing_that_is_only_ours_is_sent(path: list[PlacedMessage], turns: int | None) -> None:
    sent = blocks(plan_request(header(), path, request(turns)))
    assert all(block.keys().isdisjoint(OURS) for block in sent)


@unhurried
@given(PATHS, TURNS)
def test_planning_changes_nothing_that_it_was_given(path: list[PlacedMessage], turns: int | None) -> None:
    settings_, asked = (
        header(options={"max_tokens": 9, "stop_sequences": ["x"]}),
        request(turns, max_tokens=5),
    )
    before = deepcopy((settings_, path, asked))
    plan_request(settings_, path, asked)
    assert (settings_, path, asked) == before


def may_be_sent(placed_message: PlacedMessage) -> bool:
    """A turn's request ends with a person's words or with results: empty messages are refused at the door."""
    message = placed_message.message
    visible = [block for block in message.content if block.get("text", ".").strip()]
    return message.role == "user" and bool(visible)


@unhurried
@given(PATHS)
def test_each_plan_begins_with_the_bytes_of_the_one_before(path: list[PlacedMessage]) -> None:
    ends = [end for end, last in enumerate(path, 1) if may_be_sent(last)]
    plans = [plan_request(header(), path[:end], request()) for end in ends]
    for earlier, later in pairwise(plans):
        sent = [[json.dumps(message) for message in plan.messages] for plan in (earlier, later)]
        assert sent[1][: len(sent[0])] == sent[0]
        assert (earlier.system, earlier.tools, earlier.options) == (later.system, later.tools, later.options)


def test_a_tool_use_goes_out_with_its_result() -> None:
    path = [asks(), placed(2, "assistant", THOUGHT, USE), placed(3, "user", RESULT)]
    plan = plan_request(header(), path, request())
    assert [message["content"] for message in plan.messages][1:] == [[THOUGHT, USE], [RESULT]]


def test_a_tool_use_that_nobody_answered_is_left_out() -> None:
    path = [asks(), placed(2, "assistant", text_block("Let me look."), USE), asks(seq=3)]
    assert kinds(plan_request(header(), path, request())) == [
        ("user", ["text"]),
        ("assistant", ["text"]),
        ("user", ["text"]),
    ]


def test_a_result_without_its_tool_use_is_left_out() -> None:
    path = [
        asks(),
        placed(2, "assistant", text_block("Well.")),
        placed(3, "user", RESULT, text_block("And?")),
    ]
    plan = plan_request(header(), path, request())
    assert kinds(plan) == [("user", ["text"]), ("assistant", ["text"]), ("user", ["text"])]


def test_a_second_use_of_one_id_is_left_out_with_its_result() -> None:
    again = [placed(4, "assistant", USE), placed(5, "user", RESULT, text_block("And?"))]
    path = [asks(), placed(2, "assistant", USE), placed(3, "user", RESULT), *again]
    sent = kinds(plan_request(header(), path, request()))
    assert sent == [
        ("user", ["text"]),
        ("assistant", ["tool_use"]),
        ("user", ["tool_result"]),
        ("user", ["text"]),
    ]


def test_results_stand_before_words() -> None:
    path = [asks(), placed(2, "assistant", USE), placed(3, "user", text_block("Here:"), RESULT)]
    assert kinds(plan_request(header(), path, request()))[-1] == ("user", ["tool_result", "text"])


def test_empty_text_stays_away_also_within_a_result() -> None:
    result = {**RESULT, "content": [text_block(" "), text_block("Rain.")]}
    path = [asks(), placed(2, "assistant", text_block(""), USE), placed(3, "user", result)]
    plan = plan_request(header(), path, request())
    assert kinds(plan)[1] == ("assistant", ["tool_use"])
    assert blocks(plan)[-1]["content"] == [text_block("Rain.")]


def test_an_answer_that_was_only_thought_is_not_sent() -> None:
    path = [asks(), placed(2, "assistant", THOUGHT), asks(seq=3)]
    assert kinds(plan_request(header(), path, request())) == [("user", ["text"]), ("user", ["text"])]


def test_an_answer_cut_short_in_thought_ends_before_it() -> None:
    path = [asks(), placed(2, "assistant", THOUGHT, text_block("So"), THOUGHT), asks(seq=3)]
    assert kinds(plan_request(header(), path, request()))[1] == ("assistant", ["thinking", "text"])


def test_input_that_could_not_be_read_is_sent_as_none() -> None:
    use = {**USE, "invalid_json": '{"a": '}
    path = [asks(), placed(2, "assistant", use), placed(3, "user", RESULT)]
    assert blocks(plan_request(header(), path, request()))[1] == USE


@pytest.mark.parametrize("odd", [{}, {"input": None}, {"input": "x"}, {"input": [1]}])
def test_input_that_is_no_object_is_sent_as_none(odd: dict[str, Any]) -> None:
    """As logs have it that were written before such input was mended on its way in."""
    use = {**{key: value for key, value in USE.items() if key != "input"}, **odd}
    path = [asks(), placed(2, "assistant", use), placed(3, "user", RESULT)]
    assert blocks(plan_request(header(), path, request()))[1] == {**USE, "input": {}}


def test_blocks_that_need_no_change_are_sent_as_they_are() -> None:
    odd = {"type": "block_of_tomorrow", "z": 1, "a": [None, 2.0]}
    path = [asks(), placed(2, "assistant", odd, text_block("Well.")), asks(seq=3)]
    assert blocks(plan_request(header(), path, request()))[1] is odd


def test_two_messages_in_a_row_stay_two() -> None:
    path = [asks("One.", 1), asks("Two.", 2)]
    assert kinds(plan_request(header(), path, request())) == [("user", ["text"]), ("user", ["text"])]
