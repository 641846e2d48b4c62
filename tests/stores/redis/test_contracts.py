"""The store keeps every contract on Valkey, on Redis, and on a cluster."""

from collections.abc import Awaitable, Callable

import pytest

from antiphon.stores.base import Store
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import CONTRACTS, CONTRACTS_OF_TWO


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
async def test_contract(store: RedisStore, contract: Callable[[Store], Awaitable[None]]) -> None:
    await contract(store)


@pytest.mark.parametrize("contract", CONTRACTS_OF_TWO, ids=lambda contract: contract.__name__)
async def test_contract_of_two(
    store: RedisStore, other: RedisStore, contract: Callable[[Store, Store], Awaitable[None]]
) -> None:
    await contract(store, other)
