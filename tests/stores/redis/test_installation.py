"""Budgets of the installation span principals, and so nodes: what they hold is what the ledgers say."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from redis import Redis

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_id
from antiphon.errors import FenceLost, OverBudget, StoreUnavailable
from antiphon.money.budgets import Hold, Limit
from antiphon.money.ledger import UsageQuery
from antiphon.stores.base import Acceptance, Change, Start
from antiphon.stores.redis import entries
from antiphon.stores.redis.installation import LOOK_MS, Overdue
from antiphon.stores.redis.keys import ACCOUNTS, HELD, HOLDS
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import ME, a_conversation, a_turn, lease_of, refused, the_end
from antiphon.testing.stores.ledgers import DAY, SPENT, a_limit, closed, opened
from antiphon.testing.stores.making import a_start
from tests.stores.redis.conftest import opened as opened_store
from tests.stores.redis.conftest import until
from tests.stores.redis.servers import RunningServer

PRINCIPALS = [f"principal-{number}" for number in range(10)]
ALL = Limit(scope="installation", period="total", owner="", since=0, nanodollars=100)


async def conversations_of(store: RedisStore, principals: Sequence[str] = PRINCIPALS) -> list[Header]:
    return [await a_conversation(store, principal=principal) for principal in principals]


def starting(turn: Acceptance, last_seq: int, hold: Hold) -> Acceptance:
    start = a_start(turn, last_seq)
    return replace(turn, start=Start(last_seq=start.last_seq, change=replace(start.change, hold=hold)))


def wait_for_the_sweep(client: Redis) -> None:
    """As when a minute has passed since somebody looked."""
    for place, _ in client.zscan_iter(HELD):
        client.zincrby(HELD, -LOOK_MS - 1, place)


async def test_racing_requests_of_all_principals_hold_no_more_than_there_is(
    store: RedisStore, other: RedisStore
) -> None:
    headers = await conversations_of(store)

    async def try_to_hold(replica: RedisStore, header: Header) -> str:
        try:
            await replica.append(header.id, opened(30, ALL)[1])
        except OverBudget as error:
            return str(error.facts["budget"])
        return "held"

    pairs = zip([store, other] * 5, headers, strict=True)
    said = await asyncio.gather(*(try_to_hold(*pair) for pair in pairs))
    assert sorted(said) == ["held"] * 3 + ["installation/total"] * 7
    assert await store.left([ALL]) == [10]
    (row,) = await store.usage(UsageQuery(by=()))
    assert (row.requests, row.cost_nanodollars) == (3, 90)


async def test_a_cost_takes_the_place_of_its_hold_and_deleting_keeps_it(store: RedisStore) -> None:
    first, second = await conversations_of(store, PRINCIPALS[:2])
    done, opening = opened(60, ALL)
    await store.append(first.id, opening)
    await store.append(first.id, closed(done, 25))
    assert await store.left([ALL]) == [75]
    await store.append(second.id, opened(40, ALL)[1])
    await store.delete(second.principal, second.id)
    assert await store.left([ALL]) == [35]


async def test_a_new_account_begins_with_what_all_principals_have_spent(store: RedisStore) -> None:
    for header in await conversations_of(store):
        early, opening = opened(9, at=DAY)
        await store.append(header.id, opening)
        await store.append(header.id, closed(early, 3))
        await store.append(header.id, opened(2, at=2 * DAY)[1])
    later = replace(ALL, since=2 * DAY)
    assert await store.left([ALL, later]) == [50, 80]
    await refused(store.append(header.id, opened(51, ALL, at=2 * DAY)[1]), OverBudget)
    await store.append(header.id, opened(50, ALL, later, at=2 * DAY)[1])
    assert await store.left([ALL, later]) == [0, 30]


async def test_what_the_ledger_refuses_the_installation_does_not_hold(store: RedisStore) -> None:
    header = await a_conversation(store)
    lease = lease_of(await store.accept(a_turn(header.id)))
    await refused(store.append(header.id, opened(20, ALL, a_limit(header, 10))[1]), OverBudget)
    await refused(store.append(header.id, opened(20, ALL)[1], replace(lease, counter=9)), FenceLost)
    queued = starting(a_turn(header.id), 3, Hold(nanodollars=20, limits=(ALL,)))
    assert (await store.accept(queued)).lease is None
    assert await store.left([ALL, a_limit(header, 10)]) == [100, 10]


async def test_with_nothing_left_a_known_key_is_answered_and_a_turn_may_wait(store: RedisStore) -> None:
    header = await a_conversation(store)
    first = starting(a_turn(header.id, key="k"), 1, Hold(nanodollars=100, limits=(ALL,)))
    assert (await store.accept(first)).begun
    again = await store.accept(first)
    assert (again.turn_id, again.lease) == (first.queue.turn_id, None)
    waiting = starting(a_turn(header.id), 1, Hold(nanodollars=1, limits=(ALL,)))
    assert (await store.accept(waiting)).lease is None
    elsewhere = await a_conversation(store, principal="principal-2")
    dear = starting(a_turn(elsewhere.id), 1, Hold(nanodollars=1, limits=(ALL,)))
    await refused(store.accept(dear), OverBudget)
    assert await store.get("principal-2", elsewhere.id) == elsewhere


async def test_a_turn_that_begins_with_its_accept_pays_when_it_ends(store: RedisStore) -> None:
    header = await a_conversation(store)
    turn = starting(a_turn(header.id), 1, Hold(nanodollars=60, limits=(ALL,)))
    lease = lease_of(await store.accept(turn))
    assert await store.left([ALL]) == [40]
    step = e.StepEnd(
        at=9, step=0, attempt=1, model="m", stop_reason="end_turn", usage=SPENT, cost_nanodollars=10
    )
    end = the_end(lease.turn_id, None)
    await store.end(lease, Change(events=[step, *end.events]), 30)
    assert await store.left([ALL]) == [90]


async def test_large_amounts_are_exact(store: RedisStore) -> None:
    """Scripts reckon in floating point, which has 53 bits."""
    header = await a_conversation(store)
    most = 3 * (2**60 + 1)
    limits = replace(ALL, nanodollars=most), a_limit(header, most)
    for left in (2, 1, 0):
        await store.append(header.id, opened(2**60 + 1, *limits)[1])
        assert await store.left(limits) == [left * (2**60 + 1)] * 2
    for limit in limits:
        await refused(store.append(header.id, opened(1, limit)[1]), OverBudget)


async def test_a_hold_whose_process_died_before_the_request_is_released(
    url: str, valkey: RunningServer
) -> None:
    async with opened_store(url) as store:
        header = await a_conversation(store)
        request, opening = opened(60, ALL)
        assert opening.hold is not None
        await store._installation.reserve(ME, entries.place_of(header.id, request), opening.hold)
        await store.claim("replica-2", 30)
        assert await store.left([ALL]) == [40], "the request may be about to begin"
        with valkey.client() as client:
            wait_for_the_sweep(client)
            await store.claim("replica-2", 30)
            assert await store.left([ALL]) == [100]
            assert client.exists(HOLDS, HELD) == 0


async def test_a_hold_that_was_left_over_is_taken_up_again_even_while_it_is_looked_at(url: str) -> None:
    async with opened_store(url) as store:
        header = await a_conversation(store)
        request, opening = opened(60, ALL)
        assert opening.hold is not None
        await store._installation.reserve(ME, entries.place_of(header.id, request), opening.hold)
        seen = [Overdue(entries.place_of(header.id, request), ME, 0)]
        await store.append(header.id, opening)
        await store._installation.give_up(seen)
        assert await store.left([ALL]) == [40]
        await store.append(header.id, closed(request, 25))
        assert await store.left([ALL]) == [75]


async def test_a_hold_whose_process_died_before_it_was_paid_is_paid(url: str, valkey: RunningServer) -> None:
    async with opened_store(url) as store:
        header = await a_conversation(store)
        request, opening = opened(60, ALL)
        await store.append(header.id, opening)
        with valkey.client() as client:
            wait_for_the_sweep(client)
            await store.claim("replica-2", 30)
            assert await store.left([ALL]) == [40], "it is open"
            before = {key: client.dump(key) for key in (ACCOUNTS, HOLDS, HELD)}
            await store.append(header.id, closed(request, 25))
            for key, value in before.items():
                assert value is not None
                client.restore(key, 0, value, replace=True)  # as if the second script had not run
            await store.claim("replica-2", 30)
            assert await store.left([ALL]) == [40], "it was looked at just now"
            wait_for_the_sweep(client)
            await store.claim("replica-2", 30)
            assert await store.left([ALL]) == [75]
            assert client.exists(HOLDS, HELD) == 0


async def test_a_request_whose_conversation_expired_has_cost_what_was_held(
    url: str, valkey: RunningServer
) -> None:
    async with opened_store(url, ttl_s=0.2) as store:
        header = await a_conversation(store)
        await store.append(header.id, opened(60, ALL, a_limit(header, 100))[1])
        with valkey.client() as client:
            await until(lambda: client.keys(f"*:state:{header.id}") == [])
            wait_for_the_sweep(client)
            await store.claim("replica-2", 30)
            assert client.exists(HOLDS, HELD) == 0
        assert await store.left([ALL, a_limit(header, 100)]) == [40, 40]
        (row,) = await store.usage(UsageQuery(principal=ME, by=("conversation",)))
        assert (row.key, row.cost_nanodollars) == ({"conversation": header.id}, 60)


async def test_a_request_that_comes_too_late_for_its_hold_is_refused(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a long stop of the process: the sweep may have released what it held."""
    header = await a_conversation(store)
    monkeypatch.setattr(entries, "LASTS_MS", -1000)
    await refused(store.append(header.id, opened(60, ALL)[1]), StoreUnavailable)
    assert await store.left([ALL]) == [100]
    assert await store.get(ME, header.id) == header


async def test_a_refused_hold_leaves_no_key_behind(url: str, valkey: RunningServer) -> None:
    async with opened_store(url) as store:
        header = await a_conversation(store)
        here = Limit(scope="conversation", period="total", owner=header.id, since=0, nanodollars=100)
        await store.append(header.id, opened(1)[1])
        with valkey.client() as client:
            before = client.keys()
            for limits in ((here, a_limit(header, 9)), (here, replace(ALL, nanodollars=9))):
                await refused(store.append(header.id, opened(10, *limits)[1]), OverBudget)
            assert sorted(client.keys()) == sorted(before)


async def test_an_id_of_nobody_has_spent_nothing(store: RedisStore) -> None:
    nobody = Limit(scope="conversation", period="total", owner=new_id(), since=0, nanodollars=5)
    assert await store.left([nobody]) == [5]
