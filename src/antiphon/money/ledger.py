"""The ledger: one entry per request that went out, what it was for, and what it cost."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from antiphon.domain.events import Purpose
from antiphon.domain.usage import Usage

OPEN = "open"
"""The status of an entry whose request has not ended. It counts as costing all that is held for it."""

DELETED = "deleted"
"""The status of an entry that was open when its conversation was deleted. It has cost what was held."""

Dimension: TypeAlias = Literal["day", "model", "purpose", "conversation", "principal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """What an event says of an entry: opened by the start of a request, closed by its end or its error.

    `id` is unique in its conversation: `<turn>/<step>/<attempt>`, or that of a request beside the answers.
    `model`, `purpose`, `held_nanodollars` and `at` are those of the opening.
    """

    id: str
    status: str
    at: int
    turn_id: str | None = None
    purpose: Purpose = "answer"
    model: str | None = None
    held_nanodollars: int = 0
    usage: Usage = Usage()
    cost_nanodollars: int = 0
    saved_nanodollars: int = 0
    estimate_nanodollars: int = 0
    request_id: str | None = None
    prices: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """Which entries, and by what they are summed. Times are milliseconds since the epoch, days are UTC."""

    principal: str | None = None
    """None for all of them."""
    conversation_id: str | None = None
    since: int = 0
    until: int | None = None
    by: tuple[Dimension, ...] = ("day", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """The sum of some entries. `cost_nanodollars` has open requests at what is held for them."""

    key: dict[Dimension, str]
    requests: int = 0
    usage: Usage = Usage()
    cost_nanodollars: int = 0
    saved_nanodollars: int = 0
    unsettled_nanodollars: int = 0
    """The part of the cost that is a bound: of requests whose usage never came, or has not come yet."""
    open_nanodollars: int = 0
    """The part of that which is held for requests that have not ended."""
