"""Every store keeps every contract."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from antiphon.stores.base import Store
from antiphon.stores.memory import MemoryStore
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import CONTRACTS


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store = (
        MemoryStore()
        if request.param == "memory"
        else SqlStore(SqliteDatabase(tmp_path / "data" / "antiphon.db"))
    )
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
async def test_contract(store: Store, contract: Callable[[Store], Awaitable[None]]) -> None:
    await contract(store)
