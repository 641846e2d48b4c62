"""The end of a turn whose own log cannot be followed: tried again, it would only fail again."""

from collections.abc import Sequence
from dataclasses import replace

from antiphon.domain import events as e
from antiphon.stores.base import Change, Lease, Store, TurnRecord
from antiphon.stores.frames import Frame, decode
from antiphon.stores.projection import message_of
from antiphon.turns import endings
from antiphon.turns.progress import Progress
from antiphon.turns.tries import LOST


async def given_up(
    store: Store, lease: Lease, record: TurnRecord, at: int, outcome: Change | None = None
) -> Change:
    """Nothing of it stays but the message, and the conversation goes on from where it was before.

    An attempt under way is charged as `outcome`, the end that could not be written, says, or all that was
    held for it. Raises StoreUnavailable, NotFound.
    """
    if record.status == "queued":
        return endings.stopped(record.id, _unopened(record, at), None, "failed", endings.OURS, at)
    header = record.header
    path = await store.path(header.id, header.head)
    own = [placed.message for placed in path if placed.message.turn_id == record.id]
    back_to = own[0].parent_id if own else header.head
    frames = await store.read(
        lease.conversation_id, record.seq, header.last_seq, deltas_after=header.last_seq
    )
    progress = Progress(
        header=header,
        step=0,
        attempt=1,
        reply_to=back_to,
        back_to=back_to,
        events=_settled(outcome) or _lost(frames, at),
    )
    change = endings.stopped(record.id, progress, None, "failed", endings.OURS, at)
    return replace(change, removed=[message.id for message in own if message.id != record.queue.message_id])


def _unopened(record: TurnRecord, at: int) -> Progress:
    """It waited, and begins only to end: so its message finds its place."""
    header, add = record.header, record.message
    parent_id = header.head if record.queue.parent_id == e.HEAD else record.queue.parent_id
    start = e.TurnStart(at=at, turn_id=record.id, message_id=record.queue.message_id, parent_id=parent_id)
    return Progress(
        header=header,
        step=0,
        attempt=1,
        reply_to=add.message_id if add else parent_id,
        back_to=parent_id if add else header.head,
        events=(start,),
        messages=(replace(message_of(add), parent_id=parent_id),) if add else (),
    )


def _settled(outcome: Change | None) -> tuple[e.Event, ...]:
    """The ends of attempts in it."""
    ended = (e.StepEnd, e.AttemptError)
    return tuple(event for event in outcome.events if isinstance(event, ended)) if outcome else ()


def _lost(frames: Sequence[Frame], at: int) -> tuple[e.AttemptError, ...]:
    """The end of an attempt that had none; none if its beginning cannot be read either: it stays held."""
    ended = (e.StepEnd.type, e.AttemptError.type)
    last = next((frame for frame in reversed(frames) if frame.type in (e.StepStart.type, *ended)), None)
    if last is None or last.type in ended:
        return ()
    try:
        start = decode(last)
    except ValueError:
        return ()
    assert isinstance(start, e.StepStart)
    held = start.held_nanodollars
    return (
        e.AttemptError(
            at=at,
            step=start.step,
            attempt=start.attempt,
            error=LOST,
            cost_nanodollars=held,
            estimate_nanodollars=held,
        ),
    )
