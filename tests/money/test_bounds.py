"""What is held before a request."""

from datetime import date

from antiphon.domain.usage import Usage
from antiphon.money.pricing import bound_nanodollars, cost_nanodollars
from antiphon.money.table import ModelTable


def test_the_bound_is_the_dearest_input_and_the_longest_answer(table: ModelTable, today: date) -> None:
    facts = table.get("claude-opus-5-5")
    bound = bound_nanodollars(facts, 1000, 100, today, geo="global")
    assert bound == 1050 * 8000 + 100 * 20_000


def test_the_bound_is_reached_by_the_dearest_request(table: ModelTable, today: date) -> None:
    facts = table.get("claude-opus-5-5")
    dearest = Usage(cache_write_1h_tokens=1050, output_tokens=100)
    bound = bound_nanodollars(facts, 1000, 100, today, geo="us")
    assert cost_nanodollars(dearest, facts, at=today, geo="us") == bound


def test_a_place_left_to_the_workspace_is_held_at_the_dearest(table: ModelTable, today: date) -> None:
    facts = table.get("claude-opus-5-5")
    assert bound_nanodollars(facts, 1000, 100, today) == bound_nanodollars(facts, 1000, 100, today, geo="us")
    old = table.get("claude-haiku-4-5")
    assert bound_nanodollars(old, 1000, 100, today) == 1050 * 2000 + 100 * 5000


def test_a_prompt_that_may_pass_the_cliff_is_held_beyond_it(table: ModelTable, today: date) -> None:
    facts = table.get("claude-haiku-5-5")
    below = bound_nanodollars(facts, 95_238, 100, today, geo="global")
    above = bound_nanodollars(facts, 95_239, 100, today, geo="global")
    assert below == 100_000 * 200 + 100 * 500
    assert above == 100_001 * 1000 + 100 * 2500


def test_fast_is_held_at_twice_the_price(table: ModelTable, today: date) -> None:
    facts = table.get("claude-opus-5-5")
    assert bound_nanodollars(facts, 10, 10, today, fast=True) == 2 * bound_nanodollars(facts, 10, 10, today)


def test_a_part_of_a_nanodollar_is_held_whole(table: ModelTable, today: date) -> None:
    tiny = {"in": "0.000001", "out": 0, "write5m": 0, "write1h": 0, "read": 0, "context": 10, "max_out": 1}
    facts = table.with_added({"tiny": tiny}).get("tiny")
    assert bound_nanodollars(facts, 1, 1, today) == 1
    assert bound_nanodollars(facts, 0, 0, today) == 0
