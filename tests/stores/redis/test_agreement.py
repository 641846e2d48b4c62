"""Whatever is asked of it, the store answers as the store in memory does, which is the reference."""

import pytest

from antiphon.stores.memory import MemoryStore
from tests.stores.redis.conftest import opened
from tests.stores.redis.walks import Walk, outcome

STEPS = 150


@pytest.mark.parametrize("seed", range(6))
async def test_a_random_walk_ends_where_memory_ends(url: str, seed: int) -> None:
    ids: list[str] = []
    there, here = Walk(seed, ids), Walk(seed, ids)
    reference = MemoryStore()
    async with opened(url) as store:
        for number in range(STEPS):
            name, expected = there.step()
            _, asked = here.step()
            answer = await outcome(asked(store))
            assert answer == await outcome(expected(reference)), f"step {number}: {name}"
        assert await here.look()(store) == await there.look()(reference)
        assert there.known == here.known
