"""Transactions on the log and on what is projected from it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select

from antiphon.domain.conversations import PlacedMessage, Totals
from antiphon.domain.events import Event
from antiphon.domain.messages import Message
from antiphon.errors import FenceLost, NotFound, OverBudget
from antiphon.money.budgets import Hold
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.stores.base import NOBODY, Change, Lease
from antiphon.stores.frames import Frame, encode_all
from antiphon.stores.projection import (
    approval_changes,
    files_of,
    header_changes,
    ledger_changes,
    stopped_turns,
    turn_changes,
    turn_ends,
)
from antiphon.stores.sql import files, ledger, search
from antiphon.stores.sql import statements as sql
from antiphon.stores.sql.database import Connection, Database, EventRow
from antiphon.stores.sql.rows import header_row, message_of, message_row
from antiphon.stores.sql.tables import conversations, turns

ENDED = turns.c.status.not_in(("queued", "running", "waiting"))


class Reached(NamedTuple):
    """Where a conversation stands once seqs were claimed. `at` is when it changed, in milliseconds."""

    conversation_id: str
    last_seq: int
    principal: str
    at: int
    head: str | None


def read(
    connection: Connection, conversation_id: str, after: int, limit: int, deltas_after: int
) -> list[Frame]:
    asked = {"conversation_id": conversation_id, "after": after, "limit": limit}
    if deltas_after > after:
        rows = connection.execute(sql.FEWER_EVENTS, {**asked, "deltas_after": deltas_after})
    else:
        rows = connection.execute(sql.EVENTS, asked)
    return [Frame(*row) for row in rows]


def path(connection: Connection, conversation_id: str, message_id: str) -> list[PlacedMessage]:
    rows = connection.execute(sql.PATH, {"conversation_id": conversation_id, "id": message_id})
    placed = {row.id: message_of(row) for row in rows}
    found: list[PlacedMessage] = []
    at: str | None = message_id
    while at is not None:
        if at not in placed:
            raise NotFound("There is no such message in this conversation.")
        found.append(placed[at])
        at = placed[at].message.parent_id
    found.reverse()
    return found


def totals(connection: Connection, conversation_id: str) -> Totals:
    """Raises NotFound."""
    ended = select(func.count()).where(turns.c.conversation_id == conversations.c.id, ENDED)
    counted = select(ended.scalar_subquery()).select_from(conversations).filter_by(id=conversation_id)
    row = connection.execute(counted).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    rows = ledger.usage(connection, UsageQuery(conversation_id=conversation_id, by=()))
    spent = rows[0] if rows else UsageRow(key={})
    return Totals(
        turns=int(row[0]),
        usage=spent.usage,
        cost_nanodollars=spent.cost_nanodollars,
        saved_nanodollars=spent.saved_nanodollars,
    )


def append(
    connection: Connection,
    conversation_id: str,
    change: Change,
    lease: Lease | None,
    also: dict[str, Any] | None = None,
) -> list[Frame]:
    """Commit events with all that they change, and `also` set these columns of the conversation.

    Raises:
        FenceLost (under a lease), NotFound, OverBudget.
    """
    fields = {**header_changes(change), **(also or {})}
    reached = claim_seqs(connection, conversation_id, len(change.events), fields, lease)
    return write(connection, reached, change, lease.turn_id if lease else None)


def write(
    connection: Connection,
    reached: Reached,
    change: Change,
    turn_id: str | None,
    *,
    begun: str | None = None,
) -> list[Frame]:
    """Write events that seqs were claimed for, with all that they change beyond the conversation's own row.

    `begun` is a turn whose row says already what becomes of it. Raises NotFound, OverBudget.
    """
    conversation_id, last_seq = reached.conversation_id, reached.last_seq
    if change.hold is not None:
        _hold(connection, reached.principal, change, change.hold)
    frames = encode_all(change.events, last_seq)
    add_frames(connection, conversation_id, frames)
    if change.messages or turn_ends(change.events):
        search.settle(connection, conversation_id)
    for message in change.messages:
        connection.execute(sql.PUT_MESSAGE, message_row(conversation_id, message, last_seq))
        search.put(connection, conversation_id, reached.principal, reached.at, message)
    for message_id in change.removed:
        connection.execute(sql.REMOVE_MESSAGE, {"conversation_id": conversation_id, "id": message_id})
        search.remove(connection, conversation_id, message_id)
    _write_approvals(connection, conversation_id, change, turn_id)
    statuses = turn_changes(change.events, turn_id)
    if statuses.keys() - {begun}:
        _write_turns(connection, reached, change, statuses)
    if not change.imported:
        entries = ledger_changes(change.events, turn_id)
        ledger.write(connection, conversation_id, reached.principal, entries, change.hold)
    files.use(connection, conversation_id, files_of(change.events))
    return frames


def _hold(connection: Connection, principal: str, change: Change, wanted: Hold) -> None:
    """Raises OverBudget; NotFound, if a file is not there either: more money would not help."""
    try:
        ledger.hold(connection, wanted)
    except OverBudget:
        files.check(connection, principal, files_of(change.events))
        raise


def flush(
    database: Database, connection: Connection, batch: Sequence[tuple[Lease, Sequence[Event]]]
) -> list[list[Frame] | None]:
    """Append events of many turns that change nothing but the log; None where the fence was lost."""
    last_seqs = database.advance(connection, [(lease, len(events)) for lease, events in batch])
    results: list[list[Frame] | None] = []
    rows: list[EventRow] = []
    reached: dict[str, int] = {}
    for (lease, events), last_seq in zip(batch, last_seqs, strict=True):
        if last_seq is None:
            results.append(None)
            continue
        conversation_id = lease.conversation_id
        frames = encode_all(events, last_seq)
        results.append(frames)
        rows += [(conversation_id, frame.seq, frame.type, frame.data) for frame in frames]
        reached[conversation_id] = last_seq
    if rows:
        database.add_events(connection, rows)
        database.grew(connection, reached)
    return results


def claim_seqs(
    connection: Connection, conversation_id: str, count: int, fields: dict[str, Any], lease: Lease | None
) -> Reached:
    """Raises FenceLost (under a lease), NotFound."""
    values = {"f_id": conversation_id, "count": count, **header_row(fields)}
    if lease is not None:
        values |= {"f_turn": lease.turn_id, "f_counter": lease.counter, "f_owner": lease.owner}
    statement = sql.change_conversation(frozenset(fields), fenced=lease is not None)
    row = connection.execute(statement, values).first()
    if row is not None:
        return Reached(conversation_id, *row)
    if lease is not None:
        raise FenceLost("Another replica runs this turn now; nothing was written here.")
    raise NotFound("There is no such conversation.")


def add_frames(connection: Connection, conversation_id: str, frames: Sequence[Frame]) -> None:
    if frames:
        connection.execute(sql.ADD_EVENT, frame_rows(conversation_id, frames))


def frame_rows(conversation_id: str, frames: Sequence[Frame]) -> list[dict[str, Any]]:
    return [
        {"conversation_id": conversation_id, "seq": frame.seq, "type": frame.type, "data": frame.data}
        for frame in frames
    ]


def add_message(connection: Connection, reached: Reached, message: Message, seq: int, at: int) -> bool:
    """Whether its id was free. It is found as of `at`."""
    added = connection.execute(sql.ADD_MESSAGE, message_row(reached.conversation_id, message, seq))
    if added.rowcount != 1:
        return False
    search.put_soon(connection, reached.conversation_id, reached.principal, at, message)
    return True


def _write_approvals(
    connection: Connection, conversation_id: str, change: Change, turn_id: str | None
) -> None:
    """Those that the turn asks for, or resolves by itself; and if it waits and is asked to stop, it does."""
    for approval in approval_changes(change.events, turn_id):
        place = {"conversation_id": conversation_id, "id": approval.id}
        if approval.decided is None:
            connection.execute(sql.ADD_APPROVAL, {**place, "turn_id": approval.turn_id})
        else:
            connection.execute(sql.DECIDE, {**place, "decided": approval.decided})
    for stopped in stopped_turns(change.events):
        stop_waiting(connection, conversation_id, stopped)


def stop_waiting(connection: Connection, conversation_id: str, turn_id: str) -> None:
    """If this turn waits for approvals, it can be claimed from now on."""
    values = {"conversation_id": conversation_id, "turn_id": turn_id, "nobody": NOBODY}
    connection.execute(sql.STOP_WAITING, values)


def _write_turns(connection: Connection, reached: Reached, change: Change, statuses: dict[str, str]) -> None:
    """A turn that ends remembers the conversation's head."""
    ends = turn_ends(change.events)
    for changed, status in statuses.items():
        values: dict[str, Any] = {"last_message_id": None, "end_seq": None, "unpruned_since": None}
        if changed in ends:
            at, back = ends[changed]
            end_seq = reached.last_seq - back
            values = {"last_message_id": reached.head, "end_seq": end_seq, "unpruned_since": at}
        place = {"conversation_id": reached.conversation_id, "id": changed}
        connection.execute(sql.SET_TURN, {**place, "status": status, **values})
