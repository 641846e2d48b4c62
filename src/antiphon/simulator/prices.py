"""What an answer costs, from the simulator's own price list. Source: Claude's public prices as of 2026-11-22.

All prices are whole nano-dollars per token: one US dollar per million tokens is 1,000 of them.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

WEB_SEARCH = 10_000_000
"""Nano-dollars per search. Fetching a page costs its tokens only."""

FAST = Fraction(2)
BATCH = Fraction(1, 2)
GEO = {"us": Fraction(11, 10)}


class Price(NamedTuple):
    """Nano-dollars per token of each kind."""

    input: int
    output: int
    write_5m: int
    write_1h: int
    read: int


LONG_PROMPT = 100_000
"""Tokens; above it `LONG` holds for every token of the request, output too."""

FABLE_5_2 = Price(8_000, 40_000, 10_000, 16_000, 200)
FABLE_5_1 = Price(10_000, 50_000, 12_500, 20_000, 250)
FABLE_5 = Price(10_000, 50_000, 12_500, 20_000, 1_000)
OPUS_5_5 = Price(4_000, 20_000, 5_000, 8_000, 200)
OPUS = Price(5_000, 25_000, 6_250, 10_000, 500)
SONNET_5_5 = Price(2_000, 10_000, 2_500, 4_000, 100)
SONNET_5 = Price(2_000, 10_000, 2_500, 4_000, 200)
SONNET_4 = Price(3_000, 15_000, 3_750, 6_000, 300)
HAIKU_4_5 = Price(1_000, 5_000, 1_250, 2_000, 100)

PRICES: Mapping[str, Price] = {
    "claude-fable-5-2": FABLE_5_2,
    "claude-mythos-5-2": FABLE_5_2,
    "claude-haiku-5-5": Price(100, 500, 125, 200, 10),
    "claude-sonnet-5-5": SONNET_5_5,
    "claude-opus-5-5": OPUS_5_5,
    "claude-fable-5-1": FABLE_5_1,
    "claude-mythos-5-1": FABLE_5_1,
    "claude-opus-5": OPUS,
    "claude-sonnet-5": SONNET_5,
    "claude-fable-5": FABLE_5,
    "claude-mythos-5": FABLE_5,
    "claude-opus-4-8": OPUS,
    "claude-opus-4-7": OPUS,
    "claude-opus-4-6": OPUS,
    "claude-sonnet-4-6": SONNET_4,
    "claude-haiku-4-5": HAIKU_4_5,
    "claude-haiku-4-5-20251001": HAIKU_4_5,
    "claude-opus-4-5": OPUS,
    "claude-opus-4-5-20251101": OPUS,
    "claude-sonnet-4-5": SONNET_4,
    "claude-sonnet-4-5-20250929": SONNET_4,
}

LONG: Mapping[str, Price] = {"claude-haiku-5-5": Price(500, 2_500, 625, 1_000, 50)}

HOUSE = SONNET_5_5
"""What a model costs that only the simulator has."""


def cost(model: str, usage: Mapping[str, Any]) -> int:
    """Nano-dollars for an answer with this `usage`, rounded once, half to even.

    Where `iterations` are listed they are what is paid: the tokens beside them leave some of them out.
    """
    rows = usage.get("iterations") or (usage,)
    exact = sum((_tokens_cost(row.get("model") or model, row) for row in rows), start=Fraction(0))
    exact *= _multiplier(usage)
    searches = (usage.get("server_tool_use") or {}).get("web_search_requests") or 0
    return round(exact + searches * WEB_SEARCH)


def _tokens_cost(model: str, row: Mapping[str, Any]) -> Fraction:
    read, written = _count(row, "cache_read_input_tokens"), _count(row, "cache_creation_input_tokens")
    plain, output = _count(row, "input_tokens"), _count(row, "output_tokens")
    hour = _count(row.get("cache_creation") or {}, "ephemeral_1h_input_tokens")
    price = PRICES.get(model, HOUSE)
    if plain + written + read > LONG_PROMPT:
        price = LONG.get(model, price)
    return Fraction(
        plain * price.input
        + (written - hour) * price.write_5m
        + hour * price.write_1h
        + read * price.read
        + output * price.output
    )


def _multiplier(usage: Mapping[str, Any]) -> Fraction:
    fast = FAST if usage.get("speed") == "fast" else 1
    batch = BATCH if usage.get("service_tier") == "batch" else 1
    return Fraction(fast * batch * GEO.get(usage.get("inference_geo") or "", 1))


def _count(row: Mapping[str, Any], name: str) -> int:
    return row.get(name) or 0
