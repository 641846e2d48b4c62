"""The events of the Messages API's stream, as decoded from its raw bytes.

Structs decode in C at once into these types, for less than the SDK's own helper takes. Unknown fields
are ignored; blocks and deltas stay dicts as the API spelled them.
Source: the Messages API's streaming reference.
"""

from typing import Any, TypeAlias

import msgspec


class MessageHead(msgspec.Struct, frozen=True):
    id: str = ""
    model: str = ""
    usage: dict[str, Any] = {}


class MessageStart(msgspec.Struct, frozen=True, tag="message_start"):
    message: MessageHead
    request_id: str | None = None
    """From the response's `request-id` header; not part of the event's bytes."""


class BlockStart(msgspec.Struct, frozen=True, tag="content_block_start"):
    index: int
    content_block: dict[str, Any]


class BlockDelta(msgspec.Struct, frozen=True, tag="content_block_delta"):
    index: int
    delta: dict[str, Any]


class BlockStop(msgspec.Struct, frozen=True, tag="content_block_stop"):
    index: int


class Ending(msgspec.Struct, frozen=True):
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None


class MessageDelta(msgspec.Struct, frozen=True, tag="message_delta"):
    delta: Ending
    usage: dict[str, Any] = {}
    """Cumulative counts; fields that are absent keep what `message_start` said."""


class MessageStop(msgspec.Struct, frozen=True, tag="message_stop"):
    pass


StreamEvent: TypeAlias = MessageStart | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop
