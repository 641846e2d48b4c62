"""Values to rows and back."""

from typing import Any

import msgspec
from sqlalchemy import Row

from antiphon.domain.conversations import Header, PlacedMessage
from antiphon.domain.messages import Block, Message

pack = msgspec.json.Encoder().encode
_blocks = msgspec.json.Decoder(tuple[Block, ...])
_names = msgspec.json.Decoder(tuple[str, ...])
_options = msgspec.json.Decoder(dict[str, Any])

PACKED = ("options", "tools")
"""Header fields that are stored as JSON bytes."""


def header_row(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: pack(value) if name in PACKED else value for name, value in changes.items()}


def header_of(row: Row[Any]) -> Header:
    return Header(
        id=row.id,
        principal=row.principal,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_seq=row.last_seq,
        head=row.head,
        title=row.title,
        system=row.system,
        model=row.model,
        options=_options.decode(row.options),
        tools=_names.decode(row.tools),
        settings_seq=row.settings_seq,
        compact_seq=row.compact_seq,
        running=row.running,
    )


def message_row(conversation_id: str, message: Message, seq: int) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role,
        "turn_id": message.turn_id,
        "model": message.model,
        "seq": seq,
        "content": pack(message.content),
    }


def message_of(row: Row[Any]) -> PlacedMessage:
    message = Message(
        id=row.id,
        parent_id=row.parent_id,
        role=row.role,
        content=_blocks.decode(row.content),
        turn_id=row.turn_id,
        model=row.model,
    )
    return PlacedMessage(seq=row.seq, message=message)
