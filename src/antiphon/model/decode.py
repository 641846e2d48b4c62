"""Raw bytes of one streamed response → the events of `wire`.

One pass in C per event where the bytes are as they should be; what is not goes the slow way, which tells
what can be skipped or mended from what cannot be read.
"""

import json
from dataclasses import replace
from typing import Any, TypeAlias

import msgspec

from antiphon.domain.messages import clean_json
from antiphon.model.faults import Fault, fault_of_event
from antiphon.model.sse import Splitter
from antiphon.model.wire import (
    BlockDelta,
    BlockStart,
    MessageDelta,
    MessageHead,
    MessageStart,
    MessageStop,
    StreamEvent,
)


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """A sign of life."""


class StreamError(msgspec.Struct, frozen=True, tag="error"):
    """A failure after the response had begun: `{"type", "message", "details"?}`."""

    error: dict[str, Any] = {}


_Known: TypeAlias = StreamEvent | Ping | StreamError

_decode = msgspec.json.Decoder(_Known).decode

_TAGS = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "content_block_stop"}
    | {"message_delta", "message_stop", "ping", "error"}
)

_HEAD = {"id": str, "model": str, "usage": dict}
"""The fields of a message that are read; nothing depends on them."""

_TEXTS = ("type", "text", "thinking", "signature", "partial_json")
"""The fields of a block that begins to which text is added, or by which it is told what the block is."""

_NUL = b"\\u0000"


class EventDecoder:
    """Feed it until it is `done` or the bytes end; then `finish` says whether the message is whole."""

    __slots__ = ("_fault", "_request_id", "_splitter", "_stop_reason", "done")

    def __init__(self, request_id: str | None = None) -> None:
        self._request_id = request_id
        self._splitter = Splitter()
        self._stop_reason: str | None = None
        self.done = False
        self._fault: Fault | None = None

    def feed(self, raw: bytes) -> list[StreamEvent]:
        """The events that became complete. Never raises: what came before a fault is still given back."""
        events: list[StreamEvent] = []
        for name, data in self._splitter.feed(raw):
            if self.done:
                break
            try:
                event = _decode(data) if _NUL not in data else _mended(name, data)
            except (ValueError, RecursionError):
                event = self._second_try(name, data)
            if type(event) is BlockDelta:
                events.append(event)
            elif event is not None:
                self._rarer(event, events)
        return events

    def finish(self) -> Fault | None:
        """No more bytes are read: why the message is not whole, or None if it is."""
        if not self.done:
            self._give_up(Fault(kind="cut", began=True))
        return self._fault and replace(self._fault, request_id=self._request_id)

    def _rarer(self, event: _Known, events: list[StreamEvent]) -> None:
        if not _can_be_used(event):
            self._give_up(Fault(kind="garbled", began=True))
            return
        match event:
            case Ping():
                return
            case StreamError():
                self._give_up(fault_of_event(event.error))
                return
            case MessageStart():
                event = msgspec.structs.replace(event, request_id=self._request_id)
            case BlockStart():
                event = msgspec.structs.replace(event, content_block=_begun(event.content_block))
            case MessageDelta():
                self._stop_reason = event.delta.stop_reason or self._stop_reason
            case MessageStop() if self._stop_reason is None:
                self._give_up(Fault(kind="cut", began=True))
                return
            case MessageStop():
                self.done = True
            case _:
                pass
        events.append(event)

    def _second_try(self, name: bytes, data: bytes) -> _Known | None:
        try:
            return _mended(name, data)
        except (ValueError, RecursionError):
            self._give_up(Fault(kind="garbled", began=True))
            return None

    def _give_up(self, fault: Fault) -> None:
        self.done = True
        self._fault = fault


def _mended(name: bytes, data: bytes) -> _Known | None:
    """Decode what the fast way refuses: unknown events (None), NUL and lone surrogates, nulls, bad UTF-8.

    Raises:
        ValueError: an event that has to be understood cannot be.
    """
    tag = name.decode("utf-8", "replace")
    try:
        value = clean_json(json.loads(data.decode("utf-8", "replace"), strict=False))
    except ValueError:
        if tag and tag not in _TAGS:
            return None
        raise
    if not isinstance(value, dict):
        value = {}
    own_tag = value.get("type")
    if isinstance(own_tag, str) and own_tag in _TAGS:
        return _converted(value)
    if tag == "error":
        inner = value.get("error")
        return StreamError(error=inner if isinstance(inner, dict) else value)
    if tag in _TAGS and own_tag is None:
        return _converted({**value, "type": tag})
    return None


def _can_be_used(event: _Known) -> bool:
    """Whether its fields are of the kinds that whoever keeps them counts on, as far as decoding left it open.

    Increments are not looked at: there are many of them, and they are read with care where they are joined.
    """
    match event:
        case BlockStart(content_block=block):
            return _is_block(block)
        case MessageStart(message=MessageHead(usage=usage)) | MessageDelta(usage=usage):
            return _is_list_of_objects(usage.get("iterations"))
        case _:
            return True


def _is_block(block: dict[str, Any]) -> bool:
    if not all(isinstance(block.get(name), str | None) for name in _TEXTS):
        return False
    if not isinstance(block.get("citations"), list | None):
        return False
    return block.get("type") != "tool_use" or _can_be_answered(block)


def _is_list_of_objects(rows: object) -> bool:
    return rows is None or (isinstance(rows, list) and all(isinstance(row, dict) for row in rows))


def _begun(block: dict[str, Any]) -> dict[str, Any]:
    """As it is built on: null for a text counts as absent, and a block of text has one from its beginning.
    Citations are objects.
    """
    kept = {key: value for key, value in block.items() if value is not None or key not in _TEXTS}
    if isinstance(cited := kept.get("citations"), list):
        kept["citations"] = [citation for citation in cited if isinstance(citation, dict)]
    return {**kept, "text": kept.get("text", "")} if kept.get("type") == "text" else kept


def _can_be_answered(use: dict[str, Any]) -> bool:
    """Whether a result can name this tool use, and somebody can tell which tool it wants."""
    return all(isinstance(use.get(name), str) and use[name] for name in ("id", "name"))


def _converted(value: dict[str, Any]) -> _Known:
    event: _Known = msgspec.convert(_without_nulls(value), _Known)
    return event


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """A null field of an event, or a field of its message that is of another kind, counts as absent."""
    kept = {key: inner for key, inner in value.items() if inner is not None}
    if isinstance(head := kept.get("message"), dict):
        kept["message"] = {key: head[key] for key, kind in _HEAD.items() if isinstance(head.get(key), kind)}
    return kept
