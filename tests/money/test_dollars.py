"""Amounts as people and programs read them."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.money.dollars import dollars, dollars_text

unhurried = settings(deadline=None)  # the machine may be busy


@pytest.mark.parametrize(
    ("nanodollars", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (12_345, "0.000012345"),
        (30_600_000, "0.0306"),
        (1_500_000_000, "1.5"),
        (100_000_000_000, "100"),
        (-250_000_000, "-0.25"),
        (10**40, "1" + "0" * 31),
    ],
)
def test_dollars_are_written_without_exponent_or_needless_zeros(nanodollars: int, text: str) -> None:
    assert dollars_text(nanodollars) == text
    assert dollars(nanodollars) == Decimal(text)


@unhurried
@given(st.integers())
def test_no_amount_is_rounded(nanodollars: int) -> None:
    with localcontext(prec=3):
        shown, written = dollars(nanodollars), Decimal(dollars_text(nanodollars))
    with localcontext(prec=200):
        assert shown == written == Decimal(nanodollars) / 10**9
    assert "e" not in dollars_text(nanodollars).lower()
