"""Requests race, are cancelled, and lose their conversations: accounts still say what ledgers say."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from random import Random

from antiphon.domain.conversations import Header
from antiphon.errors import NotFound, OverBudget
from antiphon.money.ledger import UsageQuery
from antiphon.stores.redis.keys import HELD
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import a_conversation
from antiphon.testing.stores.ledgers import a_limit, closed, opened
from tests.stores.redis.conftest import emptied
from tests.stores.redis.conftest import opened as opened_store
from tests.stores.redis.servers import RunningServer
from tests.stores.redis.test_installation import ALL, wait_for_the_sweep

WIDE = replace(ALL, nanodollars=2000)
OWN = 400


async def some_requests(replicas: list[RedisStore], header: Header, random: Random) -> None:
    """One after the other; some are cancelled on their way, some never end."""
    for _ in range(10):
        task = asyncio.create_task(a_request(random.choice(replicas), header, random))
        if random.random() < 0.2:
            await asyncio.wait([task], timeout=random.random() / 50)
            task.cancel()
        with suppress(OverBudget, NotFound, asyncio.CancelledError):
            await task


async def a_request(store: RedisStore, header: Header, random: Random) -> None:
    held = random.randrange(1, 120)
    request, opening = opened(held, WIDE, a_limit(header, OWN))
    await store.append(header.id, opening)
    if random.random() < 0.8:
        await store.append(header.id, closed(request, random.randrange(held + 1)))


async def test_after_a_storm_accounts_say_what_ledgers_say(cluster: list[RunningServer]) -> None:
    random, url = Random(7), emptied(cluster)
    async with opened_store(url) as store, opened_store(url) as other:
        headers = [await a_conversation(store, principal=f"principal-{number}") for number in range(12)]
        storm = [some_requests([store, other], header, random) for header in headers]
        for header in headers[:2]:
            await store.append(header.id, opened(50, WIDE, a_limit(header, OWN))[1])
        await asyncio.gather(*storm, other.delete(headers[0].principal, headers[0].id))
        left = await store.left([WIDE])
        (all_,) = await store.usage(UsageQuery(by=()))
        assert 0 <= left[0] <= WIDE.nanodollars - all_.cost_nanodollars, "never too little"
        with cluster[0].client() as client:
            assert client.zcard(HELD) > 0
            wait_for_the_sweep(client)
        await store.claim("replica-2", 30)
        assert await store.left([WIDE]) == [WIDE.nanodollars - all_.cost_nanodollars]
        rows = await store.usage(UsageQuery(by=("principal",)))
        costs = {row.key["principal"]: row.cost_nanodollars for row in rows}
        own = await store.left([a_limit(header, OWN) for header in headers])
        assert [OWN - each for each in own] == [costs.get(header.principal, 0) for header in headers]
