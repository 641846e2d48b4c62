"""What is known of a model: its prices by day and prompt length, and what it accepts.

Money is exact: a price is an integer number of picodollars per token. One picodollar per token is one
millionth of a dollar per million tokens, so a price of 2.50 USD per MTok is 2,500,000.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal, TypeAlias

Thinking: TypeAlias = Literal["adaptive", "between_tools", "enabled", "disabled"]
Effort: TypeAlias = Literal["low", "medium", "high", "xhigh", "max"]

EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
"""All levels, from the least to the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a token of each kind costs, in picodollars."""

    input: int
    output: int
    write_5m: int
    write_1h: int
    read: int

    @property
    def dearest_input(self) -> int:
        return max(self.input, self.write_5m, self.write_1h, self.read)


NOTHING = Prices(input=0, output=0, write_5m=0, write_1h=0, read=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """Prices that hold from the day `starts` (UTC) on, for requests with more than `above` prompt tokens."""

    prices: Prices
    starts: date = date.min
    above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is charged beside the tokens' prices: multipliers of all of them, and fees."""

    fast: Fraction = Fraction(1)
    batch: Fraction = Fraction(1)
    geo: Mapping[str, Fraction] = field(default_factory=dict)
    """Multiplier by `inference_geo`; 1 where it is not listed."""
    web_search: int = 0
    """Picodollars for each search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """One model. The meaning of each field is told at the top of `prices.toml`."""

    name: str
    rows: tuple[PriceRow, ...]
    """Sorted by day, then by prompt length. The first row of a day is for prompts of any length."""
    terms: Terms
    context: int
    max_out: int
    also: tuple[str, ...] = ()
    min_cache: int
    thinking: tuple[Thinking, ...]
    thinking_default: Thinking
    thinking_up_to: Mapping[Thinking, Effort]
    efforts: tuple[Effort, ...]
    effort_default: Effort | None
    forced_tool_choice: bool
    structured: bool = False
    prewarm: bool = False
    compact_cold: int | None = None
    compact_warm: int | None = None
    fast: bool = False
    fast_until: date | None = None
    retires: date | None = None
    kept_until: date | None = None

    @property
    def free(self) -> bool:
        return all(row.prices == NOTHING for row in self.rows)

    def prices(self, at: date, prompt_tokens: int) -> Prices:
        """What each token of a request costs whose prompt has that many tokens, cached ones included."""
        return self._reach(at, prompt_tokens)[-1]

    def dearest(self, at: date, prompt_tokens: int) -> Prices:
        """The most that a token of each kind can cost if the prompt has at most that many tokens."""
        reach = self._reach(at, prompt_tokens)
        if len(reach) == 1:
            return reach[0]
        return Prices(
            input=max(prices.input for prices in reach),
            output=max(prices.output for prices in reach),
            write_5m=max(prices.write_5m for prices in reach),
            write_1h=max(prices.write_1h for prices in reach),
            read=max(prices.read for prices in reach),
        )

    def fast_on_offer(self, at: date) -> bool:
        return self.fast and (self.fast_until is None or at < self.fast_until)

    def accepts_thinking(self, thinking: Thinking, effort: Effort | None = None) -> bool:
        """True if the model takes this thinking type at this effort (None: its own default effort)."""
        if thinking not in self.thinking:
            return False
        limit, effort = self.thinking_up_to.get(thinking), effort or self.effort_default
        return limit is None or effort is None or EFFORTS.index(effort) <= EFFORTS.index(limit)

    def _reach(self, at: date, prompt_tokens: int) -> list[Prices]:
        """The prices in force that day, up to and including those for this prompt."""
        reach: list[Prices] = []
        starts: date | None = None
        for row in self.rows:
            if row.starts > at:
                break
            if row.starts != starts:
                starts = row.starts
                reach.clear()
            if row.above == 0 or row.above < prompt_tokens:
                reach.append(row.prices)
        return reach
