"""Events as bytes. The stored row is the frame on the wire: one encoding, made once."""

from collections.abc import Sequence
from typing import Any

import msgspec

from antiphon.domain.events import EVENTS, Event
from antiphon.errors import NewerData


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A committed event: its `seq`, its type and its JSON."""

    seq: int
    type: str
    data: bytes


class Piece(msgspec.Struct, frozen=True, gc=False):
    """What can be read in a delta, as it is spelled on Claude's wire."""

    type: str = ""
    text: str = ""
    thinking: str = ""


class _Delta(msgspec.Struct, gc=False):
    delta: Piece
    v: int = 1


VERSION = 1
"""The newest version of an event's schema that this code reads."""

_encode = msgspec.json.Encoder().encode
_types = {event.type: event for event in EVENTS}
_decoders = {event.type: msgspec.json.Decoder(event) for event in EVENTS}
_deltas = msgspec.json.Decoder(_Delta)


def encode(event: Event) -> bytes:
    return _encode(event)


def encode_all(events: Sequence[Event], last_seq: int) -> list[Frame]:
    """Frames of events that were given the seqs up to and including `last_seq`."""
    first = last_seq - len(events) + 1
    return [Frame(seq, event.type, _encode(event)) for seq, event in enumerate(events, first)]


def decode(frame: Frame) -> Event:
    """The event of a frame. One of a type that this version does not know comes back as a bare `Event`.

    Raises:
        NewerData: the event has a version that this code does not know.
    """
    decoder = _decoders.get(frame.type)
    if decoder is None:
        return Event()
    event = decoder.decode(frame.data)
    _check_version(event.type, event.v)
    return event


def piece_of(frame: Frame) -> Piece:
    """Of a `block_delta` what can be read; the rest is not decoded, for each reader. Raises NewerData."""
    delta = _deltas.decode(frame.data)
    _check_version(frame.type, delta.v)
    return delta.delta


def read_event(kind: str, data: Any) -> Event | None:
    """An event from JSON values, strictly; None for a type that this version does not know.

    Raises:
        NewerData: as `decode`. ValueError: the data does not fit the type.
    """
    known = _types.get(kind)
    if known is None:
        return None
    event = msgspec.convert(data, known)
    _check_version(event.type, event.v)
    return event


def _check_version(kind: str, version: int) -> None:
    if version > VERSION:
        raise NewerData(
            "An event of this conversation was written by a newer version of Antiphon "
            f"({kind}, version {version}). Nothing was changed; install the newer version."
        )


def decode_all(frames: Sequence[Frame]) -> list[tuple[int, Event]]:
    return [(frame.seq, decode(frame)) for frame in frames]
