"""Whatever is asked of PostgreSQL, it answers as the store in memory does."""

import pytest

from antiphon.stores.sql.store import SqlStore
from tests.stores.walks import SEEDS, agrees


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_walk_ends_where_memory_ends(store: SqlStore, seed: int) -> None:
    await agrees(store, seed)
