"""Models that the price list does not know, and those that a user adds in antiphon.toml."""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from antiphon.domain.usage import Usage
from antiphon.errors import ConfigurationError, UnknownModel
from antiphon.money.pricing import bound_nanodollars, cost_nanodollars, request_cost
from antiphon.money.table import ModelTable

FULL = {"in": 3, "out": 15, "write5m": 3.75, "write1h": 6, "read": 0.3, "context": 200_000, "max_out": 64_000}
USAGE = Usage(
    input_tokens=1000,
    cache_write_5m_tokens=100,
    cache_write_1h_tokens=10,
    cache_read_tokens=5000,
    output_tokens=3,
    web_search_requests=1,
)


def refusal(table: ModelTable, name: str) -> str:
    with pytest.raises(UnknownModel) as caught:
        table.get(name)
    assert caught.value.facts == {"model": name}
    return str(caught.value)


def complaint(table: ModelTable, added: Mapping[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        table.with_added(added)
    return str(caught.value)


def lines_of(sentence: str) -> str:
    return sentence.partition("\n\n")[2]


@pytest.mark.parametrize("name", ["gpt-9", 'we"ird\\name', "mit Leerzeichen", "süß.7b", "line\nbreak"])
def test_an_unknown_model_is_refused_with_the_lines_to_add(table: ModelTable, name: str, today: date) -> None:
    sentence = refusal(table, name)
    assert "free = true" in sentence
    lines = lines_of(sentence)
    for field, price in FULL.items():
        lines = lines.replace(f'\n{field} = "', f"\n{field} = {price}  # ")
    mended = table.with_added(tomllib.loads(lines)["model"])
    assert cost_nanodollars(Usage(output_tokens=2), mended.get(name), at=today) == 30_000


def test_lines_that_are_added_as_they_are_do_not_make_a_price(table: ModelTable) -> None:
    pasted = tomllib.loads(lines_of(refusal(table, "gpt-9")))["model"]
    assert pasted["gpt-9"].keys() == FULL.keys()
    assert complaint(table, pasted).startswith('[model."gpt-9"] in antiphon.toml')


def test_a_slip_of_the_pen_is_pointed_out(table: ModelTable) -> None:
    assert "Did you mean claude-sonnet-5-5?" in refusal(table, "claude-sonet-5-5")
    assert "Did you mean" not in refusal(table, "gpt-9")


def test_an_added_model_costs_what_its_table_says(table: ModelTable, today: date) -> None:
    mine = table.with_added({"mine": FULL})
    facts = mine.get("mine")
    expected = 1000 * 3000 + 100 * 3750 + 10 * 6000 + 5000 * 300 + 3 * 15_000 + 10_000_000
    assert cost_nanodollars(USAGE, facts, at=today) == expected
    assert (facts.context, facts.max_out) == (200_000, 64_000)
    assert "mine" in mine.names()
    assert "mine" not in table.names()


def test_nothing_is_assumed_of_what_an_added_model_accepts(table: ModelTable) -> None:
    facts = table.with_added({"mine": FULL}).get("mine")
    assert not facts.thinking
    assert not facts.efforts
    assert not facts.forced_tool_choice
    assert not facts.fast


def test_prices_may_be_written_in_any_exact_way(table: ModelTable, today: date) -> None:
    for tenth in (0.1, Decimal("0.10"), "0.1"):
        facts = table.with_added({"mine": FULL | {"in": tenth}}).get("mine")
        assert facts.prices(today, 1).input == 100_000


def test_an_added_model_may_have_days_cliffs_and_abilities(table: ModelTable) -> None:
    text = """
    [model.mine]
    in = 1.0
    out = 2
    write5m = 1
    write1h = 1
    read = 0.5
    context = 100
    max_out = 10
    price = [{ above = 50, in = 4 }, { from = 2026-12-01, in = 0.5 }]
    thinking = ["adaptive", "disabled"]
    thinking_default = "disabled"
    effort = ["low", "high"]
    effort_default = "low"
    geo = false
    """
    facts = table.with_added(tomllib.loads(text)["model"]).get("mine")
    assert facts.prices(date(2026, 11, 30), 50).input == 1_000_000
    assert facts.prices(date(2026, 11, 30), 51).input == 4_000_000
    assert facts.prices(date(2026, 11, 30), 51).read == 500_000
    assert facts.prices(date(2026, 12, 1), 51).input == 500_000
    assert facts.accepts_thinking("adaptive", "high")
    assert facts.efforts == ("low", "high")
    assert not facts.terms.geo


def test_a_free_model_costs_nothing(table: ModelTable, today: date) -> None:
    free = table.with_added({"local": {"free": True}})
    facts = free.get("local")
    assert facts.free
    assert cost_nanodollars(USAGE, facts, at=today, fast=True, geo="us") == 0
    assert bound_nanodollars(facts, 5000, 5000, today) == 0
    answer = request_cost({"input_tokens": 9, "output_tokens": 9, "speed": "fast"}, "local", free, at=today)
    assert (answer.nanodollars, answer.saved_nanodollars) == (0, 0)


def test_a_free_model_may_state_its_limits(table: ModelTable) -> None:
    facts = table.with_added({"local": {"free": True, "context": 32_768, "max_out": 2048}}).get("local")
    assert (facts.context, facts.max_out) == (32_768, 2048)
    small = table.with_added({"local": {"free": True}}).get("local")
    assert 0 < small.max_out < small.context <= 8192


def test_a_listed_model_takes_new_prices_and_keeps_what_it_can_do(table: ModelTable, today: date) -> None:
    prices = {"in": 0.05, "out": 0.25, "write5m": 0.0625, "write1h": 0.1, "read": 0.005}
    listed = table.get("claude-haiku-5-5")
    agreed = table.with_added({"claude-haiku-5-5": prices}).get("claude-haiku-5-5")
    assert agreed.prices(today, 200_000).input == 50_000
    assert (agreed.context, agreed.thinking, agreed.terms) == (listed.context, listed.thinking, listed.terms)


def test_a_snapshot_may_have_prices_of_its_own(table: ModelTable, today: date) -> None:
    added = table.with_added({"claude-haiku-4-5-20251001": FULL})
    assert added.get("claude-haiku-4-5-20251001").prices(today, 1).input == 3_000_000
    assert added.get("claude-haiku-4-5").prices(today, 1).input == 1_000_000
    assert added.get("claude-haiku-4-5-20251001").also == ()


@pytest.mark.parametrize("field", FULL)
def test_a_missing_field_is_named(table: ModelTable, field: str) -> None:
    partial = {name: value for name, value in FULL.items() if name != field}
    assert f'[model."mine"] in antiphon.toml lacks {field}.' in complaint(table, {"mine": partial})


def test_all_missing_fields_are_named_at_once(table: ModelTable) -> None:
    sentence = complaint(table, {"mine": {"in": 1}})
    assert "lacks out, write5m, write1h, read, context, max_out." in sentence
    assert "free = true" in sentence


def test_an_unknown_field_is_named(table: ModelTable) -> None:
    assert "`inn`" in complaint(table, {"mine": FULL | {"inn": 1}})


@pytest.mark.parametrize(
    "price",
    [
        -1,
        True,
        "free",
        "",
        float("nan"),
        float("inf"),
        "NaN",
        "1e-7",
        "1e-999999999",
        "1e999999999",
        [1],
        2_000_000,
    ],
)
def test_what_is_not_a_price_is_refused(table: ModelTable, price: object) -> None:
    sentence = complaint(table, {"mine": FULL | {"read": price}})
    assert sentence.startswith('[model."mine"] in antiphon.toml: read must be a number of USD')


@pytest.mark.parametrize(
    "wrong",
    [
        {"context": 0},
        {"context": "big"},
        {"max_out": 1.5},
        {"thinking": ["deep"]},
        {"effort_default": "extreme"},
        {"free": 1},
        {"price": [{"above": 5, "from": date(2026, 12, 1)}]},
        {"price": [{"in": 5}]},
        {"price": [{"above": 5}, {"above": 5}]},
        {"price": [{"below": 5}]},
    ],
    ids=str,
)
def test_a_field_of_the_wrong_kind_is_refused(table: ModelTable, wrong: dict[str, Any]) -> None:
    sentence = complaint(table, {"mine": FULL | wrong})
    assert sentence.startswith('[model."mine"] in antiphon.toml')


def test_a_model_is_either_free_or_has_prices(table: ModelTable) -> None:
    assert "free = true and gives prices too" in complaint(table, {"mine": FULL | {"free": True}})


def test_a_model_that_is_no_table_is_refused(table: ModelTable) -> None:
    assert complaint(table, {"mine": 3}).startswith('[model."mine"] in antiphon.toml cannot be used')
