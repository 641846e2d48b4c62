"""Checks of the contracts on turns that wait for approvals."""

import asyncio
from dataclasses import replace

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_approval_id
from antiphon.errors import AntiphonError, Busy, Conflict, FenceLost, NotFound
from antiphon.stores.base import Change, Lease, Store
from antiphon.testing.stores.making import (
    LEASE_S,
    ME,
    a_conversation,
    a_turn,
    last_event,
    lease_of,
    refused,
    start,
    the_end,
)

WAIT_S = 60.0


def an_approval(conversation_id: str) -> e.ApprovalRequest:
    return e.ApprovalRequest(
        at=5,
        approval_id=new_approval_id(conversation_id),
        step=0,
        tool_use_id="toolu_1",
        name="pay",
        input={"usd": 3},
        expires_at=60_005,
    )


def decided(request: e.ApprovalRequest, decision: str, **more: object) -> e.ApprovalResolve:
    return e.ApprovalResolve(at=6, approval_id=request.approval_id, decision=decision, **more)  # type: ignore[arg-type]


async def a_waiting_turn(
    store: Store, count: int = 1, wait_s: float = WAIT_S
) -> tuple[Header, Lease, list[e.ApprovalRequest]]:
    """A turn that waits for so many approvals, and the lease it had."""
    header = await a_conversation(store)
    acceptance = a_turn(header.id)
    lease = lease_of(await store.accept(acceptance))
    await start(store, acceptance, lease)
    requests = [an_approval(header.id) for _ in range(count)]
    last_seq = (await store.get(ME, header.id)).last_seq
    frames = await store.wait(lease, Change(events=requests), wait_s, last_seq)
    assert frames is not None
    assert [frame.seq for frame in frames] == list(range(last_seq + 1, last_seq + 1 + count))
    assert (await store.turn(header.id, lease.turn_id)).status == "waiting"
    return await store.get(ME, header.id), lease, requests


async def contract_20_a_waiting_turn_holds_its_conversation_without_a_lease(store: Store) -> None:
    header, lease, _ = await a_waiting_turn(store)
    assert header.running == lease.turn_id
    await refused(store.append(header.id, Change(events=[e.TitleChange(at=7, title="x")]), lease), FenceLost)
    assert await store.renew([lease], LEASE_S) == [lease]
    assert await store.claim("replica-2", LEASE_S) == []
    assert await store.claim("replica-2", LEASE_S, only=header.id) == []
    behind = a_turn(header.id)
    assert (await store.accept(behind)).lease is None
    busy = await refused(store.accept(a_turn(header.id, when_busy="reject")), Busy)
    assert busy.facts["turn_id"] == lease.turn_id
    assert await store.claim("replica-2", LEASE_S) == []


async def contract_20_it_waits_only_if_its_log_was_read_to_the_end(store: Store) -> None:
    header = await a_conversation(store)
    acceptance = a_turn(header.id)
    lease = lease_of(await store.accept(acceptance))
    await start(store, acceptance, lease)
    read_to = (await store.get(ME, header.id)).last_seq
    stop = e.CancelRequest(at=5, turn_id=lease.turn_id, seen_seq=read_to)
    await store.append(header.id, Change(events=[stop]))
    before = await store.get(ME, header.id)
    asking = Change(events=[an_approval(header.id)])
    assert await store.wait(lease, asking, WAIT_S, read_to) is None
    assert await store.get(ME, header.id) == before
    await refused(store.wait(replace(lease, owner="replica-2"), asking, WAIT_S, before.last_seq), FenceLost)
    assert await store.renew([lease], LEASE_S) == []
    assert (await store.turn(header.id, lease.turn_id)).status == "running"


async def contract_20_it_goes_on_after_the_last_decision(store: Store) -> None:
    header, lease, (one, other) = await a_waiting_turn(store, 2)
    await store.resolve(header.id, decided(one, "allow"))
    assert (await store.turn(header.id, lease.turn_id)).status == "waiting"
    assert await store.claim("replica-2", LEASE_S) == []
    await store.resolve(header.id, decided(other, "deny", reason="No."))
    assert (await store.turn(header.id, lease.turn_id)).status == "running"
    elsewhere, _, _ = await a_waiting_turn(store)
    assert await store.claim("replica-2", LEASE_S, only=elsewhere.id) == []
    (claimed,) = await store.claim("replica-2", LEASE_S, only=header.id)
    assert (claimed.turn_id, claimed.counter) == (lease.turn_id, lease.counter + 1)
    assert claimed.recovered
    await refused(store.end(lease, the_end(lease.turn_id, None), LEASE_S), FenceLost)
    assert (await store.end(claimed, the_end(lease.turn_id, None), LEASE_S)).next is None


async def contract_20_it_can_be_asked_to_stop(store: Store) -> None:
    header, lease, (request,) = await a_waiting_turn(store)
    stop = e.CancelRequest(at=7, turn_id=lease.turn_id, seen_seq=header.last_seq)
    await store.append(header.id, Change(events=[stop]))
    await refused(store.resolve(header.id, decided(request, "allow")), Conflict)
    assert [taken.turn_id for taken in await store.claim("replica-2", LEASE_S)] == [lease.turn_id]
    header, lease, _ = await a_waiting_turn(store)
    urgent = await store.accept(a_turn(header.id, when_busy="interrupt"))
    assert urgent.lease is None
    (claimed,) = await store.claim("replica-2", LEASE_S)
    assert claimed.turn_id == lease.turn_id
    following = (await store.end(claimed, the_end(lease.turn_id, None), LEASE_S)).next
    assert following is not None
    assert following.turn_id == urgent.turn_id


async def contract_20_its_time_is_over_by_the_stores_clock(store: Store) -> None:
    header, lease, (request,) = await a_waiting_turn(store, wait_s=0.05)
    claimed: list[Lease] = []
    async with asyncio.timeout(5):
        while not claimed:
            claimed = await store.claim("replica-2", LEASE_S)
            await asyncio.sleep(0.02)
    assert [taken.turn_id for taken in claimed] == [lease.turn_id]
    assert (await store.turn(header.id, lease.turn_id)).status == "waiting"
    await refused(store.resolve(header.id, decided(request, "allow")), Conflict)
    await store.append(header.id, Change(events=[decided(request, "expire")]), claimed[0])
    assert (await store.turn(header.id, lease.turn_id)).status == "running"
    await refused(store.resolve(header.id, decided(request, "allow")), Conflict)


async def contract_21_the_first_decision_wins(store: Store) -> None:
    header, _, (request,) = await a_waiting_turn(store)
    said = [decided(request, "allow"), decided(request, "deny"), decided(request, "edit", input={"usd": 2})]

    async def resolve(decision: e.ApprovalResolve) -> object:
        try:
            return await store.resolve(header.id, decision)
        except AntiphonError as error:
            return type(error)

    outcomes = await asyncio.gather(*(resolve(each) for each in [*said, *said]))
    written = [outcome for outcome in outcomes if isinstance(outcome, list) and outcome]
    assert len(written) == 1, outcomes
    assert sorted(str(outcome) for outcome in outcomes if outcome not in written) == sorted(
        [str([]), *[str(Conflict)] * 4]
    )
    winner = await last_event(store, header.id)
    assert winner in said
    assert (await store.get(ME, header.id)).last_seq == header.last_seq + 1


async def contract_21_the_same_decision_again_changes_nothing(store: Store) -> None:
    header, lease, (request,) = await a_waiting_turn(store)
    edit = decided(request, "edit", input={"usd": 2, "to": "Ada \u2028é"}, by=ME)
    (frame,) = await store.resolve(header.id, edit)
    assert frame in await store.read(header.id, header.last_seq)
    again = replace(edit, at=8, input={"to": "Ada \u2028é", "usd": 2}, by="principal-2")
    assert await store.resolve(header.id, again) == []
    await refused(store.resolve(header.id, decided(request, "edit", input={"usd": 9})), Conflict)
    (claimed,) = await store.claim("replica-2", LEASE_S)
    await store.end(claimed, the_end(lease.turn_id, None), LEASE_S)
    assert await store.resolve(header.id, edit) == []
    await refused(store.resolve(header.id, decided(request, "deny")), Conflict)
    await refused(store.resolve(header.id, decided(an_approval(header.id), "deny")), NotFound)
    await store.delete(ME, header.id)
    await refused(store.resolve(header.id, edit), NotFound)
