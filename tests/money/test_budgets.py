"""Budgets as pure values: which accounts cover a request, and what is said when one does not."""

from datetime import UTC, datetime

import pytest

from antiphon.errors import InvalidRequest, OverBudget
from antiphon.money.budgets import Budget, Period, check_request, limits_of
from antiphon.money.dollars import dollars_text, nanodollars

NOON = int(datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp()) * 1000


def resets(period: Period, at: int = NOON) -> str | None:
    (limit,) = limits_of(
        [Budget(scope="installation", nanodollars=1, period=period)],
        principal="p",
        conversation_id="c",
        at=at,
    )
    return limit.resets_at


def test_a_period_ends_with_the_day_or_the_month_of_utc() -> None:
    assert resets("day") == resets("month") == "2027-01-01T00:00:00Z"
    assert resets("total") is None
    assert resets("day", NOON - 86_400_000) == "2026-12-31T00:00:00Z"
    assert resets("month", 0) == "1970-02-01T00:00:00Z"


def test_each_budget_that_covers_a_request_is_an_account_of_its_own_in_a_fixed_order() -> None:
    budgets = [
        Budget(scope="principal", nanodollars=2, period="day"),
        Budget(scope="conversation", nanodollars=1),
        Budget(scope="installation", nanodollars=3, period="month"),
        Budget(scope="request", nanodollars=4),
    ]
    forth, back = (
        limits_of(some, principal="p", conversation_id="c", at=NOON) for some in (budgets, budgets[::-1])
    )
    assert forth == back
    assert [(limit.scope, limit.owner, limit.nanodollars) for limit in forth] == [
        ("conversation", "c", 1),
        ("installation", "", 3),
        ("principal", "p", 2),
    ]
    assert len({limit.account for limit in forth}) == 3


def test_of_two_budgets_of_one_account_the_smaller_counts() -> None:
    budgets = [Budget(scope="conversation", nanodollars=most) for most in (5, 3, 4)]
    (limit,) = limits_of(budgets, principal="p", conversation_id="c", at=NOON)
    assert limit.nanodollars == 3


def test_a_refusal_names_the_budget_what_is_left_and_when_it_begins_anew() -> None:
    (limit,) = limits_of(
        [Budget(scope="principal", nanodollars=5_000_000_000, period="day")],
        principal="p",
        conversation_id="c",
        at=NOON,
    )
    error = limit.over(20_000_000)
    assert error.facts == {
        "budget": "principal/day",
        "left_usd": "0.02",
        "resets_at": "2027-01-01T00:00:00Z",
    }
    assert "0.02 USD are left of 5" in str(error)
    assert limit.over(-1).facts["left_usd"] == "0"


def test_a_request_may_cost_all_of_its_budget_and_no_more() -> None:
    budgets = [Budget(scope="request", nanodollars=10), Budget(scope="conversation", nanodollars=1)]
    check_request(budgets, 10)
    with pytest.raises(OverBudget) as refused:
        check_request(budgets, 11)
    assert refused.value.facts["budget"] == "request/total"


@pytest.mark.parametrize("usd", ["", "free", "-1", "NaN", "Infinity", float("inf"), 2_000_000_000])
def test_what_is_no_amount_of_money_is_refused(usd: str | float) -> None:
    with pytest.raises(InvalidRequest, match="amount in USD"):
        nanodollars(usd)


@pytest.mark.parametrize(
    ("usd", "text"), [(0.1, "0.1"), ("1e-9", "0.000000001"), ("0.0000000019", "0.000000001")]
)
def test_an_amount_is_read_to_the_nanodollar(usd: str | float, text: str) -> None:
    assert dollars_text(nanodollars(usd)) == text
