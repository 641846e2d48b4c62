"""A sweep finds every unfinished turn, whoever's it is, and forgets whoever has none."""

import pytest

from antiphon.stores.redis.keys import UNFINISHED
from antiphon.stores.redis.store import RedisStore
from antiphon.stores.redis.unfinished import DROPPED_MS
from antiphon.testing.stores import a_conversation, a_turn, lease_of, the_end
from tests.stores.redis.conftest import opened
from tests.stores.redis.servers import RunningServer

PRINCIPALS = [f"principal-{number}" for number in range(12)]


async def test_turns_of_many_principals_on_all_nodes_are_claimed(store: RedisStore) -> None:
    turns = set()
    for principal in PRINCIPALS:
        header = await a_conversation(store, principal=principal)
        lease = lease_of(await store.accept(a_turn(header.id)))
        turns.add(lease.turn_id)
        await store.renew([lease], 0)
    first = await store.claim("replica-2", 30, limit=5)
    second = await store.claim("replica-3", 30, limit=100)
    assert (len(first), len(second)) == (5, 7)
    assert {lease.turn_id for lease in [*first, *second]} == turns
    assert await store.claim("replica-4", 30) == []


async def test_a_principal_that_has_nothing_left_is_forgotten_after_a_while(
    url: str, valkey: RunningServer
) -> None:
    async with opened(url) as store:
        busy, idle = (
            await a_conversation(store, principal="busy"),
            await a_conversation(store, principal="idle"),
        )
        await store.accept(a_turn(busy.id))
        lease = lease_of(await store.accept(a_turn(idle.id)))
        await store.end(lease, the_end(lease.turn_id, None), 30)
        with valkey.client() as client:
            await store.claim("replica-2", 30)
            assert set(client.zrange(UNFINISHED, 0, -1)) == {b"busy", b"idle"}, "it may be about to begin one"
            for principal in ("busy", "idle"):
                client.zincrby(UNFINISHED, -DROPPED_MS - 1, principal)
            await store.claim("replica-2", 30)
            assert client.zrange(UNFINISHED, 0, -1) == [b"busy"]


async def test_an_accept_does_not_count_on_a_note_that_may_be_dropped(
    url: str, valkey: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a long stop of the process between its note and its accept."""
    async with opened(url) as store:
        header = await a_conversation(store, principal="me")
        lease = lease_of(await store.accept(a_turn(header.id)))
        await store.end(lease, the_end(lease.turn_id, None), 30)
        stopped_for = {
            name: (at - DROPPED_MS, until) for name, (at, until) in store._unfinished._notes.items()
        }
        monkeypatch.setattr(store._unfinished, "_notes", type(store._unfinished._notes)(stopped_for))
        with valkey.client() as client:
            client.delete(UNFINISHED)
            lease = lease_of(await store.accept(a_turn(header.id)))
            assert client.zrange(UNFINISHED, 0, -1) == [b"me"]
        await store.renew([lease], 0)
        (claimed,) = await store.claim("replica-2", 30)
        assert claimed.turn_id == lease.turn_id
