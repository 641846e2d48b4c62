"""Whatever is asked of Redis, it answers as the store in memory does."""

import pytest

from tests.stores.redis.conftest import opened
from tests.stores.walks import SEEDS, agrees


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_walk_ends_where_memory_ends(url: str, seed: int) -> None:
    async with opened(url) as store:
        await agrees(store, seed)
