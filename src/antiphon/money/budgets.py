"""Budgets: how much may be spent, by whom, in which time. Pure.

Before a request its bound is held in the account of each budget that covers it; afterwards the cost takes the
hold's place. What an account has spent and holds never exceeds its limit, however many requests race.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, TypeAlias

from antiphon.errors import OverBudget
from antiphon.money.dollars import dollars_text

Scope: TypeAlias = Literal["request", "conversation", "principal", "installation"]
Period: TypeAlias = Literal["total", "month", "day"]

WHOSE: dict[Scope, str] = {
    "request": "of one request",
    "conversation": "of this conversation",
    "principal": "of this person",
    "installation": "of this installation",
}
SPAN: dict[Period, str] = {"total": "", "month": " for this month", "day": " for today"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`nanodollars` may be spent in each period (UTC), by each of what the scope names."""

    scope: Scope
    nanodollars: int
    period: Period = "total"

    @property
    def label(self) -> str:
        """As people and programs read it: `principal/day`."""
        return f"{self.scope}/{self.period}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A budget as it covers one request: an account that may hold and have spent so much."""

    scope: Scope
    period: Period
    owner: str
    """The conversation or principal; empty for the installation."""
    since: int
    """The beginning of the period in milliseconds since the epoch; 0 for all time."""
    nanodollars: int

    @property
    def account(self) -> str:
        return f"{self.scope}:{self.period}:{self.since}:{self.owner}"

    def over(self, left: int) -> OverBudget:
        """The refusal to hold more than is `left` (nano-dollars)."""
        left_usd, resets_at = dollars_text(max(left, 0)), self.resets_at
        again = f" It begins anew at {resets_at}." if resets_at else ""
        return OverBudget(
            f"The budget {WHOSE[self.scope]}{SPAN[self.period]} does not cover this request: "
            f"{left_usd} USD are left of {dollars_text(self.nanodollars)}. "
            f"Nothing was sent to Claude.{again}",
            budget=f"{self.scope}/{self.period}",
            left_usd=left_usd,
            resets_at=resets_at,
        )

    @property
    def resets_at(self) -> str | None:
        """When the next period begins, as RFC 3339 has it; None for a total."""
        start = datetime.fromtimestamp(self.since / 1000, UTC).date()
        match self.period:
            case "total":
                return None
            case "day":
                following = start + timedelta(days=1)
            case "month":
                following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        return f"{following.isoformat()}T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The most that a request can cost, and the accounts it is held in, sorted."""

    nanodollars: int
    limits: tuple[Limit, ...] = ()


def limits_of(
    budgets: Sequence[Budget], *, principal: str, conversation_id: str, at: int
) -> tuple[Limit, ...]:
    """The accounts that cover a request made at `at` (milliseconds since the epoch), in order of their names.

    Of budgets with the same scope and period the smallest counts. Those of single requests have no account:
    see `check_request`.
    """
    if not budgets:
        return ()
    owners: dict[Scope, str] = {
        "conversation": conversation_id,
        "principal": principal,
        "installation": "",
    }
    day = datetime.fromtimestamp(at / 1000, UTC).date()
    limits = (
        Limit(
            scope=budget.scope,
            period=budget.period,
            owner=owners[budget.scope],
            since=_since(budget.period, day),
            nanodollars=budget.nanodollars,
        )
        for budget in budgets
        if budget.scope != "request"
    )
    # The smallest of an account comes last, and stays: an account must not hold a request twice.
    by_account = {limit.account: limit for limit in sorted(limits, key=lambda limit: -limit.nanodollars)}
    return tuple(sorted(by_account.values(), key=lambda limit: limit.account))


def check_request(budgets: Sequence[Budget], bound: int) -> None:
    """Raises OverBudget: this request alone could cost more than a budget of single requests allows."""
    for budget in budgets:
        if budget.scope == "request" and bound > budget.nanodollars:
            alone = Limit(scope="request", period="total", owner="", since=0, nanodollars=budget.nanodollars)
            raise alone.over(budget.nanodollars)


def _since(period: Period, day: date) -> int:
    match period:
        case "total":
            return 0
        case "month":
            day = day.replace(day=1)
        case "day":
            pass
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
