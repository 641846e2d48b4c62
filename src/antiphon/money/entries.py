"""One model's table, as it stands in `prices.toml` or `antiphon.toml`, to `ModelFacts`.

Both files are read by the same rules; the user's may leave out what has a default.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any, TypeAlias

import msgspec

from antiphon.errors import ConfigurationError
from antiphon.money.facts import NOTHING, Effort, ModelFacts, PriceRow, Prices, Terms, Thinking

PRICE_FIELDS = ("in", "out", "write5m", "write1h", "read")
LIMIT_FIELDS = ("context", "max_out")
EXPECTED = (
    "Give in, out, write5m, write1h and read in USD per million tokens, and context and max_out in tokens; "
    "or free = true for a model that costs nothing."
)
PICODOLLARS_PER_DOLLAR = 10**12
TOKENS_PER_MTOK = 10**6
DEAREST = 1_000_000
"""USD per MTok; more is a mistake of units."""
DECIMALS = 6
"""Of a price in USD per MTok, so that it is a whole number of picodollars per token."""

Tokens: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]


class FivePrices(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"input": "in", "output": "out", "write_5m": "write5m", "write_1h": "write1h"},
):
    """USD per MTok, as yet unchecked; None where nothing was said."""

    input: Any = None
    output: Any = None
    write_5m: Any = None
    write_1h: Any = None
    read: Any = None


class RowEntry(FivePrices, frozen=True, kw_only=True, rename={"starts": "from"}):
    """Prices of a later day or of longer prompts; those that are absent are the model's own."""

    starts: date = date.min
    above: Annotated[int, msgspec.Meta(ge=0)] = 0


class ModelEntry(FivePrices, frozen=True, kw_only=True, rename={"efforts": "effort"}):
    """A model's table. None means that nothing was said."""

    free: bool = False
    price: tuple[RowEntry, ...] = ()
    context: Tokens | None = None
    max_out: Tokens | None = None
    also: tuple[str, ...] | None = None
    min_cache: Tokens | None = None
    thinking: tuple[Thinking, ...] | None = None
    thinking_default: Thinking | None = None
    thinking_up_to: dict[Thinking, Effort] | None = None
    efforts: tuple[Effort, ...] | None = None
    effort_default: Effort | None = None
    forced_tool_choice: bool | None = None
    structured: bool | None = None
    prewarm: bool | None = None
    compact_cold: Tokens | None = None
    compact_warm: Tokens | None = None
    geo: bool | None = None
    fast: bool | None = None
    fast_until: date | None = None
    retires: date | None = None
    kept_until: date | None = None


COPIED = tuple(field.name for field in fields(ModelFacts) if field.name in ModelEntry.__struct_fields__)
"""What passes from the entry to the facts as it is."""


def read_terms(table: Mapping[str, Any]) -> Terms:
    """The `[terms]` of `prices.toml`."""
    return Terms(
        fast=Fraction(table["fast"]),
        batch=Fraction(table["batch"]),
        geo={place: Fraction(multiplier) for place, multiplier in table["geo"].items()},
        web_search=int(table["web_search"] * PICODOLLARS_PER_DOLLAR),
    )


def read_model(
    name: str, table: Any, *, where: str, terms: Terms, known: ModelFacts | None = None
) -> ModelFacts:
    """The facts that one table states; `known` gives those it leaves out, except prices.

    Raises:
        ConfigurationError: a field is missing, unknown or of the wrong kind. `where` begins the sentence.
    """
    try:
        entry = msgspec.convert(table, ModelEntry)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where} cannot be used: {error}. {EXPECTED}") from error
    base = known or _unspecified(terms)
    _check_complete(entry, table, where, known)
    stated = {name: value for name in COPIED if (value := getattr(entry, name)) is not None}
    return replace(
        base,
        name=name,
        rows=_rows(entry, where),
        terms=_terms(entry, base.terms),
        **({"also": ()} if base.name != name else {}) | stated,
    )


def _unspecified(terms: Terms) -> ModelFacts:
    """What is assumed of a model of the user's own: nothing is sent that it might not accept."""
    return ModelFacts(
        name="",
        rows=(PriceRow(prices=NOTHING),),
        terms=terms,
        context=8192,  # the smallest window of the local models on offer
        max_out=4096,
        min_cache=512,  # the smallest known: a breakpoint below the true one is ignored and costs nothing
        thinking=(),
        thinking_default="disabled",
        thinking_up_to={},
        efforts=(),
        effort_default=None,
        forced_tool_choice=False,
    )


def _check_complete(
    entry: ModelEntry, table: Mapping[str, Any], where: str, known: ModelFacts | None
) -> None:
    needed = PRICE_FIELDS if known else PRICE_FIELDS + LIMIT_FIELDS
    if not entry.free:
        missing = [field for field in needed if field not in table]
        if missing:
            raise ConfigurationError(f"{where} lacks {', '.join(missing)}. {EXPECTED}")
    elif any(field in table for field in (*PRICE_FIELDS, "price")):
        raise ConfigurationError(f"{where} says free = true and gives prices too. {EXPECTED}")


def _terms(entry: ModelEntry, base: Terms) -> Terms:
    if entry.free:
        return Terms()
    return replace(base, geo={}) if entry.geo is False else base


def _rows(entry: ModelEntry, where: str) -> tuple[PriceRow, ...]:
    if entry.free:
        return (PriceRow(prices=NOTHING),)
    own = _prices(entry, where, None)
    further = [
        PriceRow(prices=_prices(row, where, own), starts=row.starts, above=row.above) for row in entry.price
    ]
    rows = sorted((PriceRow(prices=own), *further), key=lambda row: (row.starts, row.above))
    keys = [(row.starts, row.above) for row in rows]
    if len(set(keys)) < len(keys) or any((starts, 0) not in keys for starts, _ in keys):
        raise ConfigurationError(
            f"{where}: each row under price needs a from or an above that no other row has, and each from "
            "needs a row without above."
        )
    return tuple(rows)


def _prices(entry: FivePrices, where: str, default: Prices | None) -> Prices:
    def price(field: str, key: str) -> int:
        value = getattr(entry, field)
        return getattr(default, field) if value is None and default else _price(value, key, where)

    return Prices(
        input=price("input", "in"),
        output=price("output", "out"),
        write_5m=price("write_5m", "write5m"),
        write_1h=price("write_1h", "write1h"),
        read=price("read", "read"),
    )


def _price(value: Any, key: str, where: str) -> int:
    """From USD per MTok to picodollars per token. A float means what is written: 0.1 is a tenth."""
    with suppress(InvalidOperation):
        usd = Decimal(str(value))
        if 0 <= usd <= DEAREST and (usd == 0 or usd.adjusted() >= -DECIMALS):
            picodollars = Fraction(usd) * PICODOLLARS_PER_DOLLAR / TOKENS_PER_MTOK
            if picodollars.denominator == 1:
                return int(picodollars)
    raise ConfigurationError(
        f"{where}: {key} must be a number of USD per million tokens, from 0 to {DEAREST:,} and with at most "
        f"{DECIMALS} decimals."
    )
