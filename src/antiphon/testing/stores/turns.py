"""The contracts of conversations, their logs and their turns."""

import asyncio
from dataclasses import replace

from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Message, clean_json, text_block
from antiphon.domain.usage import Usage
from antiphon.errors import Busy, Conflict, FenceLost, NotFound, QueueFull
from antiphon.stores.base import Acceptance, Change, Lease, Store
from antiphon.stores.frames import decode_all, encode
from antiphon.testing.stores.making import (
    LEASE_S,
    ME,
    ODD_TEXT,
    OWNER,
    a_conversation,
    a_start,
    a_turn,
    block_end,
    last_event,
    lease_of,
    refused,
    start,
    the_end,
)


async def contract_01_seq_is_contiguous(store: Store) -> None:
    header = await a_conversation(store)

    async def add(title: str) -> int:
        change = Change(events=[e.TitleChange(at=2, title=title), e.TitleChange(at=2, title=title)])
        return (await store.append(header.id, change))[-1].seq

    seqs = await asyncio.gather(*(add(f"title {n}") for n in range(10)))
    assert sorted(seqs) == list(range(3, 22, 2)), seqs
    frames = await store.read(header.id, 0)
    assert [frame.seq for frame in frames] == list(range(1, 22))
    assert [frame.seq for frame in await store.read(header.id, 5, limit=3)] == [6, 7, 8]
    unknown = new_id()
    assert await store.last_seqs([header.id, unknown]) == {header.id: 21}
    assert await store.read(unknown, 0) == []


async def contract_02_what_raised_changed_nothing(store: Store) -> None:
    header = await a_conversation(store)
    first = a_turn(header.id)
    await store.accept(first)
    before = await store.get(ME, header.id)
    await refused(store.accept(a_turn(header.id, when_busy="reject")), Busy)
    await refused(store.accept(a_turn(header.id, queue_max=0)), QueueFull)
    again = a_turn(header.id)
    assert first.message is not None
    same_message = Acceptance(
        conversation_id=header.id, queue=again.queue, message=first.message, owner=OWNER, lease_s=LEASE_S
    )
    await refused(store.accept(same_message), Conflict)
    missing = new_id()
    await refused(store.accept(a_turn(missing)), NotFound)
    await refused(store.append(missing, Change(events=[e.TitleChange(at=1, title="x")])), NotFound)
    assert await store.get(ME, header.id) == before
    assert len(await store.read(header.id, 0)) == before.last_seq


async def contract_03_a_stale_fence_is_refused(store: Store) -> None:
    header = await a_conversation(store)
    acceptance = a_turn(header.id)
    lease = lease_of(await store.accept(acceptance))
    await start(store, acceptance, lease)
    title = Change(events=[e.TitleChange(at=4, title="late")])
    other_owner = Lease(lease.conversation_id, lease.turn_id, lease.counter, "replica-2")
    older = Lease(lease.conversation_id, lease.turn_id, lease.counter - 1, lease.owner)
    for stale in (other_owner, older):
        await refused(store.append(header.id, title, stale), FenceLost)
        await refused(store.end(stale, the_end(lease.turn_id, None), LEASE_S), FenceLost)
        assert await store.renew([stale], LEASE_S) == [stale]
    assert (await store.get(ME, header.id)).title == "T"


async def contract_04_a_lost_fence_drops_only_its_own_events(store: Store) -> None:
    leases = []
    for _ in range(3):
        header = await a_conversation(store)
        acceptance = a_turn(header.id)
        leases.append(lease_of(await store.accept(acceptance)))
        await start(store, acceptance, leases[-1])
    stale = Lease(leases[1].conversation_id, leases[1].turn_id, leases[1].counter, "replica-2")
    begin = e.BlockStart(step=0, index=0, block=text_block(""))
    delta = e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": "hi"})
    results = await store.flush([(leases[0], [begin, delta]), (stale, [begin]), (leases[2], [begin])])
    assert [frames and len(frames) for frames in results] == [2, None, 1], results
    for lease, result in zip(leases, results, strict=True):
        last = (await store.read(lease.conversation_id, 0))[-1]
        assert last.type == ("step_start" if result is None else result[-1].type)
        assert (await store.get(ME, lease.conversation_id)).last_seq == last.seq


async def contract_06_one_lease_passed_on_in_order(store: Store) -> None:
    header = await a_conversation(store)
    first, second, third = (a_turn(header.id, text) for text in ("one", "two", "three"))
    lease = lease_of(await store.accept(first))
    assert (await store.accept(second)).lease is None
    assert (await store.accept(third)).lease is None
    message = await start(store, first, lease)
    ended = await store.end(lease, the_end(lease.turn_id, message.id), LEASE_S)
    following = ended.next
    assert following is not None
    assert following.turn_id == second.queue.turn_id
    assert following.counter == lease.counter + 1
    await refused(store.append(header.id, the_end(lease.turn_id, None), lease), FenceLost)
    assert (await store.get(ME, header.id)).running == second.queue.turn_id
    record = await store.turn(header.id, following.turn_id)
    assert (record.status, record.message) == ("queued", second.message)
    await start(store, second, following, message.id)
    last = (await store.end(following, the_end(following.turn_id, None), LEASE_S)).next
    assert last is not None
    await start(store, third, last)
    assert (await store.end(last, the_end(last.turn_id, None), LEASE_S)).next is None
    assert (await store.get(ME, header.id)).running is None


async def contract_06_a_turn_begins_with_its_acceptance(store: Store) -> None:
    header = await a_conversation(store)
    moved = a_turn(header.id)
    planned = await store.accept(replace(moved, start=a_start(moved, header.last_seq + 1)))
    assert (planned.begun, [frame.type for frame in planned.frames]) == (False, ["message_add", "turn_queue"])
    lease = lease_of(planned)
    await store.end(lease, the_end(lease.turn_id, None), LEASE_S)
    now = await store.get(ME, header.id)
    idle = a_turn(header.id)
    begun = await store.accept(replace(idle, start=a_start(idle, now.last_seq)))
    added = ["message_add", "turn_queue", "turn_start", "step_start"]
    assert (begun.begun, [frame.type for frame in begun.frames]) == (True, added)
    assert list(begun.frames) == await store.read(header.id, now.last_seq)
    assert begun.seq == begun.frames[1].seq
    assert begun.header == await store.get(ME, header.id)
    assert begun.header.last_seq == begun.frames[-1].seq
    record = await store.turn(header.id, idle.queue.turn_id)
    assert (record.status, record.header) == ("running", begun.header)
    assert record.header.head == idle.queue.message_id
    busy = a_turn(header.id)
    waits = await store.accept(replace(busy, start=a_start(busy, begun.header.last_seq)))
    assert (waits.begun, waits.lease, len(waits.frames)) == (False, None, 2)
    await store.append(header.id, the_end(idle.queue.turn_id, None), begun.lease)


async def contract_06_a_lapsed_lease_is_claimed_once(store: Store) -> None:
    header = await a_conversation(store)
    acceptance = a_turn(header.id, lease_s=0.05)
    lease = lease_of(await store.accept(acceptance))
    await start(store, acceptance, lease)
    healthy = lease_of(await store.accept(a_turn((await a_conversation(store)).id)))
    claimed: list[Lease] = []
    async with asyncio.timeout(5):
        while not claimed:
            both = await asyncio.gather(store.claim("replica-2", LEASE_S), store.claim("replica-3", LEASE_S))
            claimed = [taken for some in both for taken in some]
            await asyncio.sleep(0.02)
    assert [(taken.turn_id, taken.recovered) for taken in claimed] == [(lease.turn_id, True)], claimed
    assert claimed[0].counter == lease.counter + 1
    assert await store.renew([lease, healthy], LEASE_S) == [lease]
    await refused(store.append(header.id, the_end(lease.turn_id, None), lease), FenceLost)
    await store.append(header.id, Change(events=[e.TitleChange(at=5, title="mine")]), claimed[0])


async def contract_06_interrupt_asks_the_running_turn_to_stop(store: Store) -> None:
    header = await a_conversation(store)
    running = a_turn(header.id)
    await store.accept(running)
    waits = await store.accept(a_turn(header.id, when_busy="interrupt"))
    assert [frame.type for frame in waits.frames] == ["cancel_request", "message_add", "turn_queue"]
    assert waits.lease is None
    (cancel,) = [event for _, event in decode_all(waits.frames[:1])]
    assert isinstance(cancel, e.CancelRequest)
    assert cancel.turn_id == running.queue.turn_id


async def contract_07_projections_equal_the_refolded_log(store: Store) -> None:
    header = await a_conversation(store)
    acceptance = a_turn(header.id)
    lease = lease_of(await store.accept(acceptance))
    message = await start(store, acceptance, lease)
    step = await last_event(store, header.id)
    assert isinstance(step, e.StepStart)
    block = text_block("An answer.")
    await store.flush([(lease, [e.BlockStart(step=0, index=0, block=text_block("")), block_end(block)])])
    answer = Message(
        id=step.message_id,
        parent_id=message.id,
        role="assistant",
        content=(block,),
        turn_id=lease.turn_id,
        model="m",
    )
    usage = Usage(input_tokens=7, output_tokens=3, cache_read_tokens=2)
    step_end = e.StepEnd(
        at=5,
        step=0,
        attempt=1,
        model="m",
        stop_reason="end_turn",
        usage=usage,
        cost_nanodollars=44,
        saved_nanodollars=5,
    )
    await store.append(header.id, Change(events=[step_end], messages=[answer]), lease)
    await store.end(lease, the_end(lease.turn_id, answer.id), LEASE_S)
    await store.append(
        header.id,
        Change(events=[e.SettingsChange(at=6, system="S2"), e.TitleChange(at=7, title="T2")]),
    )
    shown = fold(decode_all(await store.read(header.id, 0)))
    now = await store.get(ME, header.id)
    for name in ("title", "system", "model", "options", "tools", "head"):
        assert getattr(shown, name) == getattr(now, name), name
    assert (now.last_seq, now.updated_at, now.running) == (shown.seq, 7, None)
    assert now.settings_seq == shown.seq - 1
    assert [placed.message for placed in await store.path(header.id, now.head)] == shown.path()
    totals = await store.totals(header.id)
    assert (totals.turns, totals.usage) == (1, usage)
    assert (totals.cost_nanodollars, totals.saved_nanodollars) == (44, 5)
    record = await store.turn(header.id, lease.turn_id)
    assert (record.status, record.last_message_id) == ("completed", answer.id)
    await refused(store.path(header.id, new_id()), NotFound)


async def contract_07_what_is_not_kept_leaves_the_tree(store: Store) -> None:
    header = await a_conversation(store)
    acceptance = a_turn(header.id)
    lease = lease_of(await store.accept(acceptance))
    message = await start(store, acceptance, lease)
    ended = e.TurnEnd(at=9, turn_id=lease.turn_id, status="failed", kept=e.Kept(steps=0), head=None)
    await store.end(lease, Change(events=[ended], removed=[message.id]), LEASE_S)
    await refused(store.path(header.id, message.id), NotFound)
    assert (await store.get(ME, header.id)).head is None


async def contract_08_one_name_is_one_conversation(store: Store) -> None:
    made = await asyncio.gather(*(a_conversation(store, name="support") for _ in range(5)))
    assert len({header.id for header in made}) == 1
    others = await a_conversation(store, name="support", principal="principal-2")
    assert others.id != made[0].id
    assert await store.find(ME, "support") == made[0]
    assert await store.find(ME, "elsewhere") is None


async def contract_09_what_is_foreign_or_deleted_does_not_exist(store: Store) -> None:
    header = await a_conversation(store, name="mine")
    await refused(store.get("principal-2", header.id), NotFound)
    await refused(store.delete("principal-2", header.id), NotFound)
    assert await store.forget("principal-2", "mine") is None
    acceptance = a_turn(header.id)
    lease = lease_of(await store.accept(acceptance))
    assert await store.forget(ME, "mine") is not None
    await refused(store.get(ME, header.id), NotFound)
    await refused(store.append(header.id, the_end(lease.turn_id, None), lease), FenceLost)
    event = e.ConversationCreate(at=1)
    await refused(store.create(ME, header.id, event), Conflict)
    await refused(store.totals(header.id), NotFound)
    assert (await store.read(header.id, 0), await store.path(header.id, None)) == ([], [])
    again = await a_conversation(store, name="mine")
    assert again.id != header.id
    await store.delete(ME, again.id)
    assert await store.find(ME, "mine") is None


async def contract_09_recent_lists_only_mine_newest_first(store: Store) -> None:
    mine = [await a_conversation(store) for _ in range(4)]
    await a_conversation(store, principal="principal-2")
    await store.append(mine[1].id, Change(events=[e.TitleChange(at=50, title="changed")]))
    first = await store.recent(ME, before=None, limit=2)
    assert first[0].id == mine[1].id
    rest = await store.recent(ME, before=(first[-1].updated_at, first[-1].id), limit=10)
    assert {header.id for header in [*first, *rest]} == {header.id for header in mine}
    assert len(first) + len(rest) == len(mine)


async def contract_10_any_clean_text_comes_back_equal(store: Store) -> None:
    text = clean_json(ODD_TEXT)
    header = await a_conversation(store)
    await store.append(header.id, Change(events=[e.SettingsChange(at=2, system=text)]))
    await store.append(header.id, Change(events=[e.TitleChange(at=2, title=text)]))
    now = await store.get(ME, header.id)
    assert (now.system, now.title) == (text, text)
    acceptance = a_turn(header.id, text)
    lease = lease_of(await store.accept(acceptance))
    message = await start(store, acceptance, lease)
    assert (await store.path(header.id, message.id))[0].message.content == (text_block(text),)


async def contract_11_frames_come_back_byte_for_byte(store: Store) -> None:
    header = await a_conversation(store)
    lease = lease_of(await store.accept(a_turn(header.id)))
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"b": 1, "a": [1.5, None], "é": "\u0000"}}
    event = block_end(block)
    (frames,) = await store.flush([(lease, [event])])
    assert frames is not None
    assert (await store.read(header.id, frames[0].seq - 1)) == frames
    assert frames[0].data == encode(event)


async def contract_12_a_renewed_lease_is_not_claimed(store: Store) -> None:
    header = await a_conversation(store)
    lease = lease_of(await store.accept(a_turn(header.id, lease_s=0.2)))
    assert await store.renew([lease], LEASE_S) == []
    await asyncio.sleep(0.3)
    assert await store.claim("replica-2", LEASE_S) == []


async def contract_12_a_lease_let_go_is_claimed_at_once(store: Store) -> None:
    header = await a_conversation(store)
    lease = lease_of(await store.accept(a_turn(header.id)))
    assert await store.renew([lease], 0) == []
    (claimed,) = await store.claim("replica-2", LEASE_S)
    assert (claimed.turn_id, claimed.recovered) == (lease.turn_id, False)
