"""What only a file can show: it survives, is shared and synced; and where it cannot be, it is refused."""

import asyncio
import hashlib
import json
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, insert, text, update

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_id
from antiphon.domain.messages import text_block
from antiphon.errors import AntiphonError, ConfigurationError, Conflict, NewerData, NotFound, StoreUnavailable
from antiphon.stores.base import Change
from antiphon.stores.sql.checkpoints import REST_S
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.readers import SLOW_S
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.stores.sql.tables import conversations, metadata, names
from antiphon.testing.stores import ME, a_conversation, a_turn, lease_of, start, the_end

Place: TypeAlias = Callable[[Path], Path]

ACCEPTING = Path(__file__).parent / "accepting.py"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "antiphon.db"


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqlStore]:
    store = SqlStore(SqliteDatabase(path))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def database_at(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def refusal(path: Path) -> AntiphonError:
    store = SqlStore(SqliteDatabase(path))
    try:
        with pytest.raises(AntiphonError) as refused:
            await store.open()
    finally:
        await store.close()
    return refused.value


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def test_a_conversation_survives_closing_and_opening(path: Path) -> None:
    async with opened(path) as store:
        header = await a_conversation(store, name="support")
        acceptance = a_turn(header.id, "Remember me.")
        lease = lease_of(await store.accept(acceptance))
        message = await start(store, acceptance, lease)
        await store.end(lease, the_end(lease.turn_id, message.id), 30)
        before = await store.get(ME, header.id)
        frames = await store.read(header.id, 0)
    async with opened(path) as store:
        assert await store.find(ME, "support") == before
        assert await store.read(header.id, 0) == frames
        assert [placed.message for placed in await store.path(header.id, before.head)] == [message]
        assert (await store.totals(header.id)).turns == 1


async def test_two_stores_on_one_file_see_each_others_commits(path: Path) -> None:
    async with opened(path) as one, opened(path) as other:
        header = await a_conversation(one)
        assert await other.get(ME, header.id) == header
        stores = [one, other] * 10

        async def retitle(number: int, store: SqlStore) -> int:
            change = Change(events=[e.TitleChange(at=number, title=f"{number}")])
            return (await store.append(header.id, change))[-1].seq

        seqs = await asyncio.gather(*(retitle(n, store) for n, store in enumerate(stores)))
        assert sorted(seqs) == list(range(2, 22))
        assert await one.read(header.id, 0) == await other.read(header.id, 0)
        await other.delete(ME, header.id)
        with pytest.raises(NotFound):
            await one.get(ME, header.id)


async def test_what_is_refused_takes_nothing_else_of_its_commit_with_it(path: Path) -> None:
    """Written at once, they are committed together; statements of both ways to the driver are among them."""
    event = e.ConversationCreate(at=1)
    retitled = Change(events=[e.TitleChange(at=2, title="New")])

    def half_done(connection: Connection) -> None:
        connection.execute(update(conversations).values(title="half"))
        connection.execute(text("UPDATE conversations SET model = 'half'"))
        raise NotFound("There is nothing.")

    async with database_at(path) as database:
        store = SqlStore(database)
        await store.create(ME, "one", event)
        outcomes = await asyncio.gather(
            store.append("one", retitled),
            store.create(ME, "one", event),
            database.write(half_done),
            store.append("none", retitled),
            store.create(ME, "three", e.ConversationCreate(at=2**64)),
            store.create(ME, "two", event),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [
            list,
            Conflict,
            NotFound,
            NotFound,
            OverflowError,
            Header,
        ]
        headers = [await store.get(ME, conversation_id) for conversation_id in ("one", "two")]
        assert [(header.title, header.model, header.last_seq) for header in headers] == [
            ("New", "", 2),
            ("", "", 1),
        ]


async def test_after_a_commit_that_failed_the_store_goes_on(path: Path) -> None:
    orphan = {"principal": ME, "name": "nowhere", "conversation_id": "none"}
    ways: list[Callable[[Connection], object]] = [
        lambda connection: connection.execute(insert(names), orphan),
        lambda connection: connection.execute(
            text("INSERT INTO names VALUES (:principal, :name, :conversation_id)"), orphan
        ),
    ]
    async with database_at(path) as database:
        store = SqlStore(database)
        for way in ways:

            def failing(connection: Connection, way: Callable[[Connection], object] = way) -> None:
                connection.execute(text("PRAGMA defer_foreign_keys = ON"))
                way(connection)

            with pytest.raises(StoreUnavailable):
                await database.write(failing)
            header = await a_conversation(store, name=new_id())
            assert await store.get(ME, header.id) == header
            assert await store.find(ME, "nowhere") is None


async def test_many_may_open_a_new_file_at_once(path: Path) -> None:
    stores = [SqlStore(SqliteDatabase(path)) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    headers = [await a_conversation(store) for store in stores]
    for store in stores:
        assert [(await store.get(ME, header.id)).id for header in headers] == [
            header.id for header in headers
        ]
        await store.close()


async def test_every_commit_is_fully_synced_to_a_write_ahead_log(path: Path) -> None:
    """A kill cannot show what a power cut does; the setting in force on the write connection can be shown."""

    def pragmas(connection: Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names}

    full = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    async with database_at(path) as database:
        assert await database.write(pragmas) == full
        assert await database.read(pragmas) == full
        assert path.with_name("antiphon.db-wal").exists()


async def test_the_log_begins_anew_again_and_again_while_commits_go_on(path: Path) -> None:
    store = SqlStore(SqliteDatabase(path, checkpoint_s=0))
    await store.open()
    header = await a_conversation(store)
    log, length = path.with_name(f"{path.name}-wal"), 200_000
    for _ in range(10):
        await store.append(header.id, Change(events=[e.TitleChange(at=1, title="x" * length)]))
        await asyncio.sleep(4 * REST_S)
    assert log.stat().st_size < 10 * length / 2
    assert (await store.get(ME, header.id)).last_seq == header.last_seq + 10
    await store.close()


async def test_the_event_loop_looks_at_single_rows_itself_unless_they_keep_it_waiting(path: Path) -> None:
    here = threading.current_thread()

    def locked_here(_: Connection) -> threading.Thread:
        if threading.current_thread() is here:
            raise sqlite3.OperationalError("database is locked")
        return threading.current_thread()

    def slow(_: Connection) -> threading.Thread:
        begun = time.monotonic()
        while time.monotonic() - begun <= SLOW_S:
            pass
        return threading.current_thread()

    async with database_at(path) as database:
        assert await database.glance(lambda _: threading.current_thread()) is here
        assert await database.glance(locked_here) is not here
        assert await database.glance(slow) is here
        assert await database.glance(lambda _: threading.current_thread()) is not here


def described(name: str | None, kind: str, _parents: object) -> bool:
    """The index for search is each database's own kind, made by its migration alone."""
    return not (kind == "table" and str(name).startswith("searchable"))


async def test_the_migrated_schema_is_what_the_code_reads_and_writes(path: Path) -> None:
    async with database_at(path):
        with create_engine(f"sqlite:///{path}").connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "include_name": described}
            )
            assert compare_metadata(context, metadata) == []


async def test_data_of_a_newer_version_is_refused_and_stays_as_it_is(path: Path) -> None:
    async with database_at(path) as database:
        newer = text("UPDATE alembic_version SET version_num = '9999'")
        await database.write(lambda connection: connection.execute(newer))
    before = contents(path.parent)
    error = await refusal(path)
    assert isinstance(error, NewerData)
    assert "9999" in str(error)
    assert "Nothing was changed" in str(error)
    assert contents(path.parent) == before


def a_folder(folder: Path) -> Path:
    path = folder / "antiphon.db"
    path.mkdir()
    return path


def not_a_database(folder: Path) -> Path:
    path = folder / "antiphon.db"
    path.write_text("This is a letter, and it is longer than the header of a database file would be.\n" * 20)
    return path


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "antiphon.db"


def where_nobody_may_write(folder: Path) -> Path:
    """Not even root: the kernel's own folder."""
    del folder
    return Path("/proc/antiphon.db")


@pytest.mark.parametrize("place", [a_folder, not_a_database, below_a_file, where_nobody_may_write])
async def test_a_path_that_cannot_hold_the_store_is_refused_in_one_sentence(
    tmp_path: Path, place: Place
) -> None:
    path = place(tmp_path)
    before = contents(tmp_path)
    error = await refusal(path)
    assert isinstance(error, ConfigurationError)
    assert str(path) in str(error)
    assert "sqlite3" not in str(error)
    assert "\n" not in str(error)
    assert contents(tmp_path) == before


async def test_a_file_that_breaks_while_open_is_a_sentence_too(path: Path) -> None:
    async with opened(path) as store:
        header = await a_conversation(store)
        async with database_at(path) as other:
            await other.write(lambda connection: connection.execute(text("DROP TABLE messages")))
        with pytest.raises(StoreUnavailable, match="Nothing of this request was half-done") as failed:
            await store.accept(a_turn(header.id))
        assert "messages" not in str(failed.value)
        assert await store.last_seqs([header.id]) == {header.id: 1}


async def test_what_was_accepted_is_there_after_a_kill(path: Path) -> None:
    """The process is killed in the midst of accepting; what it had acknowledged by then is in the file."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ACCEPTING), str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        acknowledged = [await process.stdout.readline() for _ in range(5)]
        process.send_signal(signal.SIGKILL)
        acknowledged += (await process.stdout.read()).splitlines()
        assert await process.wait() == -signal.SIGKILL
    async with opened(path) as store:
        for line in acknowledged:
            conversation_id, turn_id, said = json.loads(line)
            record = await store.turn(conversation_id, turn_id)
            assert record.status == "queued"
            assert record.message is not None
            assert record.message.content == (text_block(said),)
