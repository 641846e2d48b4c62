"""Transactions on turns: accept, end, renew, claim."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select, text, union, update

from antiphon.domain.events import CancelRequest, Event, MessageAdd, TurnQueue
from antiphon.errors import Busy, Conflict, KeyReused, NotFound, QueueFull
from antiphon.stores.base import Acceptance, Accepted, Change, Ended, Lease, TurnRecord
from antiphon.stores.frames import Frame, decode
from antiphon.stores.projection import files_of, header_after, header_changes, message_of, turn_changes
from antiphon.stores.sql import files, log
from antiphon.stores.sql import statements as sql
from antiphon.stores.sql.database import Connection, Database
from antiphon.stores.sql.rows import header_of
from antiphon.stores.sql.tables import conversations, turns

KEY_LIFETIME_S = 24 * 3600
_NOTHING = Change(events=())


def accept(connection: Connection, row: Any, acceptance: Acceptance, now: float) -> Accepted:
    """`row` is the conversation's, locked; None if there is none."""
    if row is None:
        raise NotFound("There is no such conversation.")
    if (known := _known_key(connection, acceptance, now)) is not None:
        return known
    _check(connection, row, acceptance)
    begin = _begin(acceptance, row)
    change = replace(begin or _NOTHING, events=_events(acceptance, row, begin))
    lease, held = None, dict[str, Any]()
    changes = header_changes(change)
    if row.running is None:
        lease = Lease(row.id, acceptance.queue.turn_id, row.counter + 1, acceptance.owner)
        held = _held_by(lease, now + acceptance.lease_s)
    reached = log.claim_seqs(connection, row.id, len(change.events), {**changes, **held}, None)
    seq = reached.last_seq - len(begin.events if begin else ())
    rest = _add_message(connection, acceptance, change, reached, seq - 1)
    _add_turn(connection, acceptance, seq, begin)
    _claim_key(connection, acceptance, seq, now)
    turn_id = acceptance.queue.turn_id
    frames = log.write(connection, reached, rest, turn_id, begun=turn_id)
    header = replace(header_after(header_of(row), changes, reached.last_seq), running=row.running or turn_id)
    return Accepted(
        turn_id=turn_id, seq=seq, lease=lease, frames=frames, header=header, begun=begin is not None
    )


def _begin(acceptance: Acceptance, row: Any) -> Change | None:
    """What the turn begins with, if the conversation is as it was planned for."""
    start = acceptance.start
    return start.change if start and row.running is None and start.last_seq == row.last_seq else None


def _events(acceptance: Acceptance, row: Any, begin: Change | None) -> list[Event]:
    accepted: list[Event] = []
    if acceptance.when_busy == "interrupt" and row.running is not None:
        queue = acceptance.queue
        accepted.append(CancelRequest(at=queue.at, turn_id=row.running, seen_seq=row.last_seq))
    if acceptance.message is not None:
        accepted.append(acceptance.message)
    return [*accepted, acceptance.queue, *(begin.events if begin else ())]


def _add_message(
    connection: Connection, acceptance: Acceptance, change: Change, reached: log.Reached, seq: int
) -> Change:
    """Add the message, in its place if its turn begins; what is left to be written. Raises Conflict."""
    if acceptance.message is None:
        return change
    message = message_of(acceptance.message)
    for placed in change.messages:
        if placed.id == message.id:
            message, seq = placed, reached.last_seq
    if not log.add_message(connection, reached, message, seq, acceptance.queue.at):
        raise _id_in_use()
    return replace(change, messages=[other for other in change.messages if other.id != message.id])


def _add_turn(connection: Connection, acceptance: Acceptance, seq: int, begin: Change | None) -> None:
    turn_id = acceptance.queue.turn_id
    values = {
        "conversation_id": acceptance.conversation_id,
        "id": turn_id,
        "seq": seq,
        "message_seq": seq - 1 if acceptance.message else None,
        "status": turn_changes(begin.events, turn_id).get(turn_id, "queued") if begin else "queued",
    }
    connection.execute(sql.ADD_TURN, values)


def known(connection: Connection, acceptance: Acceptance, now: float) -> Accepted | None:
    """Raises NotFound, KeyReused."""
    if acceptance.key is None:
        return None
    if connection.execute(sql.CONVERSATION, {"id": acceptance.conversation_id}).first() is None:
        raise NotFound("There is no such conversation.")
    return _known_key(connection, acceptance, now)


def _known_key(connection: Connection, acceptance: Acceptance, now: float) -> Accepted | None:
    if acceptance.key is None:
        return None
    row = connection.execute(
        sql.KEY, {"conversation_id": acceptance.conversation_id, "key": acceptance.key}
    ).first()
    if row is None or row.expires_at < now:
        return None
    if row.body_hash != acceptance.body_hash:
        raise KeyReused(
            "This Idempotency-Key came with another body before. Nothing was changed; use a new key."
        )
    return Accepted(turn_id=row.turn_id, seq=row.seq)


def _claim_key(connection: Connection, acceptance: Acceptance, seq: int, now: float) -> None:
    if acceptance.key is None:
        return
    values = {
        "conversation_id": acceptance.conversation_id,
        "key": acceptance.key,
        "body_hash": acceptance.body_hash,
        "turn_id": acceptance.queue.turn_id,
        "seq": seq,
        "expires_at": now + KEY_LIFETIME_S,
    }
    connection.execute(sql.PUT_KEY, values)


def _check(connection: Connection, row: Any, acceptance: Acceptance) -> None:
    """Raises Busy, QueueFull; Conflict, NotFound, if there is that too: to try again would not help."""
    if row.running is None:
        return
    waiting = _queued(connection, row.id, acceptance.queue_max, but=row.running)
    if acceptance.when_busy != "reject" and len(waiting) < acceptance.queue_max:
        return
    if (message := acceptance.message) is not None:
        place = {"conversation_id": row.id, "id": message.message_id}
        if connection.execute(sql.MESSAGE, place).first() is not None:
            raise _id_in_use()
        files.check(connection, row.principal, files_of([message]))
    if acceptance.when_busy == "reject":
        raise Busy("A turn is running in this conversation.", turn_id=row.running)
    raise QueueFull("Too many messages wait in this conversation. Nothing was stored; try later.")


def _id_in_use() -> Conflict:
    return Conflict("This message id is in use in this conversation. Make a new one.")


def _queued(connection: Connection, conversation_id: str, limit: int = 1, but: str = "") -> list[str]:
    values = {"conversation_id": conversation_id, "limit": limit, "but": but}
    rows = connection.execute(sql.QUEUED, values)
    return [row.id for row in rows]


def _held_by(lease: Lease, until: float) -> dict[str, Any]:
    return {
        "running": lease.turn_id,
        "lease_owner": lease.owner,
        "lease_until": until,
        "counter": lease.counter,
    }


def turn(connection: Connection, conversation_id: str, turn_id: str) -> TurnRecord:
    row = connection.execute(sql.TURN, {"conversation_id": conversation_id, "id": turn_id}).first()
    header = connection.execute(sql.CONVERSATION, {"id": conversation_id}).first()
    if row is None or header is None:
        raise NotFound("There is no such turn.")
    queue = _event_at(connection, conversation_id, row.seq)
    message = _event_at(connection, conversation_id, row.message_seq) if row.message_seq else None
    assert isinstance(queue, TurnQueue)
    assert message is None or isinstance(message, MessageAdd)
    return TurnRecord(
        id=row.id,
        status=row.status,
        seq=row.seq,
        header=header_of(header),
        queue=queue,
        message=message,
        last_message_id=row.last_message_id,
    )


def _event_at(connection: Connection, conversation_id: str, seq: int) -> Event:
    row = connection.execute(sql.EVENT, {"conversation_id": conversation_id, "seq": seq}).one()
    return decode(Frame(*row))


def end(connection: Connection, lease: Lease, change: Change, until: Callable[[], float]) -> Ended:
    """Write a turn's end under its lease, and pass the lease on, until then, or free it."""
    waiting = _queued(connection, lease.conversation_id, but=lease.turn_id)
    following = None
    held: dict[str, Any] = {"running": None, "lease_owner": None, "lease_until": None}
    if waiting:
        following = Lease(lease.conversation_id, waiting[0], lease.counter + 1, lease.owner)
        held = _held_by(following, until())
    frames = log.append(connection, lease.conversation_id, change, lease, also=held)
    return Ended(frames=frames, next=following)


def withdraw(
    connection: Connection, conversation_id: str, turn_id: str, change: Change
) -> list[Frame] | None:
    row = connection.execute(sql.TURN, {"conversation_id": conversation_id, "id": turn_id}).first()
    conversation = connection.execute(sql.CONVERSATION, {"id": conversation_id}).first()
    if row is None or conversation is None:
        raise NotFound("There is no such turn.")
    if row.status != "queued" or conversation.running == turn_id:
        return None
    return log.append(connection, conversation_id, change, None)


def renew(database: Database, connection: Connection, leases: Sequence[Lease], until: float) -> list[Lease]:
    """Those that were lost. All rows at once: a replica may hold a thousand."""
    reached = database.advance(connection, [(lease, 0) for lease in leases], until)
    return [lease for lease, last_seq in zip(leases, reached, strict=True) if last_seq is None]


def claim(
    connection: Connection, owner: str, lease_s: float, now: float, limit: int, only: str | None
) -> list[Lease]:
    claimed = []
    found = _claimable(now, limit) if only is None else _claimable_alone(now, only)
    for row in connection.execute(found).all():
        following = [row.running] if row.running else _queued(connection, row.id)
        if not following:  # withdrawn while its conversation was being locked
            continue
        turn_id = following[0]
        known = connection.execute(sql.TURN, {"conversation_id": row.id, "id": turn_id}).one()
        lease = Lease(row.id, turn_id, row.counter + 1, owner, recovered=known.status != "queued")
        connection.execute(update(conversations).filter_by(id=row.id).values(_held_by(lease, now + lease_s)))
        claimed.append(lease)
    return claimed


def _claimable(now: float, limit: int) -> Select[Any]:
    """Conversations whose lease lapsed, or that nobody holds though turns wait; found by two small indexes.

    Each is looked at again once it is locked, since it may have changed. What others have locked is left to
    them.
    """
    is_running, until = conversations.c.running.is_not(None), conversations.c.lease_until
    lapsed = select(conversations.c.id).where(is_running, until <= now)
    waiting = select(turns.c.conversation_id).where(text("turns.status = 'queued'"))  # as its index has it
    return (
        select(conversations.c.id, conversations.c.running, conversations.c.counter)
        .where(conversations.c.id.in_(union(lapsed, waiting)), ~is_running | (until <= now))
        .order_by(conversations.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )


def _claimable_alone(now: float, conversation_id: str) -> Select[Any]:
    """One conversation, waited for if it is locked."""
    free = conversations.c.running.is_(None) | (conversations.c.lease_until <= now)
    return (
        select(conversations.c.id, conversations.c.running, conversations.c.counter)
        .where(conversations.c.id == conversation_id, free)
        .with_for_update(key_share=True)
    )
