"""What settings, limits and a turn's options do to a request."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.context.plan import FIXED_KEPT, Limits, Request, plan_request
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.messages import text_block
from tests.context.histories import EVERYDAY_PATHS, MODEL, PATHS, asks, blocks, header, kinds, placed, request

unhurried = settings(deadline=None)  # the machine may be busy

THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain."}
THINKING = ("thinking", "redacted_thinking")


def exchange(seq: int) -> list[PlacedMessage]:
    """A question and an answer with a thought, at `seq` and the seq after it."""
    return [asks(f"Question {seq}", seq), placed(seq + 1, "assistant", THOUGHT, text_block(f"Answer {seq}"))]


def test_thinking_is_sent_again_while_nothing_changes() -> None:
    plan = plan_request(header(), [*exchange(1), *exchange(3), asks(seq=5)], request())
    assert [kind for _, kind in kinds(plan)] == [["text"], ["thinking", "text"]] * 2 + [["text"]]


def test_thinking_from_before_a_change_of_settings_is_not_sent_again() -> None:
    plan = plan_request(header(settings_seq=3), [*exchange(1), *exchange(4), asks(seq=6)], request())
    assert [kind for _, kind in kinds(plan)] == [["text"], ["text"], ["text"], ["thinking", "text"], ["text"]]


@unhurried
@given(PATHS, st.integers(0, 12))
def test_no_thinking_from_before_a_change_is_ever_sent(path: list[PlacedMessage], settings_seq: int) -> None:
    bound = plan_request(header(settings_seq=settings_seq), path, request())
    after = [block for placed_ in path if placed_.seq > settings_seq for block in placed_.message.content]
    thoughts = [block for block in blocks(bound) if block["type"] in THINKING]
    assert len(thoughts) <= sum(block.get("type") in THINKING for block in after)
    assert all(any(block is thought for block in after) for thought in thoughts)


def test_only_the_newest_turns_are_sent_and_no_thought_from_before() -> None:
    plan = plan_request(header(), [*exchange(1), *exchange(3), *exchange(5), asks(seq=7)], request(turns=2))
    assert [block["text"] for block in blocks(plan)] == ["Question 5", "Answer 5", "And now?"]


def test_a_turn_with_tools_is_one_turn_and_its_thoughts_stay_while_it_runs() -> None:
    """The window stands still within a turn: its thinking was written under the very prefix that is sent."""
    steps = [placed(4, "assistant", THOUGHT, USE), placed(5, "user", RESULT)]
    plan = plan_request(header(), [*exchange(1), asks(seq=3), *steps], request(turns=1))
    assert [kind for _, kind in kinds(plan)] == [["text"], ["thinking", "tool_use"], ["tool_result"]]


@unhurried
@given(EVERYDAY_PATHS, st.integers(1, 4))
def test_a_window_begins_with_a_persons_message(path: list[PlacedMessage], turns: int) -> None:
    whole = plan_request(header(), path, request())
    plan = plan_request(header(), path, request(turns))
    if len(plan.messages) < len(whole.messages):
        assert kinds(plan)[0][0] == "user"
        assert "tool_result" not in kinds(plan)[0][1]


def test_a_limit_above_the_number_of_turns_cuts_nothing() -> None:
    path = [*exchange(1), asks(seq=3)]
    assert plan_request(header(), path, request(turns=2)) == plan_request(header(), path, request())


def test_a_turns_options_win_over_the_conversations() -> None:
    settings_ = header(options={"max_tokens": 100, "stop_sequences": ["END"]})
    plan = plan_request(settings_, [asks()], request(max_tokens=7, thinking={"type": "disabled"}))
    assert plan.max_tokens == 7
    assert plan.options == {"stop_sequences": ["END"], "thinking": {"type": "disabled"}}


def test_without_options_the_limit_is_the_answers_length() -> None:
    plan = plan_request(header(), [asks()], Request(model=MODEL, limits=Limits(max_tokens=55)))
    assert (plan.max_tokens, plan.options, plan.model) == (55, {}, MODEL)


def test_a_blank_system_prompt_is_not_sent() -> None:
    assert plan_request(header(system=" \n"), [asks()], request()).system == ()
    assert plan_request(header(), [asks()], request()).system == (text_block("Be brief."),)


def test_tools_are_sent_in_one_order_and_one_spelling_wherever_they_come_from() -> None:
    one = {"name": "a", "input_schema": {"type": "object", "required": ["y", "x"]}}
    other = {"input_schema": {"required": ["y", "x"], "type": "object"}, "name": "a"}
    last = {"name": "b", "input_schema": {}}
    sent = [
        json.dumps(plan_request(header(), [asks()], Request(model=MODEL, tools=tools)).tools)
        for tools in ((one, last), (last, other))
    ]
    assert sent[0] == sent[1]
    assert json.loads(sent[0]) == [one, last]


def test_each_conversation_is_sent_its_own_tools_however_many_sets_of_them_there_are() -> None:
    offered = [({"name": f"tool {n}", "input_schema": {"type": "object"}},) for n in range(FIXED_KEPT + 2)]
    for _ in range(2):
        for tools in offered:
            assert plan_request(header(), [asks()], Request(model=MODEL, tools=tools)).tools == tools
