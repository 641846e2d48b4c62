"""Replicas in each other's way: each gets an answer, and none a fault."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle

import asyncpg

from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.errors import AntiphonError, Conflict, NotFound
from antiphon.money.budgets import Limit
from antiphon.stores.base import Change, Lease
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import LEASE_S, ME, a_conversation, a_turn, lease_of, start, the_end
from antiphon.testing.stores.ledgers import opened
from tests.stores.postgres.conftest import run_sql
from tests.stores.postgres.server import Server

DELTA = e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": "hi"})


async def running_turns(store: SqlStore, count: int, lease_s: float = LEASE_S) -> list[Lease]:
    leases = []
    for _ in range(count):
        acceptance = a_turn((await a_conversation(store)).id, lease_s=lease_s)
        lease = lease_of(await store.accept(acceptance))
        await start(store, acceptance, lease)
        leases.append(lease)
    return leases


async def outcomes(calls: Sequence[Awaitable[object]]) -> list[type[AntiphonError] | None]:
    """What each raised on purpose, all at once; anything else fails the test."""

    async def outcome(call: Awaitable[object]) -> type[AntiphonError] | None:
        try:
            await call
        except AntiphonError as error:
            return type(error)
        return None

    return await asyncio.gather(*map(outcome, calls))


async def test_whatever_touches_the_same_conversations_at_once_never_deadlocks(
    store: SqlStore, other: SqlStore, url: str, server: Server
) -> None:
    """For a second, in any order, from two replicas. The server counts deadlocks, also those that we mend."""
    leases = await running_turns(store, 8)
    until = time.monotonic() + 1.0
    done = dict.fromkeys(("flush", "accept", "append", "renew", "claim"), 0)

    async def keep(name: str, act: Callable[[SqlStore, list[Lease]], Awaitable[object]]) -> None:
        for replica in cycle([store, other]):
            if time.monotonic() > until:
                return
            await act(replica, random.sample(leases, 6))
            done[name] += 1

    async def flush(replica: SqlStore, some: list[Lease]) -> None:
        results = await replica.flush([(lease, [DELTA, DELTA]) for lease in some])
        assert None not in results

    async def accept(replica: SqlStore, some: list[Lease]) -> None:
        await replica.accept(a_turn(some[0].conversation_id, queue_max=10_000, key=new_id()))

    async def append(replica: SqlStore, some: list[Lease]) -> None:
        await replica.append(some[0].conversation_id, Change(events=[e.TitleChange(at=4, title="T")]))

    async def renew(replica: SqlStore, some: list[Lease]) -> None:
        assert await replica.renew(some, LEASE_S) == []

    async def claim(replica: SqlStore, some: list[Lease]) -> None:
        assert await replica.claim("replica-3", LEASE_S) == []

    acts = (flush, accept, append, renew, claim)
    await asyncio.gather(*(keep(act.__name__, act) for act in acts for _ in range(2)))
    for lease in leases:
        frames = await store.read(lease.conversation_id, 0, limit=100_000)
        assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert min(done.values()) > 0, done
    await store.close()
    await other.close()
    database = url.rpartition("/")[2]
    (row,) = await run_sql(
        server.url(), f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{database}'"
    )
    assert row["deadlocks"] == 0, done


async def test_two_replicas_that_sweep_at_once_never_get_the_same_turn(
    store: SqlStore, other: SqlStore
) -> None:
    leases = await running_turns(store, 24)
    assert await store.renew(leases, 0) == []
    claimed: list[Lease] = []
    async with asyncio.timeout(10):
        while len(claimed) < len(leases):
            sweeps = [
                replica.claim(f"replica {n}", LEASE_S, 4) for n in range(4) for replica in (store, other)
            ]
            claimed += [lease for sweep in await asyncio.gather(*sweeps) for lease in sweep]
    assert sorted(lease.turn_id for lease in claimed) == sorted(lease.turn_id for lease in leases)
    assert {lease.counter for lease in claimed} == {2}
    assert await store.renew(claimed, LEASE_S) == []


async def test_a_sweep_leaves_the_conversation_that_somebody_writes_to_just_now(
    store: SqlStore, url: str
) -> None:
    busy, idle = await running_turns(store, 2)
    await store.renew([busy, idle], 0)
    writing = await asyncpg.connect(url)
    try:
        async with writing.transaction():
            await writing.execute(f"UPDATE conversations SET title = 'T' WHERE id = '{busy.conversation_id}'")
            async with asyncio.timeout(2):
                (claimed,) = await store.claim("replica-2", LEASE_S)
    finally:
        await writing.close()
    assert claimed.turn_id == idle.turn_id
    (claimed,) = await store.claim("replica-2", LEASE_S)
    assert claimed.turn_id == busy.turn_id


async def test_a_key_that_is_claimed_anew_while_old_ones_are_dropped_stays(store: SqlStore, url: str) -> None:
    acceptance = a_turn((await a_conversation(store)).id, key="key")
    await store.accept(acceptance)
    await run_sql(url, "UPDATE keys SET expires_at = 1")
    claiming = await asyncpg.connect(url)
    try:
        async with claiming.transaction():
            await claiming.execute(f"UPDATE keys SET expires_at = {2**40}")
            dropping = asyncio.create_task(store.prune(0))
            await asyncio.sleep(0.2)
            assert not dropping.done(), "it waits for who claims the key"
        await dropping
    finally:
        await claiming.close()
    assert len(await run_sql(url, "SELECT * FROM keys")) == 1


async def test_the_first_requests_of_a_budget_are_all_held_at_once(store: SqlStore, other: SqlStore) -> None:
    headers = [await a_conversation(store) for _ in range(8)]
    for day in range(40):
        limit = Limit(scope="installation", period="day", owner="", since=day, nanodollars=10**9)
        replicas = zip(cycle((store, other)), headers, strict=False)
        calls = [replica.append(header.id, opened(5, limit)[1]) for replica, header in replicas]
        assert await outcomes(calls) == [None] * len(headers)


async def test_a_name_that_two_replicas_create_at_once_is_one_conversation(
    store: SqlStore, other: SqlStore
) -> None:
    for number in range(5):
        made = await asyncio.gather(
            *(a_conversation(replica, name=f"support {number}") for replica in (store, other) * 4)
        )
        assert len({header.id for header in made}) == 1
    assert len(await store.recent(ME, before=None, limit=100)) == 5


async def test_an_id_that_two_replicas_create_at_once_is_made_once(store: SqlStore, other: SqlStore) -> None:
    event = e.ConversationCreate(at=1)
    for _ in range(5):
        conversation_id = new_id()
        calls = [replica.create(ME, conversation_id, event) for replica in (store, other) * 2]
        assert sorted(map(str, await outcomes(calls))) == sorted(map(str, [None, *[Conflict] * 3]))


async def test_an_id_is_not_reused_by_who_creates_it_while_it_is_deleted(
    store: SqlStore, other: SqlStore
) -> None:
    event = e.ConversationCreate(at=1)
    for _ in range(10):
        header = await a_conversation(store)
        deleted, created = await outcomes([store.delete(ME, header.id), other.create(ME, header.id, event)])
        assert (deleted, created) == (None, Conflict)


async def test_a_conversation_that_two_replicas_delete_at_once_is_deleted_once(
    store: SqlStore, other: SqlStore
) -> None:
    for _ in range(5):
        header = await a_conversation(store)
        calls = [replica.delete(ME, header.id) for replica in (store, other) * 2]
        assert sorted(map(str, await outcomes(calls))) == sorted(map(str, [None, *[NotFound] * 3]))
        await a_conversation(store, name="mine")
        gone = await asyncio.gather(*(replica.forget(ME, "mine") for replica in (store, other) * 2))
        assert sum(header is not None for header in gone) == 1


async def test_messages_sent_to_two_replicas_at_once_are_all_queued(store: SqlStore, other: SqlStore) -> None:
    header = await a_conversation(store)
    turns = [a_turn(header.id, f"message {n}") for n in range(20)]
    accepted = await asyncio.gather(
        *(replica.accept(turn) for turn, replica in zip(turns, cycle([store, other]), strict=False))
    )
    (lease,) = [answer.lease for answer in accepted if answer.lease]
    order = [answer.turn_id for answer in sorted(accepted, key=lambda answer: answer.seq)]
    ran = [lease.turn_id]
    following: Lease | None = lease
    while following is not None:
        following = (await other.end(following, the_end(following.turn_id, None), LEASE_S)).next
        ran += [following.turn_id] if following else []
    assert ran == order
