"""PostgreSQL keeps every contract."""

from collections.abc import Awaitable, Callable

import pytest

from antiphon.stores.base import Store
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import CONTRACTS, CONTRACTS_OF_TWO


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
async def test_contract(store: SqlStore, contract: Callable[[Store], Awaitable[None]]) -> None:
    await contract(store)


@pytest.mark.parametrize("contract", CONTRACTS_OF_TWO, ids=lambda contract: contract.__name__)
async def test_contract_of_two(
    store: SqlStore, other: SqlStore, contract: Callable[[Store, Store], Awaitable[None]]
) -> None:
    await contract(store, other)
