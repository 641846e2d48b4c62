"""What can break an answer, and where: small frozen values of a script.

All times are seconds. A field that does not exist is refused, so a misspelt script fails at once.
"""

from typing import Any, Literal, TypeAlias

import msgspec

Point: TypeAlias = Literal[
    "before_headers",
    "before_events",
    "before_deltas",
    "mid_thinking",
    "mid_text",
    "mid_tool_input",
    "after_deltas",
    "before_end",
]
"""A place in a stream, whatever its length.

before_headers: nothing has come. before_events: the status and headers have. before_deltas: `message_start`
and the first block's start too. mid_thinking, mid_text, mid_tool_input: half of the first such block.
after_deltas: all that was said, but neither the last block's end nor why it ended nor what it cost.
before_end: all but `message_stop`.
"""


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all values of a script have in common."""


class Fault(Value, frozen=True, kw_only=True):
    """Something that happens in the middle of a stream."""

    at: Point | None = None
    """Where, by name; or else by number, as `after` and `of` say. An answer that turns out to have no such
    block, because the request did not let it think, is struck before its first delta."""
    after: int = 0
    """How much goes out before it. With `of="deltas"`, 0 means: all that stands before the first delta. A
    stream with fewer deltas is struck just before its `message_stop`."""
    of: Literal["deltas", "events"] = "deltas"
    """`StreamError(after=0, of="events")` is the very first event of the stream."""

    def __post_init__(self) -> None:
        if self.at is not None and (self.after or self.of == "events"):
            raise ValueError("A fault strikes either at a point or after so much: give one of them.")


class StreamError(Fault, frozen=True, kw_only=True, tag="error"):
    """An `error` event, then the end. Before the headers, or without `stream`, it is an HTTP error."""

    type: str = "overloaded_error"
    message: str = "Overloaded"
    details: dict[str, Any] | None = None


class HangUp(Fault, frozen=True, kw_only=True, tag="hang_up"):
    """The connection is closed where it stands (FIN)."""


class Reset(Fault, frozen=True, kw_only=True, tag="reset"):
    """The connection is reset where it stands (RST)."""


class Truncate(Fault, frozen=True, kw_only=True, tag="truncate"):
    """The body ends as if all were well, without the events that are missing. Before the headers: a response
    with status 200 and no body.
    """


class Stall(Fault, frozen=True, kw_only=True, tag="stall"):
    """Nothing comes, until the client leaves, `release()` is called or `seconds` pass; then it goes on."""

    seconds: float = 600.0
    ping_every: float | None = None
    """Seconds between `ping` events meanwhile; None is silence, as it always is before the headers."""


AnyFault: TypeAlias = StreamError | HangUp | Reset | Truncate | Stall
