"""Transactions on the log and on what is projected from it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from antiphon.domain.conversations import PlacedMessage, Totals
from antiphon.domain.messages import Message
from antiphon.domain.usage import Usage
from antiphon.errors import NotFound
from antiphon.stores.base import Change
from antiphon.stores.frames import Frame, encode_all
from antiphon.stores.projection import attempt_changes, header_changes, turn_changes
from antiphon.stores.sql.rows import header_row, message_of, message_row, pack, usage_of
from antiphon.stores.sql.tables import attempts, conversations, events, messages, turns

ENDED = turns.c.status.not_in(("queued", "running", "waiting"))


def read(connection: Connection, conversation_id: str, after: int, limit: int) -> list[Frame]:
    query = (
        select(events.c.seq, events.c.type, events.c.data)
        .where(events.c.conversation_id == conversation_id, events.c.seq > after)
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [Frame(*row) for row in connection.execute(query)]


def last_seqs(connection: Connection, conversation_ids: Sequence[str]) -> dict[str, int]:
    query = select(conversations.c.id, conversations.c.last_seq).where(
        conversations.c.id.in_(conversation_ids)
    )
    return {row.id: row.last_seq for row in connection.execute(query)}


def path(connection: Connection, conversation_id: str, message_id: str | None) -> list[PlacedMessage]:
    if message_id is None:
        return []
    here = messages.c.conversation_id == conversation_id
    step = (
        select(messages.c.id, messages.c.parent_id)
        .where(here, messages.c.id == message_id)
        .cte("step", recursive=True)
    )
    step = step.union_all(
        select(messages.c.id, messages.c.parent_id).where(here, messages.c.id == step.c.parent_id)
    )
    rows = connection.execute(select(messages).join(step, messages.c.id == step.c.id).where(here)).all()
    placed = {row.id: message_of(row) for row in rows}
    if message_id not in placed:
        raise NotFound("There is no such message in this conversation.")
    found: list[PlacedMessage] = []
    at: str | None = message_id
    while at is not None:
        found.append(placed[at])
        at = placed[at].message.parent_id
    found.reverse()
    return found


def totals(connection: Connection, conversation_id: str) -> Totals:
    ended = connection.execute(
        select(func.count()).where(turns.c.conversation_id == conversation_id, ENDED)
    ).scalar_one()
    rows = connection.execute(
        select(attempts.c.usage, attempts.c.cost_nanodollars, attempts.c.saved_nanodollars).filter_by(
            conversation_id=conversation_id
        )
    ).all()
    return Totals(
        turns=ended,
        usage=sum((usage_of(row.usage) for row in rows), Usage()),
        cost_nanodollars=sum(row.cost_nanodollars for row in rows),
        saved_nanodollars=sum(row.saved_nanodollars for row in rows),
    )


def append(
    connection: Connection, conversation_id: str, change: Change, last_seq: int, turn_id: str | None
) -> list[Frame]:
    """Write events that end at `last_seq`, which the caller has claimed, with all that they change."""
    frames = encode_all(change.events, last_seq)
    add_frames(connection, conversation_id, frames)
    write_header(connection, conversation_id, header_changes(change, last_seq))
    for message in change.messages:
        put_message(connection, conversation_id, message, last_seq)
    for message_id in change.removed:
        connection.execute(delete(messages).filter_by(conversation_id=conversation_id, id=message_id))
    _write_turns(connection, conversation_id, change, turn_id)
    _write_attempts(connection, conversation_id, change, turn_id)
    return frames


def claim_seqs(connection: Connection, conversation_id: str, count: int) -> int:
    """The new last seq, for events that need no lease. Raises NotFound."""
    row = connection.execute(
        update(conversations)
        .filter_by(id=conversation_id)
        .values(last_seq=conversations.c.last_seq + count)
        .returning(conversations.c.last_seq)
    ).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return int(row.last_seq)


def add_frames(connection: Connection, conversation_id: str, frames: Sequence[Frame]) -> None:
    if frames:
        connection.execute(insert(events), frame_rows(conversation_id, frames))


def frame_rows(conversation_id: str, frames: Sequence[Frame]) -> list[dict[str, Any]]:
    return [
        {"conversation_id": conversation_id, "seq": frame.seq, "type": frame.type, "data": frame.data}
        for frame in frames
    ]


def put_message(connection: Connection, conversation_id: str, message: Message, seq: int) -> None:
    row = message_row(conversation_id, message, seq)
    known = connection.execute(
        update(messages).filter_by(conversation_id=conversation_id, id=message.id).values(row)
    )
    if known.rowcount == 0:
        connection.execute(insert(messages), row)


def write_header(connection: Connection, conversation_id: str, changes: dict[str, Any]) -> None:
    connection.execute(update(conversations).filter_by(id=conversation_id).values(header_row(changes)))


def _write_turns(connection: Connection, conversation_id: str, change: Change, turn_id: str | None) -> None:
    for changed, status in turn_changes(change.events, turn_id).items():
        values: dict[str, Any] = {"status": status}
        if status not in ("queued", "running", "waiting"):
            here = select(conversations.c.head).where(conversations.c.id == conversation_id)
            values["last_message_id"] = here.scalar_subquery()
        connection.execute(
            update(turns).filter_by(conversation_id=conversation_id, id=changed).values(values)
        )


def _write_attempts(
    connection: Connection, conversation_id: str, change: Change, turn_id: str | None
) -> None:
    for row in attempt_changes(change.events):
        assert turn_id is not None
        key = {
            "conversation_id": conversation_id,
            "turn_id": turn_id,
            "step": row.step,
            "attempt": row.attempt,
        }
        values: dict[str, Any] = {
            "at": row.at,
            "status": row.status,
            "usage": pack(row.usage),
            "cost_nanodollars": row.cost_nanodollars,
            "saved_nanodollars": row.saved_nanodollars,
            "request_id": row.request_id,
        }
        known = connection.execute(update(attempts).filter_by(**key).values(values))
        if known.rowcount == 0:
            connection.execute(insert(attempts), {**key, **values, "model": row.model})
