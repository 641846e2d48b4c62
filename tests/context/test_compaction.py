"""When a conversation is shortened, by whom, and what is sent afterwards."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.context import summaries
from antiphon.context.compaction import (
    CompactionLimits,
    Decision,
    Nothing,
    Standing,
    SummariseCold,
    SummariseOnPrefix,
    decide_compaction,
    limits_of,
)
from antiphon.context.estimate import Correction, TokenEstimates, plan_tokens
from antiphon.context.plan import Limits, Request, in_force, plan_request
from antiphon.domain.conversations import Compaction, PlacedMessage
from antiphon.domain.messages import text_block, text_of
from antiphon.money.table import load_facts
from antiphon.simulator.validate import check
from tests.context.grown import body, spelled
from tests.context.histories import MODELS, PATHS, asks, blocks, header, placed

unhurried = settings(deadline=None)  # the machine may be busy

TABLE = load_facts()
SONNET, HAIKU = TABLE.get("claude-sonnet-5-5"), TABLE.get("claude-haiku-5-5")
TODAY = date(2026, 11, 22)
LIMITS = CompactionLimits(cold=2_000, warm=4_000, tail=500)
THOUGHT = {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"city": "Oslo"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain in Oslo."}


def turns(count: int, tokens: int = 200) -> list[PlacedMessage]:
    """So many questions with answers of so many tokens, and a new question."""
    path: list[PlacedMessage] = []
    for seq in range(1, 2 * count, 2):
        answer = f"Answer {seq} " + "x" * (4 * tokens)
        path += [asks(f"Question {seq}", seq), placed(seq + 1, "assistant", THOUGHT, text_block(answer))]
    return [*path, asks("And now?", 2 * count + 1)]


def decided(path: Sequence[PlacedMessage], idle_s: float | None, **changes: Any) -> Decision:
    request = Request(
        model=SONNET.name, facts=changes.pop("facts", SONNET), limits=changes.pop("window", Limits())
    )
    small = changes.pop("small", HAIKU)
    limits = changes.pop("limits", LIMITS)
    standing = Standing(path=path, idle_s=idle_s, **changes)
    return decide_compaction(
        header(), request, standing, TokenEstimates(), small=small, at=TODAY, limits=limits
    )


def test_a_short_conversation_is_sent_as_it_is() -> None:
    assert decided(turns(5), None) == Nothing()


def test_while_the_cache_holds_it_a_conversation_may_be_longer() -> None:
    path = turns(15)
    assert decided(path, idle_s=60) == Nothing()
    assert isinstance(decided(path, idle_s=600), SummariseCold)
    assert decided(path, idle_s=600, lifetime="1h") == Nothing()
    assert isinstance(decided(turns(25), idle_s=60), SummariseCold)


def test_the_conversations_own_model_summarises_where_that_costs_less() -> None:
    """Its prefix is in the cache: read at a tenth of the price at which the same model would read it anew."""
    decision = decided(turns(25), idle_s=60, small=SONNET)
    assert isinstance(decision, SummariseOnPrefix)
    assert isinstance(decided(turns(25), idle_s=600, small=SONNET), SummariseCold)


def test_the_summary_is_asked_for_on_the_very_prefix_that_is_in_the_cache() -> None:
    path = turns(25)
    decision = decided(path, idle_s=60, small=SONNET)
    assert isinstance(decision, SummariseOnPrefix)
    live = plan_request(header(), path[:-2], Request(model=SONNET.name, facts=SONNET))
    asked = decision.request
    assert spelled(asked)[: len(spelled(live))] == spelled(live)
    assert asked.options == live.options
    assert asked.messages[-1]["role"] == "user"
    check(body(asked), models=MODELS, version="2026-10-21", betas="", counting=False)


def test_the_small_model_reads_the_raw_text_of_what_is_cut_and_no_more() -> None:
    path = turns(20)
    path[1] = placed(2, "assistant", THOUGHT, text_block("Let me look."), USE)
    path.insert(2, placed(2, "user", RESULT))
    decision = decided(path, idle_s=None)
    assert isinstance(decision, SummariseCold)
    (asked,) = decision.requests
    record = text_of(asked.messages[0]["content"])
    assert asked.model == HAIKU.name
    assert "Person: Question 1" in record
    assert '[uses f with {"city": "Oslo"}]' in record
    assert "[result: Rain in Oslo.]" in record
    kept = path[[p.message.id for p in path].index(decision.after_message_id) + 1 :]
    assert all(text_of(p.message.content) not in record for p in kept)


def test_what_stays_begins_with_a_persons_message_and_is_no_more_than_asked_for() -> None:
    path = turns(20)
    decision = decided(path, idle_s=None)
    assert isinstance(decision, SummariseCold)
    kept = path[[p.message.id for p in path].index(decision.after_message_id) + 1 :]
    assert [p.message.role for p in kept] == ["user", "assistant", "user", "assistant", "user"]


def test_a_record_too_long_for_one_request_is_summarised_in_parts() -> None:
    decision = decided(turns(30, tokens=10_000), idle_s=None)
    assert isinstance(decision, SummariseCold)
    assert len(decision.requests) >= 3
    assert all(plan_tokens(request) <= 91_000 for request in decision.requests)


def test_a_single_message_longer_than_a_request_is_split() -> None:
    path = [asks("Ä" * 300_000, 1), placed(2, "assistant", text_block("Long.")), asks(seq=3)]
    decision = decided(path, idle_s=None)
    assert isinstance(decision, SummariseCold)
    assert all(plan_tokens(request) <= 91_000 for request in decision.requests)
    assert sum(text_of(r.messages[0]["content"]).count("Ä") for r in decision.requests) == 300_000


def test_an_earlier_summary_is_part_of_the_next_one() -> None:
    path = turns(30)
    before = Compaction(seq=10, after_message_id=path[9].message.id, summary="They met in Oslo.")
    decision = decided(path, idle_s=None, compaction=before)
    assert isinstance(decision, SummariseCold)
    record = text_of(decision.requests[0].messages[0]["content"])
    assert "They met in Oslo." in record
    assert "Question 9" not in record


def test_nothing_is_shortened_for_free_models_for_windows_and_without_facts() -> None:
    path = turns(50)
    free = TABLE.with_added({"mine": {"free": True}}).get("mine")
    assert decided(path, None, facts=free) == Nothing()
    assert decided(path, None, facts=None) == Nothing()
    assert decided(path, None, window=Limits(max_history_turns=5)) == Nothing()


def test_a_first_message_of_any_length_is_not_cut() -> None:
    assert decided([asks("x" * 100_000)], None) == Nothing()


def test_what_tools_and_system_take_does_not_count_as_conversation() -> None:
    tools = tuple({"name": f"t{n}", "description": "x" * 4000} for n in range(10))
    request = Request(model=SONNET.name, facts=SONNET, tools=tools)
    standing = Standing(path=turns(5))
    decision = decide_compaction(
        header(), request, standing, TokenEstimates(), small=HAIKU, at=TODAY, limits=LIMITS
    )
    assert decision == Nothing()


def test_the_window_is_a_limit_whatever_the_price() -> None:
    facts = TABLE.get("claude-haiku-4-5")
    generous = CompactionLimits(cold=10**9, warm=10**9)
    assert isinstance(decided(turns(30, 8_000), 60, facts=facts, limits=generous), SummariseCold)


def test_reported_tokens_correct_the_estimate() -> None:
    path = turns(8)
    dense = Correction(estimated=10_000, reported=15_000)
    assert decided(path, None) == Nothing()
    assert isinstance(decided(path, None, correction=dense), SummariseCold)


def test_every_listed_model_has_limits_below_its_window() -> None:
    for name in TABLE.names():
        facts = TABLE.get(name)
        limits = limits_of(facts)
        assert limits.tail < limits.cold <= limits.warm < facts.context, name


def test_only_a_summary_that_came_to_its_end_is_used() -> None:
    said = [THOUGHT, text_block("They talked.")]
    assert summaries.accepted("end_turn", said) == "They talked."
    assert summaries.accepted("max_tokens", said) is None
    assert summaries.accepted("refusal", said) is None
    assert summaries.accepted("tool_use", [*said, USE]) is None
    assert summaries.accepted("end_turn", [text_block(" ")]) is None


# What is sent afterwards


def test_a_summary_takes_the_place_of_what_came_before_and_no_thought_of_the_tail_is_sent() -> None:
    path = turns(4)
    done = Compaction(seq=9, after_message_id=path[3].message.id, summary="They talked.")
    sent = blocks(plan_request(header(), path, Request(model=SONNET.name), done))
    assert "They talked." in sent[0]["text"]
    assert [block["text"][:10] for block in sent[1:]] == [
        "Question 5", "Answer 5 x", "Question 7", "Answer 7 x", "And now?"
    ]  # fmt: skip


def test_a_thought_from_after_the_summary_is_sent() -> None:
    path = turns(4)
    done = Compaction(seq=7, after_message_id=path[3].message.id, summary="They talked.")
    later = [*path, placed(10, "assistant", THOUGHT, text_block("Now this.")), asks(seq=11)]
    assert THOUGHT in blocks(plan_request(header(), later, Request(model=SONNET.name), done))


def test_the_path_need_not_be_read_from_before_the_summary() -> None:
    path = turns(10)
    done = Compaction(seq=12, after_message_id=path[11].message.id, summary="They talked.")
    request = Request(model=SONNET.name, facts=SONNET)
    assert plan_request(header(), path[12:], request, done) == plan_request(header(), path, request, done)


class Newest(list[PlacedMessage]):
    """A path of which only the end may be looked at."""

    untouched = 0

    def __getitem__(self, index: Any) -> Any:
        start = index.start if isinstance(index, slice) else index
        assert start >= self.untouched
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[PlacedMessage]:
        raise AssertionError("every message was looked at")


def test_messages_that_a_summary_replaced_are_not_looked_at_however_many_they_are() -> None:
    path = Newest(turns(500, tokens=1))
    path.untouched = 980
    done = Compaction(seq=2000, after_message_id=list.__getitem__(path, 980).message.id, summary="Hm.")
    request = Request(model=SONNET.name, facts=SONNET)
    assert len(plan_request(header(), path, request, done).messages) == 21


def test_a_branch_that_leaves_above_the_summary_does_not_see_it() -> None:
    path = turns(6)
    first = Compaction(seq=20, after_message_id=path[3].message.id, summary="One.")
    second = Compaction(seq=30, after_message_id=path[7].message.id, summary="Two.")
    again = Compaction(seq=40, after_message_id=path[3].message.id, summary="One again.")
    assert in_force(path, [first, second]) == second
    assert in_force(path[:6], [first, second]) == first
    assert in_force(path[:6], [again, first, second]) == again
    assert in_force(path[:3], [first, second]) is None


@unhurried
@given(PATHS, st.integers(0, 10), st.integers(0, 30))
def test_whatever_was_summarised_can_be_sent(path: list[PlacedMessage], at: int, seq: int) -> None:
    place = path[min(at, len(path) - 1)].message.id
    done = Compaction(seq=seq, after_message_id=place, summary="They talked.")
    plan = plan_request(header(), path, Request(model=SONNET.name, facts=SONNET), done)
    check(body(plan), models=MODELS, version="2026-10-21", betas="", counting=False)


@unhurried
@given(PATHS, st.none() | st.floats(0, 5000))
def test_whatever_the_history_a_decision_is_a_valid_request(
    path: list[PlacedMessage], idle: float | None
) -> None:
    tiny = CompactionLimits(cold=1, warm=1, tail=1)
    padded = [placed(0, "user", text_block("x" * 9000)), placed(0, "assistant", text_block("Yes.")), *path]
    decision = decided(padded, idle, limits=tiny, small=SONNET)
    match decision:
        case SummariseCold(requests=requests):
            asked = requests
        case SummariseOnPrefix(request=request):
            asked = (request,)
        case Nothing():
            asked = ()
    for each in asked:
        check(body(each), models=MODELS, version="2026-10-21", betas="", counting=False)
