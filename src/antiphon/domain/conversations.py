"""What is known of a conversation without reading its log."""

from dataclasses import dataclass, field
from typing import Any

from antiphon.domain.messages import Message
from antiphon.domain.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A conversation's settings and place, as of event `last_seq`. Times are milliseconds since the epoch."""

    id: str
    principal: str
    created_at: int
    updated_at: int
    last_seq: int = 0
    head: str | None = None
    title: str = ""
    system: str = ""
    model: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    settings_seq: int = 0
    """The last event that changed system, model or tools: thinking from before it is not sent again."""
    compact_seq: int = 0
    """The newest `context_compact`; it names the one before it. 0: there is none."""
    running: str | None = None
    """The turn that holds the conversation now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedMessage:
    """A message of the tree with the seq of the event that completed it."""

    seq: int
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """A `context_compact` of the log: a node after a message, seen by every path through that message."""

    seq: int
    after_message_id: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a conversation used and cost so far."""

    turns: int = 0
    usage: Usage = Usage()
    cost_nanodollars: int = 0
    saved_nanodollars: int = 0
