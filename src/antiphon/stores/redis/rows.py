"""Values to what is stored, and back. What scripts must not look into is JSON, packed and read only here."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from antiphon.domain.conversations import Header, PlacedMessage, Totals
from antiphon.domain.events import ConversationCreate, Event
from antiphon.domain.messages import Message
from antiphon.domain.usage import Usage
from antiphon.money.ledger import OPEN
from antiphon.stores.base import Change, Lease
from antiphon.stores.frames import Frame, encode
from antiphon.stores.projection import (
    COMPACT_BACK,
    SETTINGS_BACK,
    approval_changes,
    files_of,
    header_changes,
    ledger_changes,
    stopped_turns,
    turn_changes,
    turn_ends,
)
from antiphon.stores.redis.entries import USAGE, closed_row, hold_row, opened_row

Given: TypeAlias = Mapping[str, Any] | Sequence[Any]
"""What a script is given besides its keys. Scripts unpack text, numbers, lists and maps, but no bytes."""

Packed: TypeAlias = tuple[str, str]
"""An event's type and its JSON."""

pack_given = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder()
_message = msgspec.json.Decoder(Message)
_options = msgspec.json.Decoder(dict[str, Any])
_names = msgspec.json.Decoder(tuple[str, ...])
_texts = msgspec.msgpack.Decoder(list[str])
_entries = msgspec.msgpack.Decoder(list[tuple[str, str, str]])
_turn = msgspec.msgpack.Decoder(tuple[str, int, int, str])

NOTHING = pack_given([])

TOTALS = ("last_seq", "turns", "cost_nanodollars", "saved_nanodollars", *USAGE)
"""The fields of a state that `totals_of` reads, in its order."""


def pack(value: object) -> str:
    return _json.encode(value).decode()


def pack_events(events: Sequence[Event]) -> list[Packed]:
    return [(event.type, encode(event).decode()) for event in events]


def frames_of(packed: Sequence[Packed], last_seq: int) -> list[Frame]:
    first = last_seq - len(packed) + 1
    return [Frame(seq, type_, data.encode()) for seq, (type_, data) in enumerate(packed, first)]


def lease_row(lease: Lease) -> dict[str, Any]:
    return {"turn_id": lease.turn_id, "counter": lease.counter, "owner": lease.owner}


def message_row(message: Message) -> tuple[str, str, str]:
    """Its id, that of its parent, and the whole."""
    return message.id, message.parent_id or "", pack(message)


def change_row(change: Change, turn_id: str | None) -> dict[str, Any]:
    """All that a commit changes. `turn_id` is the turn that the events belong to."""
    changed = header_changes(change)
    entries = [] if change.imported else ledger_changes(change.events, turn_id)
    opened = [opened_row(entry) for entry in entries if entry.status == OPEN]
    ends = turn_ends(change.events)
    return {
        "events": pack_events(change.events),
        "settings_back": changed.pop(SETTINGS_BACK, None),
        "compact_back": changed.pop(COMPACT_BACK, None),
        "fields": {name: _field(value) for name, value in changed.items()},
        "messages": [message_row(message) for message in change.messages],
        "removed": change.removed,
        "turns": [
            (changed, status, *ends.get(changed, (0, 0)))
            for changed, status in turn_changes(change.events, turn_id).items()
        ],
        "approvals": [
            (approval.id, approval.turn_id, (approval.decided or b"").decode())
            for approval in approval_changes(change.events, turn_id)
        ],
        "stopped": stopped_turns(change.events),
        "opened": opened,
        "closed": [closed_row(entry) for entry in entries if entry.status != OPEN],
        "files": files_of(change.events),
        "hold": hold_row(change.hold, opened) if change.hold is not None else None,
    }


def _field(value: object) -> str | int:
    match value:
        case None:
            return ""
        case str() | int():
            return value
        case _:
            return pack(value)


def new_state(event: ConversationCreate) -> dict[str, str | int]:
    """The first state of a conversation, as its first event makes it."""
    return {
        "created_at": event.at,
        "updated_at": event.at,
        "last_seq": 1,
        "head": "",
        "title": event.title,
        "system": event.system,
        "model": event.model,
        "options": pack(event.options),
        "tools": pack(event.tools),
        "settings_seq": 0,
        "running": "",
        "owner": "",
        "until": 0,
        "counter": 0,
    }


def header_or_none(principal: str, conversation_id: str, state: bytes) -> Header | None:
    """None where nothing is stored."""
    return None if state == NOTHING else header_of(principal, conversation_id, state)


def header_of(principal: str, conversation_id: str, state: bytes) -> Header:
    """`state` is packed: names and values in turn."""
    fields = _texts.decode(state)
    row = dict(zip(fields[::2], fields[1::2], strict=True))
    return Header(
        id=conversation_id,
        principal=principal,
        created_at=int(row["created_at"]),
        updated_at=int(row["updated_at"]),
        last_seq=int(row["last_seq"]),
        head=row["head"] or None,
        title=row["title"],
        system=row["system"],
        model=row["model"],
        options=_options.decode(row["options"]),
        tools=_names.decode(row["tools"]),
        settings_seq=int(row["settings_seq"]),
        compact_seq=int(row.get("compact_seq", 0)),
        running=row["running"] or None,
    )


def totals_of(values: Sequence[bytes | None]) -> Totals:
    row = {name: int(value or 0) for name, value in zip(TOTALS, values, strict=True)}
    return Totals(
        turns=row["turns"],
        usage=Usage(**{name: row[name] for name in USAGE}),
        cost_nanodollars=row["cost_nanodollars"],
        saved_nanodollars=row["saved_nanodollars"],
    )


def stored_frames(packed: bytes) -> list[Frame]:
    """Entries of a log, whose ids are `<seq>-0`."""
    return [Frame(int(place[:-2]), type_, data.encode()) for place, type_, data in _entries.decode(packed)]


def placed_message(value: bytes) -> PlacedMessage:
    return _placed(value.decode())


def placed_messages(packed: bytes) -> list[PlacedMessage]:
    return [_placed(value) for value in _texts.decode(packed)]


def _placed(value: str) -> PlacedMessage:
    seq, _, packed = value.partition(" ")
    return PlacedMessage(seq=int(seq), message=_message.decode(packed))


def turn_of(value: bytes) -> tuple[str, int, str | None]:
    """A turn's status, the seq of its `turn_queue`, and the last message it left."""
    status, seq, _, last_message_id = _turn.decode(value)
    return status, seq, last_message_id or None
