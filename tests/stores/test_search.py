"""What the contracts of search do not show: the words themselves, the index on disk, and where scans end."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Message, text_block
from antiphon.stores.base import Change
from antiphon.stores.memory import MemoryStore
from antiphon.stores.scanning import SEARCHED
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.stores.words import INDEXED_BYTES, LONGEST_WORD, matches, query_words, snippet_of, words_of
from antiphon.testing.stores import ME, a_conversation, a_turn
from antiphon.testing.stores.making import LEASE_S, a_start, lease_of, start, the_end
from tests.stores.old import make_old

TEXTS = st.text(max_size=80) | st.text(alphabet="aB1 é你好東京ßนा\u0301-", max_size=40)


UNSPACED = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"), ("\u2e80", "\ua4cf"))


def is_unspaced(char: str) -> bool:
    far = "\uf900" <= char <= "\ufaff" or char >= "\U00020000"
    return far or any(first <= char <= last for first, last in UNSPACED)


def read_slowly(text: str) -> list[str]:
    """Words as they are described, one character after the other."""
    folded = "".join(c if c.isalnum() or category(c).startswith("M") else " " for c in text.casefold())
    words: list[str] = []
    for unspaced, part in groupby(folded, lambda char: None if char == " " else is_unspaced(char)):
        run = "".join(part)
        if unspaced:
            words += [run[n : n + 2] for n in range(len(run))]
        elif unspaced is not None:
            words.append(run[:LONGEST_WORD])
    return list(dict.fromkeys(words))


@given(text=TEXTS | TEXTS.map(lambda text: 70 * text))
@settings(deadline=None)
def test_words_are_what_a_slow_reader_finds(text: str) -> None:
    assert words_of(text) == read_slowly(text)


@given(text=TEXTS, length=st.integers(0, 80))
@settings(deadline=None)
def test_a_text_is_found_by_any_beginning_of_itself(text: str, length: int) -> None:
    assert matches(text, query_words(text[:length]))


@given(text=TEXTS, query=TEXTS)
@settings(deadline=None)
def test_marks_lie_in_the_snippet_and_in_order(text: str, query: str) -> None:
    snippet, marks = snippet_of(text, query)
    assert snippet in text
    places = [place for mark in marks for place in mark]
    assert places == sorted(places)
    assert all(0 <= place <= len(snippet) for place in places)


def test_words_of_an_endless_message_fit_into_a_row() -> None:
    words = words_of(" ".join(f"{n:x}é" for n in range(100_000)))
    assert len(words) > 1000
    assert sum(len(word.encode()) for word in words) <= INDEXED_BYTES


async def test_a_scan_ends_with_the_newest_messages() -> None:
    store = MemoryStore()
    header = await a_conversation(store)
    for at, count in ((2, 1), (3, SEARCHED)):
        said = [
            Message(id=new_id(), parent_id=None, role="user", content=(text_block("number"),), turn_id="t")
            for _ in range(count)
        ]
        await store.append(header.id, Change(events=[e.TitleChange(at=at, title="T")], messages=said))
    hits = await store.search(ME, "number", limit=SEARCHED + 1)
    assert [hit.at for hit in hits] == [3] * SEARCHED


def in_index(connection: Connection) -> list[int]:
    tables = ("searchable_soon", "searchable", "searchable_words")
    return [connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables]


@pytest.fixture
async def database(tmp_path: Path) -> SqliteDatabase:
    return SqliteDatabase(tmp_path / "antiphon.db")


@pytest.fixture
async def store(database: SqliteDatabase) -> AsyncGenerator[SqlStore, None]:
    store = SqlStore(database)
    await store.open()
    yield store
    await store.close()


def answered(question: Message, text_: str) -> Change:
    content = (text_block(text_),)
    message = replace(question, id=new_id(), parent_id=question.id, role="assistant", content=content)
    return replace(the_end(question.turn_id, message.id), messages=[message])


async def test_a_question_goes_into_the_index_with_its_answer(
    database: SqliteDatabase, store: SqlStore
) -> None:
    header = await a_conversation(store)
    turn, queued = a_turn(header.id, "a river"), a_turn(header.id, "another river")
    turn = replace(turn, start=a_start(turn, header.last_seq))
    lease = lease_of(await store.accept(turn))
    await store.accept(queued)
    assert await database.read(in_index) == [2, 0, 0]
    asked = await store.search(ME, "river")
    assert len(asked) == 2
    (newest,) = await store.search(ME, "river", limit=1)
    assert newest == asked[0]
    assert await store.search(ME, "river", before=newest.place) == asked[1:]
    assert turn.start is not None
    (question,) = turn.start.change.messages
    await store.end(lease, answered(question, "It is a long river."), LEASE_S)
    assert await database.read(in_index) == [0, 3, 3]
    hits = await store.search(ME, "river")
    assert len(hits) == 3
    assert [hit for hit in hits if hit in asked] == asked


async def test_a_question_that_is_withdrawn_is_not_found(store: SqlStore) -> None:
    header = await a_conversation(store)
    turn, queued = a_turn(header.id, "a river"), a_turn(header.id, "another river")
    await store.accept(turn)
    await store.accept(queued)
    assert turn.message is not None
    assert queued.message is not None
    gone = e.TurnEnd(
        at=1, turn_id=queued.queue.turn_id, status="cancelled", kept=e.Kept(steps=0), head=e.HEAD
    )
    withdrawn = Change(events=[gone], removed=[queued.message.message_id])
    assert await store.withdraw(header.id, queued.queue.turn_id, withdrawn)
    (left,) = await store.search(ME, "river")
    assert left.message_id == turn.message.message_id


async def test_nothing_of_a_deleted_conversation_stays_in_the_index(
    database: SqliteDatabase, store: SqlStore
) -> None:
    header = await a_conversation(store)
    turn = a_turn(header.id, "a secret")
    lease = lease_of(await store.accept(turn))
    await store.end(lease, answered(await start(store, turn, lease), "It is kept."), LEASE_S)
    await store.accept(a_turn(header.id, "another secret"))
    assert await database.read(in_index) == [1, 2, 2]
    await store.delete(ME, header.id)
    assert await database.read(in_index) == [0, 0, 0]


async def test_messages_from_before_there_was_an_index_are_found(tmp_path: Path) -> None:
    make_old(tmp_path / "antiphon.db")
    store = SqlStore(SqliteDatabase(tmp_path / "antiphon.db"))
    await store.open()
    assert {hit.message_id for hit in await store.search(ME, "early")} == {"m1", "m2"}
    await store.close()
