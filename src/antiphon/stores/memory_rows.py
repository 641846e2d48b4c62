"""What the store in memory holds of a conversation."""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from antiphon.domain.conversations import Header, PlacedMessage
from antiphon.domain.events import BlockDelta, MessageAdd, TurnQueue
from antiphon.errors import NotFound
from antiphon.stores.base import NOBODY, Change, Lease, TurnRecord
from antiphon.stores.frames import Frame, decode
from antiphon.stores.projection import (
    ApprovalChange,
    approval_changes,
    stopped_turns,
    turn_changes,
    turn_ends,
)


@dataclass(slots=True)
class Key:
    body_hash: str
    turn_id: str
    seq: int
    expires_at: float


@dataclass(slots=True)
class Turn:
    seq: int
    message_seq: int | None
    status: str = "queued"
    last_message_id: str | None = None
    unpruned: tuple[int, int] | None = None
    """When it ended, and the seq of its end; None while it is open, and once its deltas are gone."""


@dataclass(slots=True)
class Kept:
    header: Header
    frames: list[Frame] = field(default_factory=list)
    messages: dict[str, PlacedMessage] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    """When each message was added or written, in milliseconds."""
    turns: dict[str, Turn] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    approvals: dict[str, ApprovalChange] = field(default_factory=dict)
    lease: Lease | None = None
    """Its owner is NOBODY while its turn waits for approvals."""
    lease_until: float = 0.0
    counter: int = 0


class News:
    """What a listener has not taken yet: of a conversation only the newest, so it cannot pile up."""

    def __init__(self) -> None:
        self.seqs: dict[str, int] = {}
        self.came = asyncio.Event()

    def hear(self, conversation_id: str, seq: int) -> None:
        self.seqs[conversation_id] = seq
        self.came.set()


def place(frames: Sequence[Frame], seq: int) -> int:
    """Where the first frame with this seq or a greater one stands; frames may have been pruned."""
    return bisect_left(frames, seq, key=lambda frame: frame.seq)


def waits(kept: Kept, turn_id: str) -> bool:
    """Whether this turn waits for approvals."""
    return kept.lease is not None and (kept.lease.turn_id, kept.lease.owner) == (turn_id, NOBODY)


def put_approval(kept: Kept, change: ApprovalChange) -> None:
    """Of each only the first request counts, and the first decision after it."""
    known = kept.approvals.get(change.id)
    if known is None and change.decided is None:
        kept.approvals[change.id] = change
    elif known is not None and known.decided is None and change.decided is not None:
        kept.approvals[change.id] = replace(known, decided=change.decided)


def set_turns(kept: Kept, change: Change, turn_id: str | None) -> None:
    """What the events change of turns, and of the approvals that they wait for."""
    for approval in approval_changes(change.events, turn_id):
        put_approval(kept, approval)
    for stopped in stopped_turns(change.events):
        if waits(kept, stopped):
            kept.lease_until = 0.0
    last_seq = kept.header.last_seq
    ends = turn_ends(change.events)
    for ended, status in turn_changes(change.events, turn_id).items():
        if ended not in kept.turns:
            continue  # of an imported log
        ran = kept.turns[ended].status != "queued"
        kept.turns[ended].status = status
        if status not in ("queued", "running", "waiting"):
            kept.turns[ended].last_message_id = kept.header.head
            at, back = ends[ended]
            kept.turns[ended].unpruned = (at, last_seq - back) if ran else None


def prune_turn(kept: Kept, turn: Turn, limit: int) -> int:
    """Remove up to `limit` deltas of a turn that has ended; returns how many."""
    assert turn.unpruned is not None
    first, last = place(kept.frames, turn.seq), place(kept.frames, turn.unpruned[1])
    removed = 0
    left: list[Frame] = []
    for frame in kept.frames[first:last]:
        if frame.type == BlockDelta.type and removed < limit:
            removed += 1
        else:
            left.append(frame)
    kept.frames[first:last] = left
    if removed < limit:
        turn.unpruned = None
    return removed


def record_of(kept: Kept, turn_id: str) -> TurnRecord:
    """Raises NotFound."""
    if turn_id not in kept.turns:
        raise NotFound("There is no such turn.")
    turn = kept.turns[turn_id]
    queue = decode(kept.frames[place(kept.frames, turn.seq)])
    message = decode(kept.frames[place(kept.frames, turn.message_seq)]) if turn.message_seq else None
    assert isinstance(queue, TurnQueue)
    assert message is None or isinstance(message, MessageAdd)
    return TurnRecord(
        id=turn_id,
        status=turn.status,
        seq=turn.seq,
        header=kept.header,
        queue=queue,
        message=message,
        last_message_id=turn.last_message_id,
    )
