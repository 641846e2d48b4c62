"""Checks of the contract on idempotency keys."""

import asyncio
from dataclasses import replace

from antiphon.domain.ids import new_id
from antiphon.errors import KeyReused, NotFound
from antiphon.stores.base import Store
from antiphon.testing.stores.making import ME, a_conversation, a_turn, lease_of, refused


async def contract_05_one_key_is_one_turn(store: Store) -> None:
    header = await a_conversation(store)
    attempts = [a_turn(header.id, key="k", body_hash="same") for _ in range(5)]
    accepted = await asyncio.gather(*(store.accept(attempt) for attempt in attempts))
    assert len({answer.turn_id for answer in accepted}) == 1
    assert len({answer.seq for answer in accepted}) == 1
    assert sum(answer.lease is not None for answer in accepted) == 1
    await refused(store.accept(a_turn(header.id, key="k", body_hash="other")), KeyReused)
    elsewhere = await a_conversation(store)
    lease_of(await store.accept(a_turn(elsewhere.id, key="k", body_hash="other")))
    assert (await store.get(ME, header.id)).last_seq == accepted[0].seq


async def contract_05_a_known_key_is_told_without_accepting(store: Store) -> None:
    header = await a_conversation(store)
    asked = a_turn(header.id, key="k", body_hash="same")
    assert await store.known(asked) is None
    accepted = await store.accept(asked)
    assert await store.known(a_turn(header.id, key="k", body_hash="same")) == replace(
        accepted, lease=None, frames=(), header=None
    )
    await refused(store.known(a_turn(header.id, key="k", body_hash="other")), KeyReused)
    assert await store.known(a_turn(header.id)) is None
    await refused(store.known(a_turn(new_id(), key="k")), NotFound)
    assert await store.known(a_turn(new_id())) is None
    assert (await store.get(ME, header.id)).last_seq == accepted.seq
