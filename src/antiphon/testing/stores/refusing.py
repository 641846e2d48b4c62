"""Checks of the contract on which refusal is told, where there are several."""

from dataclasses import replace

from antiphon.errors import Busy, Conflict, NotFound, OverBudget, QueueFull
from antiphon.stores.base import Acceptance, Start, Store
from antiphon.testing.stores.files import a_file, a_turn_with
from antiphon.testing.stores.ledgers import a_limit, opened
from antiphon.testing.stores.making import LEASE_S, ME, a_conversation, a_turn, lease_of, refused, the_end


async def contract_27_what_is_wrong_with_a_message_is_said_before_what_is_wrong_now(store: Store) -> None:
    header = await a_conversation(store)
    first = a_turn(header.id)
    lease = lease_of(await store.accept(first))
    known = replace(a_turn(header.id), message=first.message)
    fileless = a_turn_with(header.id, a_file(b"never put"))
    for wrong, error in ((known, Conflict), (fileless, NotFound)):
        await refused(store.accept(replace(wrong, when_busy="reject")), error)
        await refused(store.accept(replace(wrong, queue_max=0)), error)
    await refused(store.accept(a_turn(header.id, when_busy="reject")), Busy)
    await refused(store.accept(a_turn(header.id, queue_max=0)), QueueFull)
    now = await store.get(ME, header.id)
    assert now.last_seq == header.last_seq + 2
    await store.end(lease, the_end(lease.turn_id, None), LEASE_S)


async def contract_27_a_message_is_refused_for_its_file_before_a_budget(store: Store) -> None:
    header = await a_conversation(store)
    beyond = opened(2, a_limit(header, 1))[1]

    def asking(turn: Acceptance) -> Acceptance:
        return replace(turn, start=Start(last_seq=header.last_seq, change=beyond))

    fileless = a_turn_with(header.id, a_file(b"never put"))
    assert fileless.message is not None
    await refused(store.accept(asking(fileless)), NotFound)
    both = replace(beyond, events=[fileless.message, *beyond.events])
    await refused(store.append(header.id, both), NotFound)
    await refused(store.accept(asking(a_turn(header.id))), OverBudget)
    assert (await store.get(ME, header.id)) == header
