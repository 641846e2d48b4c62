"""The table of models, and days to ask it about."""

from datetime import date

import pytest

from antiphon.money.table import ModelTable, load_facts

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def table() -> ModelTable:
    return load_facts()


@pytest.fixture
def today() -> date:
    """The day of the price list."""
    return TODAY
