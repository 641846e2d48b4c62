"""What a request costs, exactly: rational numbers until the one rounding (half to even) per ledger entry.

Source of the formula: Claude's public price list. `at` is always the UTC day of the request; `fast`, `geo`
and `batch` are what the usage in the response reports as `speed`, `inference_geo` and `service_tier`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from antiphon.domain.usage import Usage, tokens_of, usage_from_wire
from antiphon.money.facts import ModelFacts, Prices, Terms
from antiphon.money.table import ModelTable

Lifetime: TypeAlias = Literal["5m", "1h"]

PICODOLLARS_PER_NANODOLLAR = 1000
COUNT_MARGIN = Fraction(105, 100)
"""Token counts made before a request are estimates: 5 % more is held."""
ONE = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCost:
    """The cost of one request and what it was reckoned from."""

    usage: Usage
    """All tokens of the request; those of a refusal that costs nothing too."""
    nanodollars: int
    uncached_nanodollars: int
    """What it would have cost without any cache: all input at the plain input price."""
    prices: Prices
    """Those of the request's last iteration: with `multiplier`, the snapshot for the ledger."""
    multiplier: Fraction

    @property
    def saved_nanodollars(self) -> int:
        """Negative if more was paid for cache writes than their reads saved."""
        return self.uncached_nanodollars - self.nanodollars


@dataclass(frozen=True, slots=True)
class _Charge:
    """Tokens that are priced together: an iteration of a request, or all of it."""

    usage: Usage
    prices: Prices
    multiplier: Fraction

    def nanodollars(self) -> Fraction:
        usage, prices = self.usage, self.prices
        return self._times(
            usage.input_tokens * prices.input
            + usage.cache_write_5m_tokens * prices.write_5m
            + usage.cache_write_1h_tokens * prices.write_1h
            + usage.cache_read_tokens * prices.read
            + usage.output_tokens * prices.output
        )

    def uncached_nanodollars(self) -> Fraction:
        usage, prices = self.usage, self.prices
        return self._times(usage.total_input_tokens * prices.input + usage.output_tokens * prices.output)

    def _times(self, picodollars: int) -> Fraction:
        multiplier = self.multiplier
        return Fraction(
            picodollars * multiplier.numerator, multiplier.denominator * PICODOLLARS_PER_NANODOLLAR
        )


def cost_nanodollars(
    usage: Usage,
    facts: ModelFacts,
    *,
    at: date,
    fast: bool = False,
    geo: str | None = None,
    batch: bool = False,
) -> int:
    """The cost of one request with this usage."""
    prices = facts.prices(at, usage.total_input_tokens)
    charge = _Charge(usage, prices, _multiplier(facts.terms, fast=fast, geo=geo, batch=batch))
    return round(charge.nanodollars() + _fees(usage, facts))


def request_cost(
    wire: Mapping[str, Any],
    model: str,
    table: ModelTable,
    *,
    at: date,
    stop_reason: str | None = None,
    lifetime: Lifetime = "5m",
) -> RequestCost:
    """The cost of one request from the Messages API's `usage` object.

    With `iterations`, each is priced by its own prompt length and its own model (as `model` where the table
    does not list it): the counts beside them leave some of them out. A refusal before the first output token
    is not billed. `lifetime` is that of cache writes which the usage does not split by lifetime.

    Raises:
        UnknownModel: `model` has no price.
    """
    facts, whole = table.get(model), _usage(wire, lifetime)
    charges = [
        _charge(_usage(row, lifetime), table.find(str(row.get("model") or "")) or facts, wire, at)
        for row in wire.get("iterations") or ()
    ] or [_charge(whole, facts, wire, at)]
    last = charges[-1]
    billed = charges[:-1] if stop_reason == "refusal" and last.usage.output_tokens == 0 else charges
    fees = _fees(whole, facts) if billed else Fraction(0)
    return RequestCost(
        usage=_sum(charges, whole),
        nanodollars=_rounded([charge.nanodollars() for charge in billed], fees),
        uncached_nanodollars=_rounded([charge.uncached_nanodollars() for charge in billed], fees),
        prices=last.prices,
        multiplier=last.multiplier,
    )


def _rounded(charges: Sequence[Fraction], fees: Fraction) -> int:
    """Their sum, rounded once. Most requests are one charge: adding nothing to it costs as much as itself."""
    return round(charges[0] if len(charges) == 1 and not fees else sum(charges, fees))


def bound_nanodollars(
    facts: ModelFacts,
    input_tokens: int,
    max_tokens: int,
    at: date,
    *,
    fast: bool = False,
    geo: str | None = None,
) -> int:
    """The most that a request can cost, to be held before it: no usage within these limits costs more.

    `input_tokens` as counted before, plus 5 %, at the dearest kind of input and the dearest prices that so
    long a prompt can reach; `max_tokens` at the output price. Without a `geo` in the request, the workspace's
    setting decides it, so the dearest is held. Server tools have no such bound and are not in it: see
    `assumptions`.
    """
    longest = _ceil(input_tokens * COUNT_MARGIN.numerator, COUNT_MARGIN.denominator)
    prices = facts.dearest(at, longest)
    tokens = longest * prices.dearest_input + max_tokens * prices.output
    multiplier = dearest_multiplier(facts.terms, fast=fast, geo=geo)
    return _ceil(tokens * multiplier.numerator, multiplier.denominator * PICODOLLARS_PER_NANODOLLAR)


def _ceil(numerator: int, denominator: int) -> int:
    """Of a quotient of whole numbers, exactly, and without the price of making a fraction of it."""
    return -(-numerator // denominator)


def dearest_multiplier(terms: Terms, *, fast: bool, geo: str | None) -> Fraction:
    """The most that the prices of a request's tokens can be multiplied by."""
    region = max((ONE, *terms.geo.values())) if geo is None else terms.geo.get(geo, ONE)
    return max(terms.fast, ONE) * region if fast else region


def _fees(usage: Usage, facts: ModelFacts) -> Fraction:
    """Nano-dollars that no multiplier changes."""
    return Fraction(usage.web_search_requests * facts.terms.web_search, PICODOLLARS_PER_NANODOLLAR)


def _multiplier(terms: Terms, *, fast: bool, geo: Any, batch: bool) -> Fraction:
    """Fast and batch do not stack; should both be reported, the dearer one counts."""
    speed = terms.fast if fast else terms.batch if batch else ONE
    return speed * terms.geo[geo] if isinstance(geo, str) and geo in terms.geo else speed


def _charge(usage: Usage, facts: ModelFacts, wire: Mapping[str, Any], at: date) -> _Charge:
    multiplier = _multiplier(
        facts.terms,
        fast=wire.get("speed") == "fast",
        geo=wire.get("inference_geo"),
        batch=wire.get("service_tier") == "batch",
    )
    return _Charge(usage, facts.prices(at, usage.total_input_tokens), multiplier)


def _sum(charges: Sequence[_Charge], whole: Usage) -> Usage:
    """All tokens; thinking and searches are only counted for the whole."""
    if len(charges) == 1 and charges[0].usage is whole:
        return whole
    total = sum((charge.usage for charge in charges[1:]), charges[0].usage)
    return replace(
        total, thinking_tokens=whole.thinking_tokens, web_search_requests=whole.web_search_requests
    )


def _usage(wire: Mapping[str, Any], lifetime: Lifetime) -> Usage:
    """As the wire says, with every cache write counted.

    The split by lifetime may be absent, or older than the total beside it: what it leaves out was written by
    server tools, which use 5 minutes.
    """
    usage = usage_from_wire(wire)
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    split = wire.get("cache_creation")
    if lifetime == "1h" and not (isinstance(split, Mapping) and any(split.values())):
        return replace(usage, cache_write_5m_tokens=0, cache_write_1h_tokens=written)
    missing = tokens_of(wire.get("cache_creation_input_tokens")) - written
    if missing <= 0:
        return usage
    return replace(usage, cache_write_5m_tokens=usage.cache_write_5m_tokens + missing)
