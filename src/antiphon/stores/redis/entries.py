"""Entries of the ledger as they are stored. Scripts look at their amounts and accounts, not into the rest."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec

from antiphon.domain.events import Purpose
from antiphon.domain.usage import Usage
from antiphon.money.budgets import Hold, Limit
from antiphon.money.ledger import DELETED, OPEN, EntryChange
from antiphon.stores.books import Entry, closed

DAY_MS = 24 * 3600 * 1000
LASTS_MS = 30_000
"""How old what the installation holds may be when the request is announced, judged by the store."""

USAGE = tuple(field.name for field in dataclasses.fields(Usage))

_json = msgspec.json.Encoder()
_stored = msgspec.msgpack.Decoder(tuple[str, str, int, int, list[str], list[str], str, str])
_opening = msgspec.json.Decoder(tuple[int, str | None, Purpose, str | None, int])
_closing = msgspec.json.Decoder(
    tuple[str, tuple[int, ...], int, int, int, str | None, dict[str, str]],
)


def place_of(conversation_id: str, entry_id: str) -> str:
    """What an entry is known by."""
    return f"{conversation_id} {entry_id}"


def opened_row(entry: EntryChange) -> dict[str, Any]:
    opening = (entry.at, entry.turn_id, entry.purpose, entry.model, entry.held_nanodollars)
    return {
        "id": entry.id,
        "at": entry.at,
        "day": entry.at // DAY_MS,
        "held": str(entry.held_nanodollars),
        "row": _json.encode(opening).decode(),
    }


def closed_row(entry: EntryChange) -> dict[str, Any]:
    usage = dataclasses.asdict(entry.usage)
    closing = (
        entry.status,
        tuple(usage.values()),
        entry.cost_nanodollars,
        entry.saved_nanodollars,
        entry.estimate_nanodollars,
        entry.request_id,
        entry.prices,
    )
    amounts = {"saved_nanodollars": entry.saved_nanodollars, **usage}
    return {
        "id": entry.id,
        "cost": str(entry.cost_nanodollars),
        "amounts": {name: str(amount) for name, amount in amounts.items() if amount},
        "row": _json.encode(closing).decode(),
    }


def hold_row(hold: Hold, opened: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What is held for the first request that a change opens; nothing is, if it opens none."""
    if not opened:
        return None
    limits = [{"scope": limit.scope, **limit_row(limit)} for limit in hold.limits]
    return {"amount": str(hold.nanodollars), "limits": limits, "lasts_ms": LASTS_MS}


def limit_row(limit: Limit) -> dict[str, Any]:
    """Days are counted as wholes: an account that is new may have spent too much, never too little."""
    return {
        "account": limit.account,
        "most": str(max(limit.nanodollars, 0)),
        "since_day": limit.since // DAY_MS,
    }


def spent_since(fields: dict[str, str], since: int) -> int:
    """What was spent or is held since a time (ms), by the sums of days among these fields."""
    days = (name.partition("day:")[2] for name in fields)
    return sum(int(fields[f"day:{day}"]) for day in days if day and int(day) >= since // DAY_MS)


def entry_of(principal: str, place: str, value: bytes) -> Entry:
    row, *_, end, _cost = _stored.decode(value)
    conversation_id, _, entry_id = place.partition(" ")
    at, turn_id, purpose, model, held = _opening.decode(row)
    opened = EntryChange(
        id=entry_id,
        status=OPEN,
        at=at,
        turn_id=turn_id,
        purpose=purpose,
        model=model,
        held_nanodollars=held,
    )
    change = opened if not end else closed(opened, _end_of(opened, end))
    return Entry(principal=principal, conversation_id=conversation_id, change=change)


def _end_of(opened: EntryChange, end: str) -> EntryChange:
    if end == DELETED:
        return dataclasses.replace(opened, status=DELETED, cost_nanodollars=opened.held_nanodollars)
    status, usage, cost, saved, estimate, request_id, prices = _closing.decode(end)
    return EntryChange(
        id=opened.id,
        status=status,
        at=opened.at,
        usage=Usage(**dict(zip(USAGE, usage, strict=True))),
        cost_nanodollars=cost,
        saved_nanodollars=saved,
        estimate_nanodollars=estimate,
        request_id=request_id,
        prices=prices,
    )
