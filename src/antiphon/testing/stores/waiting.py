"""Checks of the contracts on turns that wait."""

from antiphon.domain import events as e
from antiphon.domain.ids import new_turn_id
from antiphon.errors import NotFound, QueueFull
from antiphon.stores.base import Change, Store
from antiphon.testing.stores.making import (
    LEASE_S,
    ME,
    a_conversation,
    a_turn,
    lease_of,
    refused,
    start,
    the_end,
)


async def contract_13_only_a_waiting_turn_is_withdrawn(store: Store) -> None:
    header = await a_conversation(store)
    running, waiting, behind = (a_turn(header.id) for _ in range(3))
    lease = lease_of(await store.accept(running))
    asked = await start(store, running, lease)
    for turn in (waiting, behind):
        await store.accept(turn)

    def withdrawn(turn_id: str) -> Change:
        ended = e.TurnEnd(at=9, turn_id=turn_id, status="cancelled", kept=e.Kept(steps=0), head=e.HEAD)
        message = waiting.message.message_id if waiting.message else ""
        return Change(events=[ended], removed=[message])

    waits, runs = waiting.queue.turn_id, running.queue.turn_id
    assert await store.withdraw(header.id, runs, withdrawn(runs)) is None
    frames = await store.withdraw(header.id, waits, withdrawn(waits))
    assert frames is not None
    assert [frame.type for frame in frames] == ["turn_end"]
    assert await store.withdraw(header.id, waits, withdrawn(waits)) is None
    record = await store.turn(header.id, waits)
    assert (record.status, record.last_message_id, record.header.head) == ("cancelled", asked.id, asked.id)
    await refused(store.path(header.id, waiting.queue.message_id), NotFound)
    await refused(store.withdraw(header.id, new_turn_id(header.id), withdrawn(runs)), NotFound)
    following = (await store.end(lease, the_end(runs, asked.id), LEASE_S)).next
    assert following is not None
    assert following.turn_id == behind.queue.turn_id


async def contract_15_a_message_is_refused_only_behind_a_full_queue(store: Store) -> None:
    header = await a_conversation(store)
    first = a_turn(header.id, queue_max=0)
    lease = lease_of(await store.accept(first))
    await refused(store.accept(a_turn(header.id, queue_max=0)), QueueFull)
    await store.accept(a_turn(header.id, queue_max=2))
    await start(store, first, lease)
    await store.accept(a_turn(header.id, queue_max=2))
    full = await store.get(ME, header.id)
    await refused(store.accept(a_turn(header.id, queue_max=2)), QueueFull)
    assert await store.get(ME, header.id) == full
    following = (await store.end(lease, the_end(lease.turn_id, None), LEASE_S)).next
    assert following is not None
    assert (await store.accept(a_turn(header.id, queue_max=2))).lease is None
    await refused(store.accept(a_turn(header.id, queue_max=2)), QueueFull)
