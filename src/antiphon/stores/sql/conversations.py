"""Transactions on conversations as wholes."""

from typing import Any

from sqlalchemy import and_, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from antiphon.domain.conversations import Header
from antiphon.domain.events import ConversationCreate
from antiphon.errors import Conflict, NotFound
from antiphon.stores.frames import encode
from antiphon.stores.sql import files, ledger
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.rows import header_of, header_row
from antiphon.stores.sql.statements import NAMED_CONVERSATION, OWN_CONVERSATION
from antiphon.stores.sql.tables import conversations, events, names, tombstones


def create(
    connection: Connection, principal: str, conversation_id: str, event: ConversationCreate, name: str | None
) -> Header:
    if name is not None and (taken := find(connection, principal, name)) is not None:
        return taken
    values: dict[str, Any] = {
        "id": conversation_id,
        "principal": principal,
        "created_at": event.at,
        "updated_at": event.at,
        "last_seq": 1,
        "title": event.title,
        "system": event.system,
        "model": event.model,
        "options": event.options,
        "tools": event.tools,
        "settings_seq": 0,
        "counter": 0,
    }
    try:
        connection.execute(insert(conversations), header_row(values))
    except IntegrityError as error:
        raise Conflict("This conversation id is in use. Make a new one.") from error
    # Looked at now: where another replica was deleting it, the insert has waited for that.
    if connection.execute(select(tombstones.c.counter).filter_by(conversation_id=conversation_id)).first():
        raise Conflict("This conversation id was used before. Make a new one.")
    connection.execute(
        insert(events),
        {"conversation_id": conversation_id, "seq": 1, "type": event.type, "data": encode(event)},
    )
    if name is not None:
        connection.execute(
            insert(names), {"principal": principal, "name": name, "conversation_id": conversation_id}
        )
    return get(connection, principal, conversation_id)


def get(connection: Connection, principal: str, conversation_id: str) -> Header:
    row = connection.execute(OWN_CONVERSATION, {"id": conversation_id, "principal": principal}).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return header_of(row)


def find(connection: Connection, principal: str, name: str) -> Header | None:
    row = connection.execute(NAMED_CONVERSATION, {"principal": principal, "name": name}).first()
    return header_of(row) if row is not None else None


def recent(
    connection: Connection, principal: str, before: tuple[int, str] | None, limit: int
) -> list[Header]:
    query = select(conversations).where(conversations.c.principal == principal)
    if before is not None:
        at, last_id = before
        changed, same_id = conversations.c.updated_at, conversations.c.id
        query = query.where(or_(changed < at, and_(changed == at, same_id < last_id)))
    query = query.order_by(conversations.c.updated_at.desc(), conversations.c.id.desc()).limit(limit)
    return [header_of(row) for row in connection.execute(query)]


def remove(connection: Connection, principal: str, conversation_id: str, now: float) -> Header:
    """Delete the row, and with it everything that hangs on it; leave a tombstone. Raises NotFound."""
    header = get(connection, principal, conversation_id)
    # Locked now: a message that is just being accepted may refer to one more file.
    connection.execute(select(conversations.c.id).filter_by(id=conversation_id).with_for_update())
    ledger.close_all(connection, conversation_id)
    used = files.used_by(connection, conversation_id)
    counter = connection.execute(
        delete(conversations).filter_by(id=conversation_id).returning(conversations.c.counter)
    ).scalar_one_or_none()
    if counter is None:  # another replica was faster
        raise NotFound("There is no such conversation.")
    connection.execute(
        insert(tombstones), {"conversation_id": conversation_id, "counter": counter, "deleted_at": now}
    )
    files.release(connection, principal, used, now)
    return header


def forget(connection: Connection, principal: str, name: str, now: float) -> Header | None:
    header = find(connection, principal, name)
    if header is None:
        return None
    try:
        return remove(connection, principal, header.id, now)
    except NotFound:
        return None
