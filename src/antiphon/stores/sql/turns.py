"""Transactions on turns: accept, end, renew, claim."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from antiphon.domain.events import CancelRequest, Event, MessageAdd, TurnQueue
from antiphon.errors import Busy, Conflict, KeyReused, NotFound, QueueFull
from antiphon.stores.base import Acceptance, Accepted, Change, Ended, Lease, TurnRecord
from antiphon.stores.frames import Frame, decode, encode_all
from antiphon.stores.projection import header_changes, message_of
from antiphon.stores.sql import log
from antiphon.stores.sql.rows import header_of
from antiphon.stores.sql.tables import conversations, events, keys, messages, turns

KEY_LIFETIME_S = 24 * 3600


def accept(connection: Connection, acceptance: Acceptance, now: float) -> Accepted:
    conversation_id, turn_id = acceptance.conversation_id, acceptance.queue.turn_id
    row = connection.execute(select(conversations).filter_by(id=conversation_id)).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    if (known := _known_key(connection, acceptance, now)) is not None:
        return known
    _check(connection, acceptance, row.running)
    change = Change(events=_events(acceptance, row.running, row.last_seq))
    last_seq = log.claim_seqs(connection, conversation_id, len(change.events))
    frames = encode_all(change.events, last_seq)
    log.add_frames(connection, conversation_id, frames)
    log.write_header(connection, conversation_id, header_changes(change, last_seq))
    message_seq = None
    if acceptance.message is not None:
        message_seq = last_seq - 1
        log.put_message(connection, conversation_id, message_of(acceptance.message), message_seq)
    connection.execute(
        insert(turns),
        {
            "conversation_id": conversation_id,
            "id": turn_id,
            "seq": last_seq,
            "message_seq": message_seq,
            "status": "queued",
        },
    )
    _claim_key(connection, acceptance, last_seq, now)
    lease = None
    if row.running is None:
        lease = _grant(
            connection, conversation_id, turn_id, acceptance.owner, row.counter + 1, now + acceptance.lease_s
        )
    return Accepted(turn_id=turn_id, seq=last_seq, lease=lease, frames=frames)


def _events(acceptance: Acceptance, running: str | None, seen_seq: int) -> list[Event]:
    accepted: list[Event] = []
    if acceptance.when_busy == "interrupt" and running is not None:
        accepted.append(CancelRequest(at=acceptance.queue.at, turn_id=running, seen_seq=seen_seq))
    if acceptance.message is not None:
        accepted.append(acceptance.message)
    return [*accepted, acceptance.queue]


def _known_key(connection: Connection, acceptance: Acceptance, now: float) -> Accepted | None:
    if acceptance.key is None:
        return None
    query = select(keys).filter_by(conversation_id=acceptance.conversation_id, key=acceptance.key)
    row = connection.execute(query).first()
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
    connection.execute(
        keys.delete().filter_by(conversation_id=acceptance.conversation_id, key=acceptance.key)
    )
    connection.execute(
        insert(keys),
        {
            "conversation_id": acceptance.conversation_id,
            "key": acceptance.key,
            "body_hash": acceptance.body_hash,
            "turn_id": acceptance.queue.turn_id,
            "seq": seq,
            "expires_at": now + KEY_LIFETIME_S,
        },
    )


def _check(connection: Connection, acceptance: Acceptance, running: str | None) -> None:
    conversation_id = acceptance.conversation_id
    if acceptance.message is not None:
        taken = select(messages.c.id).filter_by(
            conversation_id=conversation_id, id=acceptance.message.message_id
        )
        if connection.execute(taken).first() is not None:
            raise Conflict("This message id is in use in this conversation. Make a new one.")
    if running is None:
        return
    if acceptance.when_busy == "reject":
        raise Busy("A turn is running in this conversation.", turn_id=running)
    waiting = _queued(conversation_id).limit(acceptance.queue_max)
    if len(connection.execute(waiting).all()) >= acceptance.queue_max:
        raise QueueFull("Too many messages wait in this conversation. Nothing was stored; try later.")


def _queued(conversation_id: str) -> Any:
    return (
        select(turns.c.id).filter_by(conversation_id=conversation_id, status="queued").order_by(turns.c.seq)
    )


def _grant(
    connection: Connection, conversation_id: str, turn_id: str, owner: str, counter: int, until: float
) -> Lease:
    connection.execute(
        update(conversations)
        .filter_by(id=conversation_id)
        .values(running=turn_id, lease_owner=owner, lease_until=until, counter=counter)
    )
    return Lease(conversation_id, turn_id, counter, owner)


def turn(connection: Connection, conversation_id: str, turn_id: str) -> TurnRecord:
    row = connection.execute(select(turns).filter_by(conversation_id=conversation_id, id=turn_id)).first()
    if row is None:
        raise NotFound("There is no such turn.")
    header = connection.execute(select(conversations).filter_by(id=conversation_id)).one()
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
    query = select(events.c.seq, events.c.type, events.c.data)
    row = connection.execute(query.filter_by(conversation_id=conversation_id, seq=seq)).one()
    return decode(Frame(*row))


def end(connection: Connection, lease: Lease, change: Change, last_seq: int, until: float) -> Ended:
    """Write a turn's end at `last_seq`, claimed under its lease, and pass the lease on."""
    frames = log.append(connection, lease.conversation_id, change, last_seq, lease.turn_id)
    waiting = connection.execute(_queued(lease.conversation_id).limit(1)).scalar_one_or_none()
    if waiting is not None:
        following = _grant(connection, lease.conversation_id, waiting, lease.owner, lease.counter + 1, until)
        return Ended(frames=frames, next=following)
    connection.execute(
        update(conversations)
        .filter_by(id=lease.conversation_id)
        .values(running=None, lease_owner=None, lease_until=None)
    )
    return Ended(frames=frames, next=None)


def renew(connection: Connection, leases: Sequence[Lease], until: float) -> list[Lease]:
    lost = []
    for lease in sorted(leases, key=lambda lease: lease.conversation_id):
        renewed = connection.execute(
            update(conversations)
            .filter_by(
                id=lease.conversation_id,
                running=lease.turn_id,
                counter=lease.counter,
                lease_owner=lease.owner,
            )
            .values(lease_until=until)
        )
        if renewed.rowcount == 0:
            lost.append(lease)
    return lost


def claim(connection: Connection, owner: str, lease_s: float, now: float, limit: int) -> list[Lease]:
    queued = select(turns.c.conversation_id).where(turns.c.status == "queued")
    free = conversations.c.running.is_(None) & conversations.c.id.in_(queued)
    lapsed = conversations.c.running.is_not(None) & (conversations.c.lease_until < now)
    query = (
        select(conversations.c.id, conversations.c.running, conversations.c.counter)
        .where(or_(lapsed, free))
        .order_by(conversations.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = []
    for row in connection.execute(query).all():
        turn_id = row.running or connection.execute(_queued(row.id).limit(1)).scalar_one()
        status = connection.execute(
            select(turns.c.status).filter_by(conversation_id=row.id, id=turn_id)
        ).scalar_one()
        lease = _grant(connection, row.id, turn_id, owner, row.counter + 1, now + lease_s)
        claimed.append(Lease(row.id, turn_id, lease.counter, owner, recovered=status != "queued"))
    return claimed
