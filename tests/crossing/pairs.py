"""All pairs: so few rows that any two values of two factors meet in one of them."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]


def pairwise(*factors: Sequence[Any]) -> list[Row]:
    """Always the row that brings most new pairs, the first of those that do: the same rows each time."""
    rows = list(product(*(range(len(factor)) for factor in factors)))
    missing = {pair for row in rows for pair in _pairs(row)}
    chosen: list[Row] = []
    while missing:
        best = max(rows, key=lambda row: len(missing & _pairs(row)))
        missing -= _pairs(best)
        chosen.append(tuple(factor[at] for factor, at in zip(factors, best, strict=True)))
    return chosen


def _pairs(row: Row) -> set[Row]:
    return set(combinations(enumerate(row), 2))
