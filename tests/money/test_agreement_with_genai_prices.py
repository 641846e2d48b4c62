"""An independent price package, bundled data only, agrees to the nano-dollar wherever it covers a case."""

import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from fractions import Fraction
from itertools import product
from typing import Any

import genai_prices
import pytest
from genai_prices.data import providers

from antiphon.domain.usage import Usage
from antiphon.money.pricing import cost_nanodollars, request_cost
from antiphon.money.table import ModelTable, load_facts

NOT_COVERED = {"claude-mythos-5", "claude-mythos-5-1"}
NAMES = [name for name in load_facts().names() if name not in NOT_COVERED]
FAST = ["claude-fable-5-2", "claude-mythos-5-2", "claude-opus-5-5", "claude-opus-5", "claude-opus-4-8"]

USAGES = [
    Usage(
        input_tokens=plain,
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        cache_read_tokens=read,
        output_tokens=output,
        web_search_requests=searches,
    )
    for plain, write_5m, write_1h, read, output, searches in product(
        (0, 1, 33_333), (0, 7, 20_001), (0, 3, 40_003), (0, 60_007), (0, 4_321), (0, 3)
    )
]
"""Both sides of Haiku 5.5's 100,000 tokens, and prices that end in half a nano-dollar."""

AROUND_THE_CLIFF = [Usage(cache_read_tokens=99_999 + extra, output_tokens=5) for extra in range(4)]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: Any) -> None:
        raise AssertionError("a price package reached for the network")

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        yield


def theirs(usage: Usage, name: str, at: date, context: dict[str, str] | None = None) -> int:
    answer = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.total_input_tokens,
            cache_write_tokens=usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            output_tokens=usage.output_tokens,
            web_searches=usage.web_search_requests,
        ),
        name,
        provider_id="anthropic",
        genai_request_timestamp=datetime.combine(at, time(12), tzinfo=UTC),
        price_context=context,
    )
    return round(Fraction(answer.total_price) * 10**9)


@pytest.mark.parametrize("name", NAMES)
def test_standard_prices_agree(table: ModelTable, name: str, today: date) -> None:
    facts = table.get(name)
    for usage in USAGES + AROUND_THE_CLIFF:
        assert cost_nanodollars(usage, facts, at=today) == theirs(usage, name, today), usage


@pytest.mark.parametrize("name", NAMES)
def test_batch_prices_agree(table: ModelTable, name: str, today: date) -> None:
    facts = table.get(name)
    for usage in USAGES + AROUND_THE_CLIFF:
        expected = theirs(usage, name, today, {"processing": "batch"})
        assert cost_nanodollars(usage, facts, at=today, batch=True) == expected, usage


@pytest.mark.parametrize("name", FAST)
def test_fast_prices_agree(table: ModelTable, name: str, today: date) -> None:
    facts = table.get(name)
    assert facts.fast
    for usage in USAGES:
        expected = theirs(usage, name, today, {"speed": "fast"})
        assert cost_nanodollars(usage, facts, at=today, fast=True) == expected, usage


@pytest.mark.parametrize("name", ["claude-opus-4-6", "claude-sonnet-4-6"])
@pytest.mark.parametrize("day", [date(2026, 2, 20), date(2026, 3, 12), date(2026, 3, 13), date(2026, 11, 22)])
@pytest.mark.parametrize("prompt", [200_000, 200_001])
def test_prices_that_changed_on_a_day_agree(table: ModelTable, name: str, day: date, prompt: int) -> None:
    usage = Usage(input_tokens=prompt - 100, cache_write_1h_tokens=40, cache_read_tokens=60, output_tokens=9)
    assert cost_nanodollars(usage, table.get(name), at=day) == theirs(usage, name, day)


@pytest.mark.parametrize("name", NAMES)
def test_context_windows_agree(table: ModelTable, name: str) -> None:
    (anthropic,) = (provider for provider in providers if provider.id == "anthropic")
    model = anthropic.find_model(name)
    assert model is not None
    assert table.get(name).context == model.context_window


@pytest.mark.parametrize("name", NAMES)
def test_a_usage_object_from_the_wire_is_read_alike(table: ModelTable, name: str, today: date) -> None:
    wire = {
        "input_tokens": 12,
        "cache_creation_input_tokens": 60_300,
        "cache_read_input_tokens": 52_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 60_000},
        "output_tokens": 700,
        "output_tokens_details": {"thinking_tokens": 400},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        "service_tier": "standard",
        "speed": "standard",
        "inference_geo": "global",
    }
    read = theirs_from_wire({"model": name, "usage": wire}, today)
    assert request_cost(wire, name, table, at=today).nanodollars == read


def theirs_from_wire(response: dict[str, Any], at: date) -> int:
    extracted = genai_prices.extract_usage(response, provider_id="anthropic")
    answer = extracted.calc_price(genai_request_timestamp=datetime.combine(at, time(12), tzinfo=UTC))
    return round(Fraction(answer.total_price) * 10**9)
