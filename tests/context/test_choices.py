"""Which model a conversation gets, what it is called, what day it is, and when tokens are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.context.estimate import Correction, TokenEstimates, blocks_tokens, worth_counting
from antiphon.context.plan import Request, plan_request
from antiphon.context.routing import Routes, choose_model
from antiphon.context.titles import LONGEST, clean_title, first_words, title_request
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.messages import Message, text_block, text_of
from antiphon.money.table import load_facts
from antiphon.simulator.validate import check
from tests.context.grown import body
from tests.context.histories import BLOCKS, MODELS, asks, blocks, header

ROUTES = Routes(simple="simple", usual="usual", hard="hard")


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("Hi!", "simple"),
        ("What is the capital of Norway?", "simple"),
        ("Translate 'good evening, how are you today' into Portuguese, please.", "simple"),
        ("Сколько будет два плюс два?", "simple"),
        ("Fix this: ```def add(a, b): return a - b```", "usual"),
        ("Write a python script that renames my photos.", "usual"),
        ("Write a letter to my landlord about the heating. " * 10, "usual"),
        ("Prove that there are infinitely many primes.", "hard"),
        ("We need an architecture for this service; what are the trade-offs?", "hard"),
        ("Find the root cause of this race condition:\n```\nlock.acquire()\n```", "hard"),
    ],
)
def test_the_model_follows_the_task(text: str, model: str) -> None:
    assert choose_model([text_block(text)], routes=ROUTES) == model


def test_what_has_tools_or_pictures_is_not_simple() -> None:
    assert choose_model([text_block("Hi!")], [{"name": "f"}], ROUTES) == "usual"
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}
    assert choose_model([picture, text_block("What is this?")], routes=ROUTES) == "usual"


def test_the_models_that_are_chosen_are_in_the_price_list() -> None:
    table = load_facts()
    assert [table.get(name).name for name in (Routes().simple, Routes().usual, Routes().hard)]


@given(st.text())
def test_any_message_is_routed(text: str) -> None:
    assert choose_model([text_block(text)], routes=ROUTES) in ("simple", "usual", "hard")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("How do I boil an egg?", "How do I boil an egg?"),
        ("\n\n  # Plan  \nfor the week", "Plan"),
        ("", ""),
        (" ".join(["word"] * 30), "word word word word word word word word word word word word…"),
    ],
)
def test_until_it_has_a_name_a_conversation_is_called_by_its_first_words(text: str, title: str) -> None:
    assert first_words(text) == title


@given(st.text())
def test_a_title_is_one_short_line(text: str) -> None:
    for title in (first_words(text), clean_title(text) or ""):
        assert len(title) <= LONGEST
        assert len(title.splitlines()) <= 1


def test_the_name_is_what_the_small_model_says_without_its_decoration() -> None:
    assert clean_title('"Boiling eggs."\n\nI hope this helps!') == "Boiling eggs"
    assert clean_title(" \n") is None


@pytest.mark.parametrize("model", ["claude-haiku-5-5", "claude-opus-5-5", "claude-haiku-4-5"])
def test_any_model_can_be_asked_for_a_title(model: str) -> None:
    request = title_request("How do I boil an egg? " * 500, "Put it in water.", load_facts().get(model))
    check(body(request), models=MODELS, version="2026-10-21", betas="", counting=False)
    assert len(text_of(request.messages[0]["content"])) < 4000


# What day it is

MONDAY, TUESDAY = "01932c1a-b400-7000-8000-000000000000", "019336e9-4800-7000-8000-000000000000"


def on(turn: str, seq: int) -> PlacedMessage:
    conversation = "01932c1a-b400-7000-8000-000000000001"
    message = Message(
        id=f"m{seq}",
        parent_id=None,
        role="user",
        content=(text_block("Hm."),),
        turn_id=f"{conversation}.{turn}",
    )
    return PlacedMessage(seq=seq, message=message)


def test_the_day_is_told_in_the_first_message_of_each_day_and_stays_there() -> None:
    path = [on(MONDAY, 1), on(MONDAY, 2), on(TUESDAY, 3)]
    request = Request(model="claude-sonnet-5-5", dates=True)
    plans = [plan_request(header(), path[:end], request) for end in (1, 2, 3)]
    assert [block["text"] for block in blocks(plans[2])] == [
        "Today is Thursday, 2024-11-14.", "Hm.", "Hm.", "Today is Saturday, 2024-11-16.", "Hm."
    ]  # fmt: skip
    assert blocks(plans[2])[:2] == blocks(plans[0])
    assert all("Today" not in str(plan.system) for plan in plans)


def test_a_turn_that_tells_no_time_tells_no_day() -> None:
    plan = plan_request(header(), [asks()], Request(model="claude-sonnet-5-5", dates=True))
    assert blocks(plan) == [text_block("And now?")]


# When tokens are counted


@given(st.lists(BLOCKS, min_size=1, max_size=5))
def test_a_message_is_estimated_once_and_always_the_same(content: list[dict[str, object]]) -> None:
    estimates = TokenEstimates()
    message = Message(id="m1", parent_id=None, role="user", content=tuple(content), turn_id="t")
    assert estimates.of(message) == estimates.total([message]) == blocks_tokens(content)


def test_estimates_are_forgotten_before_they_fill_the_memory() -> None:
    estimates = TokenEstimates(kept=10)
    messages = [asks("x" * 40, seq).message for seq in range(1000)]
    assert estimates.total(messages) == 10_000
    assert len(estimates._known) <= 11


def test_a_picture_counts_as_a_picture_and_not_by_its_bytes() -> None:
    picture = {"type": "image", "source": {"type": "base64", "data": "A" * 1_000_000}}
    assert blocks_tokens([picture]) < 2_000
    assert blocks_tokens([{"type": "tool_result", "tool_use_id": "t", "content": [picture]}]) < 2_000


def test_tokens_are_counted_only_near_a_hard_limit() -> None:
    limits = (100_000, 991_808)
    assert not worth_counting(10_000, limits, Correction())
    assert worth_counting(80_000, limits, Correction())
    assert not worth_counting(200_000, limits, Correction())


def test_what_was_reported_makes_the_estimate_sharper() -> None:
    known = Correction(estimated=10_000, reported=11_000) + Correction(estimated=10_000, reported=13_000)
    assert known.factor == pytest.approx(1.2)
    assert not worth_counting(70_000, [100_000], known)
    assert worth_counting(82_000, [100_000], known)
