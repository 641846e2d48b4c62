"""Contracts 16 and 20: deltas of ended turns are pruned, or passed over, and nobody sees a difference."""

from collections.abc import Sequence
from dataclasses import replace

from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.domain.messages import text_block
from antiphon.stores.base import Acceptance, Change, Lease, Store
from antiphon.stores.frames import Frame, decode_all
from antiphon.testing.stores.making import (
    LEASE_S,
    ME,
    a_conversation,
    a_turn,
    block_end,
    lease_of,
    start,
    the_end,
)

EARLY, BETWEEN, LATE = 9, 10**14, 10**15
"""Milliseconds. A store may look only at what is older by its own clock, which is far from all three."""


async def contract_16_deltas_of_ended_turns_are_pruned_and_no_others(store: Store) -> None:
    header = await a_conversation(store)
    early, late, open_, waits = (a_turn(header.id, text) for text in ("one", "two", "three", "four"))
    lease = lease_of(await store.accept(early))
    for turn in (late, open_, waits):
        await store.accept(turn)
    lease = await _answered(store, early, lease, EARLY)
    lease = await _answered(store, late, lease, LATE)
    await _write(store, open_, lease)
    withdrawn = e.TurnEnd(
        at=EARLY, turn_id=waits.queue.turn_id, status="cancelled", kept=e.Kept(steps=0), head=e.HEAD
    )
    assert await store.withdraw(header.id, waits.queue.turn_id, Change(events=[withdrawn]))
    whole = await store.read(header.id, 0)
    assert not await store.prune(EARLY - 1)
    assert await store.read(header.id, 0) == whole
    while await store.prune(BETWEEN, limit=3):
        pass
    expected = _without_deltas(whole, until=_end_of(whole, early))
    assert await store.read(header.id, 0) == expected
    assert not await store.prune(BETWEEN)
    while await store.prune(LATE + 1):
        pass
    assert await store.read(header.id, 0) == _without_deltas(whole, until=_end_of(whole, late))
    assert (await store.get(ME, header.id)).last_seq == whole[-1].seq
    assert (await store.turn(header.id, late.queue.turn_id)).message == late.message
    (title,) = await store.append(header.id, Change(events=[e.TitleChange(at=1, title="after")]))
    assert title.seq == whole[-1].seq + 1


async def contract_16_any_cursor_over_a_pruned_log_folds_to_the_same_state(store: Store) -> None:
    header = await a_conversation(store)
    first, second = a_turn(header.id, "one"), a_turn(header.id, "two")
    lease = lease_of(await store.accept(first))
    await store.accept(second)
    await _write(store, second, await _answered(store, first, lease, EARLY))
    whole = decode_all(await store.read(header.id, 0))
    state = fold(whole)
    while await store.prune(BETWEEN):
        pass
    assert len(await store.read(header.id, 0)) < len(whole)
    for cursor in range(len(whole) + 1):
        rest: list[Frame] = []
        while page := await store.read(header.id, rest[-1].seq if rest else cursor, limit=3):
            rest += page
        assert fold(decode_all(rest), fold(whole[:cursor])) == replace(state, seq=whole[-1][0]), cursor


async def contract_22_a_read_leaves_out_older_deltas_and_nothing_else(store: Store) -> None:
    header = await a_conversation(store)
    early, late, open_ = (a_turn(header.id, text) for text in ("one", "two", "three"))
    lease = lease_of(await store.accept(early))
    for turn in (late, open_):
        await store.accept(turn)
    lease = await _answered(store, early, lease, EARLY)
    lease = await _answered(store, late, lease, LATE)
    await _write(store, open_, lease)
    whole = await store.read(header.id, 0)
    assert await store.read(header.id, 0, deltas_after=0) == whole
    for since in range(len(whole) + 1):
        left = await store.read(header.id, 0, deltas_after=since)
        assert left == _without_deltas(whole, until=since), since
        assert await store.read(header.id, 5, deltas_after=since) == [one for one in left if one.seq > 5]
    running = await store.turn(header.id, open_.queue.turn_id)
    shown = await store.read(header.id, 0, deltas_after=running.seq)
    assert fold(decode_all(shown)) == fold(decode_all(whole))


async def contract_16_a_call_removes_no_more_than_it_may(store: Store) -> None:
    for principal in (ME, "principal-2"):
        header = await a_conversation(store, principal=principal)
        turn = a_turn(header.id)
        await _write(store, turn, lease_of(await store.accept(turn)), end=EARLY)
        left, more = len(await store.read(header.id, 0)), True
        while more:
            more = await store.prune(BETWEEN, limit=2)
            before, left = left, len(await store.read(header.id, 0))
            assert before - left <= 2, f"{before - left} went at once"
        kept = await store.read(header.id, 0)
        assert all(frame.type != "block_delta" for frame in kept)
        await store.delete(principal, header.id)
        assert not await store.prune(BETWEEN)


async def _answered(store: Store, turn: Acceptance, lease: Lease, ended: int) -> Lease:
    """Write an answer and end the turn; returns the lease of the next one."""
    following = await _write(store, turn, lease, end=ended)
    assert following is not None
    return following


async def _write(store: Store, turn: Acceptance, lease: Lease, end: int | None = None) -> Lease | None:
    """Three flushes of deltas in two blocks, the last of them open; with `end`, the turn's end."""
    message = await start(store, turn, lease)
    for n in (1, 2):
        await store.flush([(lease, [_delta(0, f"{n}, "), _delta(0, "more, ")])])
    await store.flush(
        [
            (
                lease,
                [
                    block_end(text_block("Whole.")),
                    e.BlockStart(step=0, index=1, block=text_block("")),
                    _delta(1, "A"),
                ],
            )
        ]
    )
    if end is None:
        return None
    whole = e.BlockEnd(step=0, index=1, block=text_block("A second."))
    await store.flush([(lease, [whole])])
    ended = the_end(lease.turn_id, message.id).events[0]
    assert isinstance(ended, e.TurnEnd)
    return (await store.end(lease, Change(events=[replace(ended, at=end)]), LEASE_S)).next


def _delta(index: int, text: str) -> e.BlockDelta:
    return e.BlockDelta(step=0, index=index, delta={"type": "text_delta", "text": text})


def _end_of(frames: Sequence[Frame], turn: Acceptance) -> int:
    """The seq of a turn's end."""
    return next(
        seq
        for seq, event in decode_all(frames)
        if isinstance(event, e.TurnEnd) and event.turn_id == turn.queue.turn_id
    )


def _without_deltas(frames: Sequence[Frame], until: int) -> list[Frame]:
    return [frame for frame in frames if frame.type != "block_delta" or frame.seq > until]
