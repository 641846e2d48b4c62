"""Nano-dollars, as they are stored and added, to dollars, as they are shown. Exact in any decimal context."""

from decimal import Decimal

NANODOLLARS = 1_000_000_000
"""In a dollar."""


def dollars(nanodollars: int) -> Decimal:
    """The same amount in USD, without rounding."""
    return Decimal(dollars_text(nanodollars))


def dollars_text(nanodollars: int) -> str:
    """USD as a JSON decimal string: no exponent, no needless zeros: "0.000012345", "-1.5", "0"."""
    whole, rest = divmod(abs(nanodollars), NANODOLLARS)
    sign = "-" if nanodollars < 0 else ""
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".")
