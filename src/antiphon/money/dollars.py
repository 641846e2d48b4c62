"""Nano-dollars, as they are stored and added, to dollars, as they are shown. Exact in any decimal context."""

from decimal import Decimal, InvalidOperation

from antiphon.errors import InvalidRequest

NANODOLLARS = 1_000_000_000
"""In a dollar."""
MOST_USD = 1_000_000_000
"""Nine times as many nano-dollars fit into the 64 bits that stores have for them."""


def dollars(nanodollars: int) -> Decimal:
    """The same amount in USD, without rounding."""
    return Decimal(dollars_text(nanodollars))


def dollars_text(nanodollars: int) -> str:
    """USD as a JSON decimal string: no exponent, no needless zeros: "0.000012345", "-1.5", "0"."""
    whole, rest = divmod(abs(nanodollars), NANODOLLARS)
    sign = "-" if nanodollars < 0 else ""
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".")


def nanodollars(usd: Decimal | str | float) -> int:
    """An amount in USD that somebody gives, `0.5` or `"0.50"`; what is finer than a nano-dollar is cut off.

    Raises:
        InvalidRequest: it is no number, negative, or more than `MOST_USD`.
    """
    try:
        amount = Decimal(str(usd))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount <= MOST_USD):
        raise InvalidRequest(f"A budget must be an amount in USD from 0 to {MOST_USD:,}, such as 0.50.")
    return int(amount * NANODOLLARS)
