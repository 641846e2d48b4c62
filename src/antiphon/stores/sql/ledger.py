"""Transactions on the ledger and the accounts of budgets."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select, text

from antiphon.domain.usage import Usage
from antiphon.money.budgets import Hold, Limit
from antiphon.money.ledger import DELETED, OPEN, EntryChange, UsageQuery, UsageRow
from antiphon.stores.books import day_of
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.rows import pack
from antiphon.stores.sql.tables import ledger

DAY_MS = 24 * 3600 * 1000
TOKENS = tuple(field.name for field in fields(Usage))

_ENTRY_COLUMNS = tuple(ledger.c.keys())
_OPENING = ("principal", "turn_id", "purpose", "at", "model", "held_nanodollars", "accounts", "key_id")
_CLOSING = tuple(name for name in _ENTRY_COLUMNS if name not in (*_OPENING, "conversation_id", "id"))

OPEN_ENTRY = text(
    f"INSERT INTO ledger ({', '.join(_ENTRY_COLUMNS)}) VALUES ("  # noqa: S608 - our own columns
    + ", ".join(f":{name}" for name in _ENTRY_COLUMNS)
    + ") ON CONFLICT (conversation_id, id) DO NOTHING"
)
CLOSE_ENTRY = text(
    f"UPDATE ledger SET {', '.join(f'{name} = :{name}' for name in _CLOSING)}"  # noqa: S608 - our own columns
    " WHERE conversation_id = :conversation_id AND id = :id AND status = 'open'"
    " RETURNING held_nanodollars, accounts"
)
HOLD = text(
    "UPDATE accounts SET held_nanodollars = held_nanodollars + :amount WHERE owner = :owner AND id = :id"
    " AND spent_nanodollars + held_nanodollars + :amount <= :most RETURNING id"
)
SETTLE = text(
    "UPDATE accounts SET held_nanodollars = held_nanodollars - :held,"
    " spent_nanodollars = spent_nanodollars + :cost WHERE owner = :owner AND id = :id"
)
ADD_ACCOUNT = text(
    "INSERT INTO accounts (owner, id, spent_nanodollars, held_nanodollars) VALUES (:owner, :id, :spent, 0)"
    " ON CONFLICT (owner, id) DO NOTHING"
)
BALANCE = text("SELECT spent_nanodollars + held_nanodollars FROM accounts WHERE owner = :owner AND id = :id")

_names = msgspec.json.Decoder(tuple[tuple[str, str], ...])

charged = case((ledger.c.status == OPEN, ledger.c.held_nanodollars), else_=ledger.c.cost_nanodollars)


def hold(connection: Connection, wanted: Hold) -> None:
    """Raises OverBudget: the transaction is to be rolled back. Accounts are locked in the order given."""
    for limit in wanted.limits:
        values = {**_key(limit), "amount": wanted.nanodollars, "most": limit.nanodollars}
        if connection.execute(HOLD, values).first() is not None:
            continue
        _open_account(connection, limit)
        if connection.execute(HOLD, values).first() is not None:  # it may be another's who opened it just now
            continue
        raise limit.over(limit.nanodollars - _balance(connection, limit))


def left(connection: Connection, limits: Sequence[Limit]) -> list[int]:
    return [limit.nanodollars - _balance(connection, limit) for limit in limits]


def _key(limit: Limit) -> dict[str, str]:
    return {"owner": limit.owner, "id": limit.account}


def _balance(connection: Connection, limit: Limit) -> int:
    """What is spent or held; of an account that nobody used yet, what the ledger says."""
    known = connection.execute(BALANCE, _key(limit)).scalar_one_or_none()
    return _spent(connection, limit) if known is None else int(known)


def _open_account(connection: Connection, limit: Limit) -> None:
    if connection.execute(BALANCE, _key(limit)).first() is None:
        connection.execute(ADD_ACCOUNT, {**_key(limit), "spent": _spent(connection, limit)})


def _spent(connection: Connection, limit: Limit) -> int:
    covered: list[ColumnElement[bool]] = [ledger.c.at >= limit.since]
    match limit.scope:
        case "conversation":
            covered.append(ledger.c.conversation_id == limit.owner)
        case "principal":
            covered.append(ledger.c.principal == limit.owner)
        case _:
            pass
    query = select(func.coalesce(func.sum(charged), 0)).where(and_(*covered))
    return int(connection.execute(query).scalar_one())


def write(
    connection: Connection,
    conversation_id: str,
    principal: str,
    changes: Sequence[EntryChange],
    wanted: Hold | None,
) -> None:
    """Open and close entries; what was held for a closed one becomes what it cost."""
    for change in changes:
        values = _values(conversation_id, change)
        if change.status == OPEN:
            held_in = [(limit.owner, limit.account) for limit in wanted.limits] if wanted else []
            connection.execute(OPEN_ENTRY, {**values, "principal": principal, "accounts": pack(held_in)})
        elif (row := connection.execute(CLOSE_ENTRY, values).first()) is not None:
            _settle(connection, row, change.cost_nanodollars)


def close_all(connection: Connection, conversation_id: str) -> None:
    """Requests of a conversation that is gone have cost what was held for them."""
    still_open = select(ledger).filter_by(conversation_id=conversation_id, status=OPEN)
    for row in connection.execute(still_open).all():
        change = EntryChange(id=row.id, status=DELETED, at=row.at, cost_nanodollars=row.held_nanodollars)
        write(connection, conversation_id, row.principal, [change], None)


def _settle(connection: Connection, row: Row[Any], cost: int) -> None:
    for owner, account in _names.decode(row.accounts):
        values = {"owner": owner, "id": account, "held": row.held_nanodollars, "cost": cost}
        connection.execute(SETTLE, values)


def _values(conversation_id: str, change: EntryChange) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "id": change.id,
        "turn_id": change.turn_id,
        "purpose": change.purpose,
        "at": change.at,
        "model": change.model or "",
        "status": change.status,
        **{name: getattr(change.usage, name) for name in TOKENS},
        "cost_nanodollars": change.cost_nanodollars,
        "saved_nanodollars": change.saved_nanodollars,
        "estimate_nanodollars": change.estimate_nanodollars,
        "held_nanodollars": change.held_nanodollars,
        "prices": pack(change.prices),
        "request_id": change.request_id,
        "key_id": None,
    }


def usage(connection: Connection, query: UsageQuery) -> list[UsageRow]:
    return [_row(query, row) for row in connection.execute(_sums(query))]


def _sums(query: UsageQuery) -> Select[Any]:
    columns = {
        "day": ledger.c.at - ledger.c.at % DAY_MS,
        "model": ledger.c.model,
        "purpose": ledger.c.purpose,
        "conversation": ledger.c.conversation_id,
        "principal": ledger.c.principal,
    }
    by = [columns[name] for name in query.by]
    unsettled = case((ledger.c.prices == b"{}", charged), else_=0)
    still_open = case((ledger.c.status == OPEN, charged), else_=0)
    sums = [func.sum(ledger.c[name]) for name in TOKENS]
    found = select(
        *by,
        func.count(),
        func.sum(charged),
        func.sum(ledger.c.saved_nanodollars),
        func.sum(unsettled),
        func.sum(still_open),
        *sums,
    ).where(*_wanted(query))
    return found.group_by(*by).order_by(*by).having(func.count() > 0)


def _wanted(query: UsageQuery) -> list[ColumnElement[bool]]:
    wanted = [ledger.c.at >= query.since]
    if query.until is not None:
        wanted.append(ledger.c.at < query.until)
    if query.principal is not None:
        wanted.append(ledger.c.principal == query.principal)
    if query.conversation_id is not None:
        wanted.append(ledger.c.conversation_id == query.conversation_id)
    return wanted


def _row(query: UsageQuery, row: Row[Any]) -> UsageRow:
    place, (requests, cost, saved, unsettled, still_open, *tokens) = (
        row[: len(query.by)],
        row[len(query.by) :],
    )
    named = zip(query.by, place, strict=True)
    return UsageRow(
        key={name: day_of(int(value)) if name == "day" else value for name, value in named},
        requests=requests,
        usage=Usage(**{name: int(count) for name, count in zip(TOKENS, tokens, strict=True)}),
        cost_nanodollars=int(cost),
        saved_nanodollars=int(saved),
        unsettled_nanodollars=int(unsettled),
        open_nanodollars=int(still_open),
    )
