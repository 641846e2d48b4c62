"""Every store keeps every contract."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from antiphon.stores.base import Store
from antiphon.stores.memory import MemoryStore
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import CONTRACTS, CONTRACTS_OF_TWO


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "antiphon.db"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else SqlStore(SqliteDatabase(path))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def other(store: Store, path: Path) -> AsyncIterator[Store]:
    """As another process has it; memory is shared within one."""
    if isinstance(store, MemoryStore):
        yield store
        return
    opened = SqlStore(SqliteDatabase(path))
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
async def test_contract(store: Store, contract: Callable[[Store], Awaitable[None]]) -> None:
    await contract(store)


@pytest.mark.parametrize("contract", CONTRACTS_OF_TWO, ids=lambda contract: contract.__name__)
async def test_contract_of_two(
    store: Store, other: Store, contract: Callable[[Store, Store], Awaitable[None]]
) -> None:
    await contract(store, other)
