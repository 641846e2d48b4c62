"""What was spent and what is left, as every face tells it. Amounts are decimal strings of US dollars."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any, get_args

from antiphon.errors import InvalidRequest
from antiphon.money.budgets import Budget, limits_of
from antiphon.money.dollars import dollars_text
from antiphon.money.ledger import Dimension, UsageRow
from antiphon.stores.base import Ledger

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
SUMS = ("cost_nanodollars", "saved_nanodollars", "open_nanodollars", "unsettled_nanodollars")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A budget in force. `left` (nano-dollars) is None where each request, or conversation, has its own."""

    budget: str
    """Its scope and period, as in `principal/day`."""
    nanodollars: int
    left: int | None = None
    resets_at: str | None = None

    def body(self) -> dict[str, Any]:
        return {
            "budget": self.budget,
            "usd": dollars_text(self.nanodollars),
            "left_usd": None if self.left is None else dollars_text(max(self.left, 0)),
            "resets_at": self.resets_at,
        }


async def standings(
    ledger: Ledger, budgets: Sequence[Budget], principal: str, conversation_id: str | None, at: int
) -> list[Standing]:
    """Of all budgets that cover this principal, and this conversation if one is named."""
    limits = limits_of(budgets, principal=principal, conversation_id=conversation_id or "", at=at)
    known = [limit for limit in limits if conversation_id or limit.scope != "conversation"]
    each = [budget for budget in budgets if budget.scope == "request"]
    if conversation_id is None:
        each += [budget for budget in budgets if budget.scope == "conversation"]
    found = [Standing(budget=budget.label, nanodollars=budget.nanodollars) for budget in each]
    for limit, left in zip(known, await ledger.left(known) if known else (), strict=True):
        found.append(
            Standing(
                budget=f"{limit.scope}/{limit.period}",
                nanodollars=limit.nanodollars,
                left=left,
                resets_at=limit.resets_at,
            )
        )
    return found


def dimensions(names: str) -> tuple[Dimension, ...]:
    """Read names with commas between them, each once. Raises InvalidRequest."""
    asked = dict.fromkeys(name.strip() for name in names.split(","))
    known = tuple(name for name in DIMENSIONS if name in asked)
    if len(known) < len(asked):
        raise InvalidRequest(f"Costs can be summed by {', '.join(DIMENSIONS)}, with commas between them.")
    return tuple(sorted(known, key=list(asked).index))


def beginning(day: date) -> int:
    """Of a day (UTC), in milliseconds since the epoch."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def ending(day: date) -> int:
    """The beginning of the day after; of the last day there is, an hour that never comes."""
    return beginning(day) + int(timedelta(days=1).total_seconds()) * 1000


def total(rows: Sequence[UsageRow]) -> UsageRow:
    """Of all rows together."""

    def add(one: UsageRow, other: UsageRow) -> UsageRow:
        sums = {name: getattr(one, name) + getattr(other, name) for name in SUMS}
        return replace(one, requests=one.requests + other.requests, usage=one.usage + other.usage, **sums)

    return reduce(add, rows, UsageRow(key={}))


def row_body(row: UsageRow) -> dict[str, Any]:
    """A row as JSON has it: what it is the sum of, then the sums."""
    sums = {name.replace("_nanodollars", "_usd"): dollars_text(getattr(row, name)) for name in SUMS}
    place: dict[str, Any] = {str(name): value for name, value in row.key.items()}
    return {**place, "requests": row.requests, "usage": asdict(row.usage), **sums}


def report_body(
    by: Sequence[Dimension], rows: Sequence[UsageRow], budgets: Sequence[Standing]
) -> dict[str, Any]:
    """All of it: the body of `GET /v1/usage`, and what `antiphon cost --json` prints."""
    return {
        "by": list(by),
        "rows": [row_body(row) for row in rows],
        "total": row_body(total(rows)),
        "budgets": [standing.body() for standing in budgets],
    }
