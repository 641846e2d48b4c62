"""What a request costs, from the usage that Claude reports. Expected figures are worked out by hand."""

from datetime import date
from typing import Any

import pytest

from antiphon.domain.usage import Usage
from antiphon.errors import UnknownModel
from antiphon.money.pricing import Lifetime, cost_nanodollars, request_cost
from antiphon.money.table import ModelTable

DOLLAR = 10**9


def wire(**counts: Any) -> dict[str, Any]:
    return {"input_tokens": 0, "output_tokens": 0} | counts


def test_each_kind_of_token_has_its_own_price(table: ModelTable, today: date) -> None:
    facts = table.get("claude-sonnet-5-5")
    million = 1_000_000

    def cost(**tokens: int) -> int:
        return cost_nanodollars(Usage(**tokens), facts, at=today)

    assert cost(input_tokens=million) == 2 * DOLLAR
    assert cost(cache_write_5m_tokens=million) == 2.5 * DOLLAR
    assert cost(cache_write_1h_tokens=million) == 4 * DOLLAR
    assert cost(cache_read_tokens=million) == DOLLAR // 10
    assert cost(output_tokens=million) == 10 * DOLLAR
    assert cost(output_tokens=million, thinking_tokens=million) == 10 * DOLLAR
    assert cost(web_search_requests=1) == DOLLAR // 100


def test_cached_reads_cost_what_they_did_on_the_day(table: ModelTable) -> None:
    usage = Usage(cache_read_tokens=1000)
    facts = table.get("claude-sonnet-5-5")
    assert cost_nanodollars(usage, facts, at=date(2026, 10, 6)) == 200_000
    assert cost_nanodollars(usage, facts, at=date(2026, 10, 7)) == 100_000


def test_haiku_prices_every_token_of_a_long_prompt_higher(table: ModelTable, today: date) -> None:
    facts = table.get("claude-haiku-5-5")
    long = Usage(cache_write_1h_tokens=100_001, output_tokens=10)
    assert cost_nanodollars(long, facts, at=today) == 100_001 * 1000 + 10 * 2500
    short = Usage(cache_write_1h_tokens=100_000, output_tokens=10)
    assert cost_nanodollars(short, facts, at=today) == 100_000 * 200 + 10 * 500
    answer = Usage(input_tokens=99_999, output_tokens=100_000)
    assert cost_nanodollars(answer, facts, at=today) == 99_999 * 100 + 100_000 * 500


def test_an_hour_in_the_cache_costs_haiku_twice_the_input_on_either_side_of_the_cliff(
    table: ModelTable, today: date
) -> None:
    def cost(written: int) -> int:
        split = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": written}
        wire = {"cache_creation_input_tokens": written, "cache_creation": split, "output_tokens": 10}
        return request_cost(wire, "claude-haiku-5-5", table, at=today).nanodollars

    assert cost(100_000) == 100_000 * 200 + 10 * 500
    assert cost(100_001) == 100_001 * 1000 + 10 * 2500


def test_inference_in_the_us_costs_a_tenth_more(table: ModelTable, today: date) -> None:
    counts = wire(input_tokens=1000, output_tokens=10, server_tool_use={"web_search_requests": 1})
    in_us = request_cost(counts | {"inference_geo": "us"}, "claude-opus-5-5", table, at=today)
    assert in_us.nanodollars == (4_000_000 + 200_000) * 11 // 10 + 10_000_000
    anywhere = request_cost(counts | {"inference_geo": "global"}, "claude-opus-5-5", table, at=today)
    assert anywhere.nanodollars == 4_000_000 + 200_000 + 10_000_000


def test_models_before_4_6_know_no_place(table: ModelTable, today: date) -> None:
    counts = wire(input_tokens=1000, inference_geo="us")
    assert request_cost(counts, "claude-haiku-4-5", table, at=today).nanodollars == 1_000_000
    assert request_cost(counts, "claude-sonnet-4-6", table, at=today).nanodollars == 3_300_000


def test_multipliers_stack_except_fast_with_batch(table: ModelTable, today: date) -> None:
    counts = wire(cache_read_input_tokens=1000, speed="fast", inference_geo="us")
    fast = request_cost(counts, "claude-opus-5-5", table, at=today)
    assert fast.nanodollars == 200_000 * 2 * 11 // 10
    both = request_cost(counts | {"service_tier": "batch"}, "claude-opus-5-5", table, at=today)
    assert both.nanodollars == fast.nanodollars
    batch = request_cost(
        wire(cache_read_input_tokens=1000, service_tier="batch"), "claude-opus-5-5", table, at=today
    )
    assert batch.nanodollars == 100_000


def test_mythos_costs_what_fable_does(table: ModelTable, today: date) -> None:
    usage = Usage(
        input_tokens=7,
        cache_write_5m_tokens=11,
        cache_write_1h_tokens=13,
        cache_read_tokens=17,
        output_tokens=19,
    )
    for version in ("5", "5-1", "5-2"):
        costs = {
            cost_nanodollars(usage, table.get(f"claude-{name}-{version}"), at=today, fast=version == "5-2")
            for name in ("fable", "mythos")
        }
        assert len(costs) == 1
    old = cost_nanodollars(usage, table.get("claude-mythos-5"), at=today)
    assert old == 7 * 10_000 + 11 * 12_500 + 13 * 20_000 + 17 * 1000 + 19 * 50_000


def test_a_refusal_before_the_first_token_is_free(table: ModelTable, today: date) -> None:
    counts = wire(input_tokens=5000, cache_read_input_tokens=10)
    refused = request_cost(counts, "claude-opus-5-5", table, at=today, stop_reason="refusal")
    assert (refused.nanodollars, refused.uncached_nanodollars) == (0, 0)
    assert refused.usage == Usage(input_tokens=5000, cache_read_tokens=10)


def test_a_refusal_in_the_middle_is_paid(table: ModelTable, today: date) -> None:
    counts = wire(input_tokens=5000, output_tokens=1)
    refused = request_cost(counts, "claude-opus-5-5", table, at=today, stop_reason="refusal")
    assert refused.nanodollars == 20_000_000 + 20_000


def test_an_empty_answer_that_is_no_refusal_is_paid(table: ModelTable, today: date) -> None:
    warmed = request_cost(
        wire(cache_creation_input_tokens=2000), "claude-opus-5-5", table, at=today, stop_reason="max_tokens"
    )
    assert warmed.nanodollars == 10_000_000


def test_iterations_are_summed_each_at_its_own_prompt_length(table: ModelTable, today: date) -> None:
    counts = wire(
        input_tokens=90_000,
        output_tokens=50,
        output_tokens_details={"thinking_tokens": 30},
        server_tool_use={"web_search_requests": 2},
        iterations=[
            {"type": "compaction", "input_tokens": 150_000, "output_tokens": 100},
            {"type": "message", "input_tokens": 90_000, "output_tokens": 50},
        ],
    )
    answer = request_cost(counts, "claude-haiku-5-5", table, at=today)
    compaction = 150_000 * 500 + 100 * 2500
    message = 90_000 * 100 + 50 * 500
    assert answer.nanodollars == compaction + message + 2 * 10_000_000
    assert answer.usage == Usage(
        input_tokens=240_000, output_tokens=150, thinking_tokens=30, web_search_requests=2
    )


def test_an_iteration_of_another_model_has_its_prices(table: ModelTable, today: date) -> None:
    counts = wire(
        output_tokens=10,
        iterations=[
            {"type": "message", "model": "claude-opus-5-5", "input_tokens": 100, "output_tokens": 1},
            {
                "type": "fallback_message",
                "model": "claude-sonnet-5-5",
                "input_tokens": 100,
                "output_tokens": 9,
            },
        ],
    )
    answer = request_cost(counts, "claude-opus-5-5", table, at=today)
    assert answer.nanodollars == (100 * 4000 + 20_000) + (100 * 2000 + 9 * 10_000)
    assert answer.prices == table.get("claude-sonnet-5-5").prices(today, 100)


def test_an_iteration_of_an_unlisted_model_is_priced_as_the_one_asked_for(
    table: ModelTable, today: date
) -> None:
    row = {"type": "advisor_message", "model": "claude-unheard-of", "input_tokens": 100, "output_tokens": 0}
    answer = request_cost(wire(iterations=[row]), "claude-opus-5-5", table, at=today)
    assert answer.nanodollars == 400_000


def test_what_came_before_a_refusal_is_paid(table: ModelTable, today: date) -> None:
    counts = wire(
        iterations=[
            {"type": "compaction", "input_tokens": 1000, "output_tokens": 100},
            {"type": "message", "input_tokens": 300, "output_tokens": 0},
        ]
    )
    answer = request_cost(counts, "claude-opus-5-5", table, at=today, stop_reason="refusal")
    assert answer.nanodollars == 1000 * 4000 + 100 * 20_000


def test_iterations_are_rounded_once(table: ModelTable, today: date) -> None:
    row = {"type": "message", "input_tokens": 0, "cache_creation_input_tokens": 1, "output_tokens": 0}
    once = request_cost(wire(service_tier="batch", iterations=[row]), "claude-haiku-5-5", table, at=today)
    thrice = request_cost(
        wire(service_tier="batch", iterations=[row] * 3), "claude-haiku-5-5", table, at=today
    )
    assert once.nanodollars == 62  # 62.5, to even
    assert thrice.nanodollars == 188  # 187.5, to even


def test_writes_without_a_lifetime_count_as_the_one_asked_for(table: ModelTable, today: date) -> None:
    counts = wire(cache_creation_input_tokens=1000)

    def cost(**options: Any) -> int:
        return request_cost(counts, "claude-opus-5-5", table, at=today, **options).nanodollars

    assert cost() == cost(lifetime="5m") == 5_000_000
    assert cost(lifetime="1h") == 8_000_000


def test_no_write_is_lost_when_the_split_is_older_than_the_total(table: ModelTable, today: date) -> None:
    counts = wire(
        cache_creation_input_tokens=1500,
        cache_creation={"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1000},
    )
    answer = request_cost(counts, "claude-opus-5-5", table, at=today, lifetime="1h")
    assert answer.usage == Usage(cache_write_1h_tokens=1000, cache_write_5m_tokens=500)
    assert answer.nanodollars == 1000 * 8000 + 500 * 5000


def test_null_fields_are_zero(table: ModelTable, today: date) -> None:
    counts = wire(
        input_tokens=10,
        cache_creation=None,
        cache_creation_input_tokens=None,
        cache_read_input_tokens=None,
        server_tool_use=None,
        service_tier=None,
        inference_geo=None,
        iterations=None,
        speed=None,
    )
    assert request_cost(counts, "claude-opus-5-5", table, at=today).nanodollars == 40_000


def test_the_saving_is_the_plain_price_less_the_cost(table: ModelTable, today: date) -> None:
    read = request_cost(
        wire(input_tokens=1000, cache_read_input_tokens=9000, output_tokens=10),
        "claude-opus-5-5",
        table,
        at=today,
    )
    assert read.uncached_nanodollars == 10_000 * 4000 + 10 * 20_000
    assert read.saved_nanodollars == 9000 * (4000 - 200)


def test_a_write_that_nothing_reads_is_a_loss(table: ModelTable, today: date) -> None:
    written = request_cost(wire(cache_creation_input_tokens=1000), "claude-opus-5-5", table, at=today)
    assert written.saved_nanodollars == -1000 * (5000 - 4000)


def test_the_cost_can_be_worked_out_again_from_its_snapshot(table: ModelTable, today: date) -> None:
    counts = wire(input_tokens=101, cache_read_input_tokens=9001, output_tokens=7, inference_geo="us")
    answer = request_cost(counts, "claude-sonnet-5-5", table, at=today)
    usage, prices = answer.usage, answer.prices
    picodollars = (
        usage.input_tokens * prices.input
        + usage.cache_read_tokens * prices.read
        + usage.output_tokens * prices.output
    )
    assert round(picodollars * answer.multiplier / 1000) == answer.nanodollars


def test_a_model_without_a_price_is_refused(table: ModelTable, today: date) -> None:
    with pytest.raises(UnknownModel):
        request_cost(wire(input_tokens=1), "claude-unheard-of", table, at=today)


@pytest.mark.parametrize("odd", ["3", [1], 5.5, True, {"a": 1}, 10**30])
@pytest.mark.parametrize("lifetime", ["5m", "1h"])
def test_what_no_api_would_report_has_a_price_that_can_be_stored(
    table: ModelTable, today: date, odd: object, lifetime: Lifetime
) -> None:
    wire = {
        "input_tokens": odd,
        "output_tokens": 1,
        "cache_creation_input_tokens": odd,
        "cache_creation": odd,
        "inference_geo": odd,
        "iterations": [{"type": "message", "model": odd, "output_tokens": 1}],
    }
    cost = request_cost(wire, "claude-opus-5-5", table, at=today, lifetime=lifetime)
    assert 0 < cost.nanodollars < 2**53
