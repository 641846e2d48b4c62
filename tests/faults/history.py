"""What a run leaves behind to be judged: what clients were told and saw, what the store and Claude have."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from antiphon.domain.conversations import Header
from antiphon.domain.messages import Message
from antiphon.simulator.record import RecordedRequest
from antiphon.stores.frames import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A 202: this key is this turn. A key that was sent several times may have several."""

    conversation_id: str
    key: str
    text: str
    """What was said; unique in the whole run."""
    turn_id: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer other than what was asked for."""

    status: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that one reader of a conversation saw, over all its connections."""

    reader: str
    conversation_id: str
    frames: tuple[Frame, ...]
    resets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """Something was killed or stopped. Times are milliseconds since the epoch."""

    kind: str
    begun: int
    over: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLost:
    """What a living replica wrote into its log: it noticed that a turn is another's by now."""

    turn_id: str
    counter: int
    unrenewed_s: float
    """How long ago it had last asked for this lease with success."""
    noticed: int
    """When, in milliseconds since the epoch."""

    def lapsed(self, lease_s: float) -> int:
        """The earliest time at which another could have claimed it."""
        return self.noticed - round(1000 * (self.unrenewed_s - lease_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    acknowledged: tuple[Acknowledged, ...]
    given_up: tuple[str, ...] = ()
    """Keys that were never acknowledged, however often they were sent."""
    refusals: tuple[Refusal, ...] = ()
    readings: tuple[Reading, ...] = ()
    disturbances: tuple[Disturbance, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A row of the attempt journal."""

    turn_id: str
    step: int
    attempt: int
    status: str
    request_id: str | None
    cost_nanodollars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One conversation as the store has it in the end: the log, and the tables beside it."""

    header: Header
    frames: tuple[Frame, ...]
    messages: dict[str, Message]
    turns: dict[str, str]
    """Status by id."""
    attempts: tuple[Attempt, ...]
    keys: dict[str, str]
    """Turn by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    history: History
    stored: dict[str, Stored]
    """By conversation."""
    requests: tuple[RecordedRequest, ...]
    """What reached Claude, in order of arrival."""
    endings: frozenset[str] = frozenset({"completed"})
    """The ways in which a turn may have ended in this run."""
    upstream_faults: int = 0
    """How many requests Claude was told to fail: each may cost another attempt."""
    leases_lost: tuple[LeaseLost, ...] = ()
    lease_s: float = 1.0
    tool_runs: tuple[tuple[str, str], ...] = ()
    """Effect and mark of each, as the tools themselves noted it before they did anything else."""


class Entry(Protocol):
    """What an entry of the ledger says of a request, wherever it was read."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def cost_nanodollars(self) -> int: ...


def attempts_of(entries: Iterable[Entry]) -> tuple[Attempt, ...]:
    """Those of turns. Titles and summaries are requests beside them, with ids of one part."""
    places = ((entry, entry.id.split("/")) for entry in entries)
    return tuple(
        Attempt(
            turn_id=place[0],
            step=int(place[1]),
            attempt=int(place[2]),
            status=entry.status,
            request_id=entry.request_id,
            cost_nanodollars=entry.cost_nanodollars,
        )
        for entry, place in places
        if len(place) > 1
    )
