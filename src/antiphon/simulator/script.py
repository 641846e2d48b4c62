"""What a test can ask of the simulator, as small frozen values. JSON and Python share these definitions.

In Python: ``simulator.script(Fail(status=529), Reply(text="Hello"))``. Over HTTP, `POST /simulator/script`
takes the same as a JSON list, each value tagged by its `kind`::

    [{"kind": "fail", "status": 529},
     {"kind": "reply", "text": "Hello", "fault": {"kind": "reset", "after": 3}}]

All times are seconds. A field that does not exist is refused, so a misspelt script fails at once.
"""

from typing import Any, Literal, TypeAlias

import msgspec

from antiphon.simulator.faults import AnyFault, HangUp, Reset, Stall, StreamError, Truncate, Value
from antiphon.simulator.points import PART_OF, part_of

__all__ = [
    "AnyFault",
    "Block",
    "Chunks",
    "Drop",
    "Ending",
    "Events",
    "Fail",
    "HangUp",
    "NoAnswer",
    "Outcome",
    "Page",
    "Reply",
    "Reset",
    "Stall",
    "StreamError",
    "Streamed",
    "Truncate",
]

Block: TypeAlias = dict[str, Any]
"""A content block as the Messages API spells it: `{"type": "text", "text": "…"}` and its siblings."""

Chunks: TypeAlias = Literal["event", "whole", "torn", "byte"]
"""How the events of a stream lie in HTTP chunks.

event: one chunk each. whole: what is due together in one chunk. torn: chunks that end inside characters of
several bytes and between the two line feeds that end an event. byte: every byte in a chunk of its own.
"""

Ending: TypeAlias = Literal["before_deltas", "mid_thinking", "mid_text", "mid_tool_input", "after_deltas"]
"""Where an answer may end: places as those of faults."""


class Scripted(Value, frozen=True, kw_only=True):
    """One thing to do with one request."""

    for_model: str | None = None
    """Only a request to this model takes it; others take what comes after."""
    times: int = 1
    """How many requests take it, one after the other."""
    delay: float = 0.0
    """Before the response begins. `Simulator.release()` ends it."""

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError("An outcome is used at least once.")


class Elsewhere(Scripted, frozen=True, kw_only=True):
    """What can happen to any request."""

    for_path: str | None = None
    """Only a request to such a path takes it: `/v1/files*`. None is `/v1/messages`."""


class Streamed(Scripted, frozen=True, kw_only=True):
    """How a stream travels."""

    pace: float = 0.0
    """Between two deltas; 0 is as fast as it can."""
    chunks: Chunks = "event"
    gzip: bool = False
    """Compressed, if the client takes that."""
    fault: AnyFault | None = None


class Reply(Streamed, frozen=True, kw_only=True, tag="reply"):
    """An answer with status 200, streamed if the request asks for it.

    Without `text` and `content` it repeats what the user said last and how many messages there were.
    """

    text: str | None = None
    thinking: str | None = None
    """A thinking block before the text, as the request's `thinking` asks for it: none if disabled, only a
    signature unless a summary is to be displayed."""
    content: tuple[Block, ...] | None = None
    """All blocks, sent verbatim. A `tool_use` block without `id` gets one; one whose `input` is a string is
    streamed as exactly that JSON text, which may be cut short."""
    ends: Ending | None = None
    """Where the answer ends by itself, with `stop_reason` (`max_tokens` without one): nothing of what stands
    behind is generated or charged. None is after all of it."""
    stop_reason: str | None = None
    """Without it: `tool_use` with such a block, `max_tokens` if the text did not fit, else `end_turn`."""
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None
    usage: dict[str, Any] = msgspec.field(default_factory=dict)
    """Replaces single fields of the usage that was counted."""
    deltas: int | None = None
    """Into how many deltas each block is divided. Neither this nor `delta_chars`: word by word."""
    delta_chars: int | None = None
    """How long each delta is. Together with `deltas` it makes up a text of that many characters."""
    extra_events: tuple[dict[str, Any], ...] = ()
    """Sent before the first delta, as they are: events of a type that nobody knows yet."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.text is not None and self.content is not None:
            raise ValueError("A reply has either text or content: put the text into a block of content.")
        if (self.deltas is not None and self.deltas < 1) or (
            self.delta_chars is not None and self.delta_chars < 1
        ):
            raise ValueError("A reply has at least one delta of at least one character.")
        if self.made_up and not (self.text is None and self.content is None):
            raise ValueError(
                "deltas and delta_chars together make up the text: give only one of them with text."
            )
        for place in (self.ends, None if self.fault is None else self.fault.at):
            part = None if place is None else PART_OF.get(place)
            if part is not None and part not in self._parts():
                raise ValueError(f"This reply has no {part}, so nothing can happen {place!r}.")

    def _parts(self) -> list[str]:
        if self.content is not None:
            return [part_of(block) for block in self.content]
        return ["text"] if self.thinking is None else ["thinking", "text"]

    @property
    def made_up(self) -> bool:
        """True if the text is only there for its length."""
        return self.deltas is not None and self.delta_chars is not None


class Events(Streamed, frozen=True, kw_only=True, tag="events"):
    """A stream of exactly these events, valid or not."""

    events: tuple[dict[str, Any], ...]


class Fail(Elsewhere, frozen=True, kw_only=True, tag="fail"):
    """An HTTP error with the API's envelope."""

    status: int = 500
    type: str | None = None
    """The error's type; without it the one that belongs to the status."""
    message: str | None = None
    error_code: str | None = None
    """Becomes `error.details.error_code`."""
    details: dict[str, Any] | None = None
    """All of `error.details`."""
    retry_after: float | str | None = None
    """The header: seconds, or any text."""
    retry_after_as_date: bool = False
    """The seconds as an HTTP date, by the simulator's clock."""
    retry_after_ms: float | None = None
    should_retry: bool | None = None
    """The header `x-should-retry`."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 400 <= self.status <= 599:
            raise ValueError("A failure has a status from 400 to 599: use a page for another one.")
        if self.retry_after_as_date and not isinstance(self.retry_after, int | float):
            raise ValueError("retry_after_as_date needs retry_after in seconds.")


class Page(Elsewhere, frozen=True, kw_only=True, tag="page"):
    """A body of any kind with any status: what a proxy on the way answers."""

    status: int = 502
    body: str = "<html><head><title>502 Bad Gateway</title></head><body>Bad gateway</body></html>"
    content_type: str = "text/html"
    gzip: bool = False
    """Compressed, if the client takes that."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 200 <= self.status <= 599:
            raise ValueError("A page has a status from 200 to 599.")


class Drop(Elsewhere, frozen=True, kw_only=True, tag="drop"):
    """No response: the connection is closed."""

    reset: bool = False


NoAnswer: TypeAlias = Fail | Page | Drop

Outcome: TypeAlias = Reply | Events | Fail | Page | Drop
"""What becomes of one request."""
