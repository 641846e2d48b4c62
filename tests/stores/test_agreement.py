"""Whatever is asked of SQLite, it answers as the store in memory does."""

from pathlib import Path

import pytest

from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from tests.stores.walks import SEEDS, agrees


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_walk_ends_where_memory_ends(tmp_path: Path, seed: int) -> None:
    store = SqlStore(SqliteDatabase(tmp_path / "antiphon.db"))
    await store.open()
    try:
        await agrees(store, seed)
    finally:
        await store.close()
