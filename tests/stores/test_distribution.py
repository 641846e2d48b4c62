"""A database that spreads rows over machines finds a statement's on one: by conversation or principal."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Executable, Table, TextClause, create_engine, event
from sqlalchemy.engine import Engine

from antiphon.stores.sql import postgres, statements
from antiphon.stores.sql.database import Parameters, Rows
from antiphon.stores.sql.direct import DirectConnection
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.stores.sql.tables import metadata
from tests.stores.looks import outcome
from tests.stores.walks import Walk

STEPS = 400
SHARDED_BY = {
    "conversations": {"id", "principal"},
    "names": {"principal"},
    "accounts": {"owner"},
    "files": {"principal"},
    "file_bytes": {"principal"},
}
BY_CONVERSATION = {"conversation_id"}

EVERYWHERE = {
    ("conversations", "lease_until<?"): "claim: leases that lapsed",
    ("turns", ""): "claim: turns that wait",
    ("turns", "unpruned_since<?"): "prune: turns that ended",
    ("files", "held_until<?"): "drop_files: files that nothing holds",
    ("keys", "expires_at<?"): "prune: idempotency keys that have expired",
    ("tombstones", "deleted_at<?"): "prune: conversations that were deleted long ago",
    ("ledger", "at>?"): "usage of all principals, and the first hold of an installation's budget",
    ("ledger", "principal=?"): "usage of one principal, and the first hold of its budget",
    ("names", "conversation_id=?"): "delete: the name that points to the conversation",
}
"""What has to ask every machine, each by a small index of its own: where it looks, and for what."""


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_key_leads_with_the_conversation_or_the_principal(table: Table) -> None:
    name, key = table.name, [column.name for column in table.primary_key]
    assert key[0] in SHARDED_BY.get(name, BY_CONVERSATION)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """Every statement that is sent to any database, and the parameters of one time."""
    found: dict[str, object] = {}
    execute = DirectConnection.execute

    def note_direct(this: DirectConnection, statement: Executable, given: Parameters = None) -> Rows:
        if isinstance(statement, TextClause):
            found.setdefault(statement.text, given)
        return execute(this, statement, given)

    monkeypatch.setattr(DirectConnection, "execute", note_direct)

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        found.setdefault(statement, parameters)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


async def test_every_statement_leads_with_the_conversation_or_the_principal(
    tmp_path: Path, seen: dict[str, object]
) -> None:
    path = tmp_path / "antiphon.db"
    store = SqlStore(SqliteDatabase(path))
    await store.open()
    seen.clear()
    walk = Walk(1, [])
    for _ in range(STEPS):
        _, call = walk.step()
        await outcome(call(store))
    ran = {statement: given for statement, given in seen.items() if "PRAGMA" not in statement}
    await store.close()
    looks = places(path, ran)
    assert unseen(set(ran)) == set(), "the walk does not come by here"
    elsewhere = {
        look: statement for look, statement in looks.items() if look not in EVERYWHERE and not is_local(look)
    }
    assert elsewhere == {}
    assert EVERYWHERE.keys() <= looks.keys()


def unseen(ran: set[str]) -> set[str]:
    """Statements of ours that never ran."""
    ours = {name: value for name, value in vars(statements).items() if isinstance(value, TextClause)}
    return {name for name, value in ours.items() if value.text not in ran}


def places(database: Path, ran: dict[str, object]) -> dict[tuple[str, str], str]:
    """Where each statement looks: the table, and the beginning of what it looks for there."""
    with create_engine(f"sqlite:///{database}").connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        return _places(connection, ran)


def _places(connection: Connection, ran: dict[str, object]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for statement, given in ran.items():
        if not statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            continue
        one = given[0] if isinstance(given, list) else given
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one):  # type: ignore[arg-type]
            look = re.match(r"(?:SEARCH|SCAN) (\w+)(?: USING .*?)?(?: \((.+?)(?: AND .*)?\))?$", row.detail)
            if look is not None and look[1] in metadata.tables:
                found[look[1], look[2] or ""] = statement
    return found


def is_local(look: tuple[str, str]) -> bool:
    table, looked_for = look
    return looked_for.removesuffix("=?") in SHARDED_BY.get(table, BY_CONVERSATION)


@pytest.mark.parametrize(
    "statement", [postgres._LOCK, postgres._LOCKED, postgres._ADVANCE], ids=["lock", "locked", "advance"]
)
def test_what_only_postgresql_is_told_names_its_conversations(statement: TextClause) -> None:
    assert re.search(r"FROM conversations WHERE id (= :id|= ANY \(CAST\(:ids)", str(statement))
