"""Full-text search: FTS5 on SQLite, a GIN index on PostgreSQL. Words are made here, not by the database.

So every language is cut in the same way on both, and a query has no operators that a person could trip over.
The principal is one word more, so that a search does not walk through what others wrote.

What FTS5 writes with each commit that adds to it is a good part of all that is written. So on SQLite a
question only gets its place among the few messages that are looked at one by one, and goes into the index
together with its answer.
"""

import hashlib
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import TextClause, text

from antiphon.domain.messages import Block, Message, text_of
from antiphon.stores.base import Hit
from antiphon.stores.scanning import scan
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.rows import message_of
from antiphon.stores.words import query_words, snippet_of, words_of

_blocks = msgspec.json.Decoder(tuple[Block, ...])

_CHANGED = {
    "user": "NOTHING",  # it only finds its place: what a person wrote never changes
    "assistant": "UPDATE SET principal = excluded.principal",
}
_ADD_PLACE = {
    role: text(
        "INSERT INTO searchable (conversation_id, message_id, principal, at)"  # noqa: S608 - our own words
        " VALUES (:conversation_id, :message_id, :principal, :at)"
        f" ON CONFLICT (conversation_id, message_id) DO {change} RETURNING id"
    )
    for role, change in _CHANGED.items()
}
_ADD_WORDS = text("INSERT OR REPLACE INTO searchable_words (rowid, words) VALUES (:id, :words)")
_ADD_BOTH = {
    role: text(
        "INSERT INTO searchable (conversation_id, message_id, principal, at, words)"  # noqa: S608
        " VALUES (:conversation_id, :message_id, :principal, :at,"
        " array_to_tsvector(CAST(:words AS text[])))"
        f" ON CONFLICT (conversation_id, message_id) DO {change}"
    )
    for role, change in {**_CHANGED, "assistant": "UPDATE SET words = excluded.words"}.items()
}
_REMOVE = text("DELETE FROM searchable WHERE conversation_id = :conversation_id AND message_id = :message_id")
_ADD_SOON = text(
    "INSERT INTO searchable_soon (conversation_id, message_id, principal, at)"
    " VALUES (:conversation_id, :message_id, :principal, :at)"
)
_SOON = (
    "SELECT searchable_soon.principal, searchable_soon.at, messages.* FROM searchable_soon"
    " JOIN messages ON messages.conversation_id = searchable_soon.conversation_id"
    " AND messages.id = searchable_soon.message_id WHERE searchable_soon."
)
_SOON_IN = text(_SOON + "conversation_id = :conversation_id")
_SOON_OF = text(
    _SOON + "principal = :principal"
    " ORDER BY searchable_soon.at DESC, searchable_soon.conversation_id DESC, searchable_soon.message_id DESC"
)
_NO_LONGER_SOON = text("DELETE FROM searchable_soon WHERE conversation_id = :conversation_id")
_NEVER = text(
    "DELETE FROM searchable_soon WHERE conversation_id = :conversation_id AND message_id = :message_id"
)
_FOUND = (
    " JOIN messages ON messages.conversation_id = searchable.conversation_id"
    " AND messages.id = searchable.message_id WHERE searchable.principal = :principal"
    " AND (searchable.at, searchable.conversation_id, searchable.message_id)"
    " < (:at, :conversation_id, :message_id)"
)
_NEWEST = (
    " ORDER BY searchable.at DESC, searchable.conversation_id DESC, searchable.message_id DESC LIMIT :limit"
)
_WHAT = "SELECT searchable.conversation_id, searchable.message_id, searchable.at, messages.content FROM "
_FIND: dict[str, TextClause] = {
    "sqlite": text(
        _WHAT
        + "searchable_words JOIN searchable ON searchable.id = searchable_words.rowid"
        + _FOUND
        + " AND searchable_words MATCH :query"
        + _NEWEST
    ),
    "postgresql": text(
        _WHAT + "searchable" + _FOUND + " AND searchable.words @@ CAST(:query AS tsquery)" + _NEWEST
    ),
}
_END_OF_TIME = (2**62, "", "")


def put(connection: Connection, conversation_id: str, principal: str, at: int, message: Message) -> None:
    """Let a message be found by its text, as of `at` if it was not found before."""
    words = words_of(text_of(message.content))
    if not words:
        remove(connection, conversation_id, message.id)
        return
    words.append(_word_of(principal))
    place = {"conversation_id": conversation_id, "message_id": message.id, "principal": principal, "at": at}
    if connection.dialect.name == "postgresql":
        connection.execute(_ADD_BOTH[message.role], {**place, "words": words})
        return
    row = connection.execute(_ADD_PLACE[message.role], place).first()
    if row is not None:
        connection.execute(_ADD_WORDS, {"id": row.id, "words": " ".join(words)})


def put_soon(connection: Connection, conversation_id: str, principal: str, at: int, message: Message) -> None:
    """Let a new message be found; where that is cheaper, by looking at it until `settle` is called."""
    if connection.dialect.name == "postgresql":
        put(connection, conversation_id, principal, at, message)
        return
    place = {"conversation_id": conversation_id, "message_id": message.id, "principal": principal, "at": at}
    connection.execute(_ADD_SOON, place)


def settle(connection: Connection, conversation_id: str) -> None:
    """Put into the index what was to be put there soon."""
    if connection.dialect.name == "postgresql":
        return
    rows = connection.execute(_SOON_IN, {"conversation_id": conversation_id}).all()
    if rows:
        connection.execute(_NO_LONGER_SOON, {"conversation_id": conversation_id})
    for row in rows:
        put(connection, conversation_id, row.principal, row.at, message_of(row).message)


def remove(connection: Connection, conversation_id: str, message_id: str) -> None:
    place = {"conversation_id": conversation_id, "message_id": message_id}
    connection.execute(_REMOVE, place)
    if connection.dialect.name == "sqlite":
        connection.execute(_NEVER, place)


def find(
    connection: Connection, principal: str, query: str, before: tuple[int, str, str] | None, limit: int
) -> list[Hit]:
    wanted = query_words(query)
    if not wanted:
        return []
    at, conversation_id, message_id = before or _END_OF_TIME
    values = {"at": at, "conversation_id": conversation_id, "message_id": message_id}
    which = connection.dialect.name
    rows = connection.execute(
        _FIND[which],
        {**values, "principal": principal, "limit": limit, "query": _query(which, principal, wanted)},
    )
    found = (_hit(row, query) for row in rows)
    if which == "postgresql":
        return list(found)
    soon = _find_soon(connection, principal, query, before)
    return list(islice(merge(found, soon, key=lambda hit: hit.place, reverse=True), limit))


def _find_soon(
    connection: Connection, principal: str, query: str, before: tuple[int, str, str] | None
) -> Iterator[Hit]:
    """Among the questions of the turns that are open: newest first."""
    rows = connection.execute(_SOON_OF, {"principal": principal})
    texts = (((row.at, row.conversation_id, row.id), text_of(_blocks.decode(row.content))) for row in rows)
    return scan(texts, query, before)


def _query(dialect: str, principal: str, wanted: list[str]) -> str:
    """Words hold no quotes and no operators."""
    if dialect == "postgresql":
        return " & ".join([f"'{_word_of(principal)}'", *(f"'{word}':*" for word in wanted)])
    return " AND ".join([f'"{_word_of(principal)}"', *(f'"{word}"*' for word in wanted)])


def _word_of(principal: str) -> str:
    """It keeps lists apart for speed; the principal itself is compared too."""
    return hashlib.md5(principal.encode(), usedforsecurity=False).hexdigest()


def _hit(row: Any, query: str) -> Hit:
    snippet, marks = snippet_of(text_of(_blocks.decode(row.content)), query)
    return Hit(
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        at=row.at,
        snippet=snippet,
        marks=marks,
    )
