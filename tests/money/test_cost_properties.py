"""What holds of every cost, whatever the usage."""

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.domain.usage import Usage
from antiphon.money.pricing import bound_nanodollars, cost_nanodollars, request_cost
from antiphon.money.table import load_facts

TABLE = load_facts()
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
MODELS = st.sampled_from(TABLE.names())
TOKENS = st.integers(0, 150_000)
USAGES = st.builds(
    Usage,
    input_tokens=TOKENS,
    cache_write_5m_tokens=TOKENS,
    cache_write_1h_tokens=TOKENS,
    cache_read_tokens=TOKENS,
    output_tokens=TOKENS,
    web_search_requests=st.integers(0, 5),
)
WAYS = st.fixed_dictionaries(
    {"fast": st.booleans(), "batch": st.booleans(), "geo": st.sampled_from([None, "us", "global"])}
)
unhurried = settings(deadline=None)  # the machine may be busy
KINDS = [field.name for field in fields(Usage) if field.name != "thinking_tokens"]


def uncached(usage: Usage) -> Usage:
    return Usage(
        input_tokens=usage.total_input_tokens,
        output_tokens=usage.output_tokens,
        web_search_requests=usage.web_search_requests,
    )


def wire(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
        "server_tool_use": {"web_search_requests": usage.web_search_requests},
    }


@unhurried
@given(USAGES, MODELS, DAYS, WAYS, st.sampled_from(KINDS), st.integers(1, 200_000))
def test_more_tokens_never_cost_less(
    usage: Usage, name: str, at: date, ways: dict[str, Any], kind: str, more: int
) -> None:
    facts = TABLE.get(name)
    grown = replace(usage, **{kind: getattr(usage, kind) + more})
    less, greater = (cost_nanodollars(each, facts, at=at, **ways) for each in (usage, grown))
    assert 0 <= less <= greater
    assert greater > 0


@unhurried
@given(USAGES, USAGES, MODELS, DAYS)
def test_requests_added_up_differ_from_one_by_rounding_and_cliff_only(
    one: Usage, two: Usage, name: str, at: date
) -> None:
    facts = TABLE.get(name)
    apart = sum(cost_nanodollars(usage, facts, at=at) for usage in (one, two))
    together = cost_nanodollars(one + two, facts, at=at)
    assert together >= apart - 1
    prompts = [usage.total_input_tokens for usage in (one, two, one + two)]
    if len({facts.prices(at, prompt) for prompt in prompts}) == 1:
        assert together <= apart + 1


@unhurried
@given(USAGES, MODELS, DAYS, WAYS)
def test_the_cost_is_the_exact_sum_rounded_once(
    usage: Usage, name: str, at: date, ways: dict[str, Any]
) -> None:
    facts = TABLE.get(name)
    prices = facts.prices(at, usage.total_input_tokens)
    multiplier = Decimal(2 if ways["fast"] else 1)
    if ways["batch"] and not ways["fast"]:
        multiplier = Decimal("0.5")
    if ways["geo"] == "us" and facts.context == 1_000_000:
        multiplier *= Decimal("1.1")
    with localcontext(prec=60):
        tokens = (
            Decimal(prices.input) * usage.input_tokens
            + Decimal(prices.write_5m) * usage.cache_write_5m_tokens
            + Decimal(prices.write_1h) * usage.cache_write_1h_tokens
            + Decimal(prices.read) * usage.cache_read_tokens
            + Decimal(prices.output) * usage.output_tokens
        )
        exact = tokens * multiplier / 1000 + 10_000_000 * usage.web_search_requests
        assert cost_nanodollars(usage, facts, at=at, **ways) == round(exact)


@unhurried
@given(USAGES, MODELS, DAYS)
def test_the_wire_and_the_usage_cost_the_same(usage: Usage, name: str, at: date) -> None:
    facts = TABLE.get(name)
    answer = request_cost(wire(usage), name, TABLE, at=at)
    assert answer.usage == usage
    assert answer.nanodollars == cost_nanodollars(usage, facts, at=at)
    assert answer.uncached_nanodollars == cost_nanodollars(uncached(usage), facts, at=at)


@unhurried
@given(st.lists(USAGES, min_size=1, max_size=4), MODELS, DAYS)
def test_iterations_cost_what_they_would_apart(usages: list[Usage], name: str, at: date) -> None:
    rows = [wire(replace(usage, web_search_requests=0)) for usage in usages]
    whole = request_cost({"iterations": rows}, name, TABLE, at=at).nanodollars
    apart = sum(request_cost(row, name, TABLE, at=at).nanodollars for row in rows)
    assert abs(whole - apart) <= len(rows) / 2 + 0.5


@unhurried
@given(USAGES, MODELS, DAYS, st.booleans(), st.sampled_from(["us", "global", None]), st.integers(0, 5000))
def test_no_request_within_its_limits_costs_more_than_its_bound(
    usage: Usage, name: str, at: date, fast: bool, geo: str | None, unused: int
) -> None:
    facts = TABLE.get(name)
    usage = replace(usage, web_search_requests=0)
    counted = -(-usage.total_input_tokens * 100 // 105)  # the count was 5 % too low
    bound = bound_nanodollars(facts, counted, usage.output_tokens + unused, at, fast=fast, geo=geo)
    for reported in ("us", "global") if geo is None else (geo,):
        assert cost_nanodollars(usage, facts, at=at, fast=fast, geo=reported) <= bound
