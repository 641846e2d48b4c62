"""Transactions on files. Rows of `files` are locked last, in the order of their ids."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select, text

from antiphon.domain.files import File, FileFacts
from antiphon.stores.projection import no_file
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.rows import pack
from antiphon.stores.sql.tables import file_bytes, file_uses, files

_facts = msgspec.json.Decoder(FileFacts)

_PUT = text(
    "INSERT INTO files (principal, id, facts, uses, held_until) VALUES (:principal, :id, :facts, 0, :until)"
    " ON CONFLICT (principal, id) DO UPDATE SET facts = excluded.facts, held_until ="
    " CASE WHEN files.held_until > excluded.held_until THEN files.held_until ELSE excluded.held_until END"
)
_PUT_BYTES = text(
    "INSERT INTO file_bytes (principal, id, data) VALUES (:principal, :id, :data)"
    " ON CONFLICT (principal, id) DO NOTHING"
)
_PUT_USE = text(
    "INSERT INTO file_uses (conversation_id, file_id) VALUES (:conversation_id, :id)"
    " ON CONFLICT (conversation_id, file_id) DO NOTHING"
)
_OF_CONVERSATION = (
    "principal = (SELECT principal FROM conversations WHERE id = :conversation_id) AND id = :id"
)
_USE = text(f"UPDATE files SET uses = uses + :added, held_until = 0 WHERE {_OF_CONVERSATION}")  # noqa: S608
_RELEASE = text("UPDATE files SET uses = uses - 1 WHERE principal = :principal AND id = :id")
_DROP = text(
    "DELETE FROM files WHERE principal = :principal AND id = :id AND uses = 0 AND held_until <= :now"
)


def put(connection: Connection, principal: str, file: File, until: float) -> None:
    place = {"principal": principal, "id": file.facts.id}
    connection.execute(_PUT, {**place, "facts": pack(file.facts), "until": until})
    connection.execute(_PUT_BYTES, {**place, "data": file.data})


def get(connection: Connection, principal: str, file_id: str) -> File:
    """Raises NotFound."""
    place = {"principal": principal, "id": file_id}
    facts = connection.execute(select(files.c.facts).filter_by(**place)).scalar_one_or_none()
    data = connection.execute(select(file_bytes.c.data).filter_by(**place)).scalar_one_or_none()
    if facts is None or data is None:
        raise no_file()
    return File(facts=_facts.decode(facts), data=data)


def facts_of(connection: Connection, principal: str, file_ids: Sequence[str]) -> dict[str, FileFacts]:
    query = select(files.c.id, files.c.facts).where(files.c.principal == principal, files.c.id.in_(file_ids))
    return {row.id: _facts.decode(row.facts) for row in connection.execute(query)}


def check(connection: Connection, principal: str, file_ids: Sequence[str]) -> None:
    """Raises NotFound: one of them is not there."""
    if file_ids and len(facts_of(connection, principal, file_ids)) < len(file_ids):
        raise no_file()


def use(connection: Connection, conversation_id: str, file_ids: Sequence[str]) -> None:
    """A message of this conversation refers to them. Raises NotFound: roll back what it came with."""
    for file_id in file_ids:
        place = {"conversation_id": conversation_id, "id": file_id}
        added = connection.execute(_PUT_USE, place).rowcount
        if connection.execute(_USE, {**place, "added": added}).rowcount != 1:
            raise no_file()


def used_by(connection: Connection, conversation_id: str) -> list[str]:
    """To be asked before the conversation is deleted, and given to `release` after it was."""
    query = select(file_uses.c.file_id).filter_by(conversation_id=conversation_id)
    return sorted(row.file_id for row in connection.execute(query))


def release(connection: Connection, principal: str, file_ids: Sequence[str], now: float) -> None:
    """A conversation is gone that referred to them."""
    for file_id in file_ids:
        place = {"principal": principal, "id": file_id}
        connection.execute(_RELEASE, place)
        connection.execute(_DROP, {**place, "now": now})


def drop(connection: Connection, limit: int, now: float) -> bool:
    """Those that another replica is just looking at are left to it."""
    query = (
        select(files.c.principal, files.c.id)
        .where(text("files.uses = 0"), files.c.held_until <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = connection.execute(query).all()
    for row in due:
        place = {"principal": row.principal, "id": row.id}
        connection.execute(delete(files).filter_by(**place))
    return len(due) == limit
