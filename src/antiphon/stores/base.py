"""The store's protocol, and its contracts by number; `antiphon.testing.stores` checks each.

 1. `seq` is contiguous from 1 within a conversation and given inside the transaction that commits.
 2. What a method returned is committed; what raised changed nothing.
 3. An append under a lease is refused (FenceLost) unless its fence is the conversation's, counter and owner.
 4. One fence lost in a flush drops that turn's events and no other's.
 5. One idempotency key is one turn: same body, same answer; another body is refused (KeyReused).
 6. A conversation has at most one lease. It is granted on accept if no turn holds it, passed on at the end
    of a turn to the oldest queued one, and claimed by a sweep once it has lapsed or nobody holds it. A turn
    accepted with its `start` begins in the same transaction, if it gets the lease and nothing came between.
 7. The message tree, header, turns and totals change in the same transaction as the events that make them.
 8. One name of a principal is one conversation, however many create it at once.
 9. Another principal's conversation does not exist, and neither does a deleted one; its id is never reused.
10. Any text that `clean_text` lets through comes back equal.
11. Frames come back byte for byte.
12. Leases are judged by the store's clock; one renewed for 0 seconds has lapsed.
13. A turn that waits can be withdrawn until it holds the lease; from then on it cannot.
14. Whoever listens for hints hears of commits by other processes: late or too often, but never not at all.
15. Behind the turn that holds the lease at most `queue_max` others wait; one more is refused (QueueFull).
    The one that holds it does not count, started or not; where none holds it, nobody is refused.
16. Pruning removes `block_delta` events of ended turns and nothing else, at most `limit` at a time. What is
    left keeps its seq, and folds to the same state, whatever cursor it is read from.
17. A message is found by words of its text, or their beginnings, in any case, from the transaction on that
    puts it into the tree until it leaves it, by its principal and nobody else. No query is an error. A store
    without an index looks at the newest 2,000 messages of the principal.
18. What an account has spent and holds never exceeds its limit; a hold that would is refused (OverBudget),
    and with it all that was to be committed with it.
19. An entry of the ledger is opened by one event and closed by one: its cost takes the place of its hold.
    Entries outlive their conversation; one that was open when that was deleted has cost what it held.
20. A turn that waits for approvals holds its conversation without a lease, from the transaction on that asks
    for them. It can be claimed once the last of them is resolved, once somebody asks it to stop, or when its
    time is over, whichever comes first, and not before.
21. An approval is resolved once: the first decision wins. The same one again changes nothing; another one is
    refused (Conflict), and so is any decision when its turn can be claimed, or does not wait any more.
22. A read may leave out `block_delta` events up to a seq, and leaves out nothing else.
24. A file is its principal's, and nobody else's; its bytes come back as they were. The same file put again is
    one file, with its newest name, held anew.
25. A message that refers to a file its conversation's principal does not have is refused (NotFound), with all
    that was to be committed with it.
26. A file is kept while a conversation refers to it or its hold lasts, which ends with the first message that
    refers to it. After that it is dropped: with the last conversation that referred to it, else by
    `drop_files`.
27. What is wrong with a message itself (Conflict, a file that is not there) is said before what is wrong only
    at this moment (Busy, QueueFull, OverBudget): to wait and try again would not help.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from antiphon.domain.conversations import Header, PlacedMessage, Totals
from antiphon.domain.events import ApprovalResolve, ConversationCreate, Event, MessageAdd, TurnQueue
from antiphon.domain.files import FILE_HELD_S, File, FileFacts
from antiphon.domain.messages import Message
from antiphon.money.budgets import Hold, Limit
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.stores.frames import Frame

NOBODY = ""
"""In the place of a lease's owner, while its turn waits for approvals."""

WhenBusy: TypeAlias = Literal["queue", "reject", "interrupt"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a turn. `counter` and `owner` are the fence: both must match at each durable write."""

    conversation_id: str
    turn_id: str
    counter: int
    owner: str
    recovered: bool = False
    """True if the turn had been running under another lease, which lapsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Events to append in one transaction, with the messages of the tree that they complete or take away."""

    events: Sequence[Event]
    messages: Sequence[Message] = ()
    removed: Sequence[str] = ()
    hold: Hold | None = None
    """For the request that these events announce: held in the same transaction, or all of it is refused."""
    imported: bool = False
    """Of another log: its requests were paid for there, and are no part of this ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a turn begins, planned for a conversation that nothing runs in and whose last seq is `last_seq`."""

    last_seq: int
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A turn to be accepted: its events, and what guards it."""

    conversation_id: str
    queue: TurnQueue
    message: MessageAdd | None
    owner: str
    lease_s: float
    key: str | None = None
    body_hash: str = ""
    when_busy: WhenBusy = "queue"
    queue_max: int = 100
    start: Start | None = None
    """To be committed with it, under its lease, if the conversation is as it was planned for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """`seq` is that of the `turn_queue` event. `lease` is None if the turn waits, or was accepted before."""

    turn_id: str
    seq: int
    lease: Lease | None = None
    frames: Sequence[Frame] = ()
    header: Header | None = None
    """The conversation as it stands now, with the lease."""
    begun: bool = False
    """Whether its `start` was committed with it; those frames are the last of `frames`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """A turn as the engine needs it. `status` is queued, running, waiting, or how it ended."""

    id: str
    status: str
    seq: int
    header: Header
    queue: TurnQueue
    message: MessageAdd | None
    last_message_id: str | None = None
    """The conversation's head when this turn ended; one that was withdrawn left it as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    frames: Sequence[Frame]
    next: Lease | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A message that was found. `at` is when it was added or written, in milliseconds."""

    conversation_id: str
    message_id: str
    at: int
    snippet: str
    marks: tuple[tuple[int, int], ...]
    """Where matches lie in the snippet: from and to, in characters."""

    @property
    def place(self) -> tuple[int, str, str]:
        """Where it stands among all hits, which come with the greatest first."""
        return self.at, self.conversation_id, self.message_id


class Conversations(Protocol):
    async def create(
        self, principal: str, conversation_id: str, event: ConversationCreate, *, name: str | None = None
    ) -> Header:
        """Make a conversation. If `name` is taken, return the conversation that has it and make none.

        Raises:
            Conflict: the id is in use, or was.
        """
        ...

    async def get(self, principal: str, conversation_id: str) -> Header:
        """Raises NotFound."""
        ...

    async def find(self, principal: str, name: str) -> Header | None: ...

    async def recent(self, principal: str, *, before: tuple[int, str] | None, limit: int) -> list[Header]:
        """Newest change first; `before` is the `(updated_at, id)` of the last one seen."""
        ...

    async def search(
        self, principal: str, query: str, *, before: tuple[int, str, str] | None = None, limit: int = 20
    ) -> list[Hit]:
        """Messages that have all words of `query`, newest first; `before` is the last seen hit's `place`."""
        ...

    async def delete(self, principal: str, conversation_id: str) -> None:
        """Remove it with its names and everything in it. Raises NotFound."""
        ...

    async def forget(self, principal: str, name: str) -> Header | None:
        """Remove a name and delete the conversation it points to, which is returned."""
        ...


class Log(Protocol):
    async def read(
        self, conversation_id: str, after: int, limit: int = 1000, *, deltas_after: int = 0
    ) -> list[Frame]:
        """Frames with a greater seq, in order; empty for an unknown conversation.

        Of deltas only those after `deltas_after`: what is older and has ended folds to the same without them.
        """
        ...

    async def last_seqs(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        """Unknown ones are left out."""
        ...

    async def path(self, conversation_id: str, message_id: str | None) -> list[PlacedMessage]:
        """The messages from the root to `message_id`, in order; for None none, of any conversation.

        Raises:
            NotFound: no such message in this conversation.
        """
        ...

    async def totals(self, conversation_id: str) -> Totals:
        """Raises NotFound."""
        ...

    async def append(self, conversation_id: str, change: Change, lease: Lease | None = None) -> list[Frame]:
        """Append events, hold what their request may cost, and settle what ended.

        Raises:
            FenceLost (under a lease), NotFound (also a file that a message refers to), OverBudget.
        """
        ...

    async def flush(self, batch: Sequence[tuple[Lease, Sequence[Event]]]) -> list[list[Frame] | None]:
        """Append block events of many turns in one transaction; None where the fence was lost."""
        ...

    async def prune(self, before: int, limit: int = 1000) -> bool:
        """Remove deltas of turns that ended before that time (milliseconds); whether there may be more."""
        ...


class Ledger(Protocol):
    """Entries are written with the events that they come from, and stay when a conversation is deleted."""

    async def usage(self, query: UsageQuery) -> list[UsageRow]:
        """Sums of entries, in the order of their keys."""
        ...

    async def left(self, limits: Sequence[Limit]) -> list[int]:
        """Nano-dollars that each may still hold."""
        ...


class Files(Protocol):
    """What people attach to messages; log and messages only refer to them."""

    async def put_file(self, principal: str, file: File, held_s: float = FILE_HELD_S) -> None:
        """Keep it for so many seconds, and then for as long as a conversation refers to it."""
        ...

    async def file(self, principal: str, file_id: str) -> File:
        """Raises NotFound."""
        ...

    async def file_facts(self, principal: str, file_ids: Sequence[str]) -> dict[str, FileFacts]:
        """By id; unknown ones are left out."""
        ...

    async def drop_files(self, limit: int = 100) -> bool:
        """Remove files that nothing keeps any more; whether there may be more."""
        ...


class Turns(Protocol):
    async def accept(self, acceptance: Acceptance, meanwhile: Callable[[], None] | None = None) -> Accepted:
        """Claim the key, append the message and `turn_queue`, take the lease if no turn holds it.

        `meanwhile` is called in the event loop when there is nothing to do here but to wait; or it is not.

        Raises:
            The first of NotFound, KeyReused, Conflict (message id in use), NotFound (a file that the message
                refers to), Busy (`reject`), QueueFull, OverBudget (of its `start`).
        """
        ...

    async def known(self, acceptance: Acceptance) -> Accepted | None:
        """What `accept` said when it came with this key before; None if it did not, or has no key.

        Raises:
            NotFound, KeyReused: only with a key.
        """
        ...

    async def turn(self, conversation_id: str, turn_id: str) -> TurnRecord:
        """Raises NotFound."""
        ...

    async def end(self, lease: Lease, change: Change, lease_s: float) -> Ended:
        """Append the end of a turn, and pass the lease on (same owner, counter + 1) or free it.

        Raises:
            FenceLost.
        """
        ...

    async def withdraw(self, conversation_id: str, turn_id: str, change: Change) -> list[Frame] | None:
        """Append the end of a turn that waits; None, and nothing appended, if it does not wait any more.

        Raises:
            NotFound: no such conversation or turn.
        """
        ...

    async def wait(self, lease: Lease, change: Change, wait_s: float, last_seq: int) -> list[Frame] | None:
        """Append what a turn asks people for (`approval_request`), and let go of its lease.

        After `wait_s` seconds it can be claimed whatever they said. None, and nothing done, if the log does
        not end with `last_seq`: there is something that its runner has not read.

        Raises:
            FenceLost.
        """
        ...

    async def resolve(self, conversation_id: str, decision: ApprovalResolve) -> list[Frame]:
        """Append a decision; no frames if it was made before.

        Raises:
            NotFound: no such approval. Conflict: another decision was made, or it comes too late.
        """
        ...

    async def renew(self, leases: Sequence[Lease], lease_s: float) -> list[Lease]:
        """Prolong them; returns those that were lost. 0 seconds lets go of them, for others to claim."""
        ...

    async def claim(
        self, owner: str, lease_s: float, limit: int = 16, *, only: str | None = None
    ) -> list[Lease]:
        """Take over turns whose lease lapsed, turns that need not wait any more, and queued turns of
        conversations that nobody holds. `only`: nothing but the one of this conversation.
        """
        ...


SEQ_DIGITS = 16
"""More than any log will ever need, and fewer than Python refuses to read."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A conversation has reached `seq`, by the hand of some process."""

    conversation_id: str
    seq: int

    @classmethod
    def heard(cls, conversation_id: str, seq: str) -> "Hint | None":
        """None for what no store of ours says: that may mean anything, so look everywhere."""
        is_one = seq.isascii() and seq.isdecimal() and len(seq) <= SEQ_DIGITS
        return cls(conversation_id, int(seq)) if conversation_id and is_one else None


class Store(Conversations, Log, Turns, Files, Ledger, Protocol):
    async def open(self) -> None:
        """Connect and check. Raises StoreUnavailable, NewerData."""
        ...

    async def close(self) -> None: ...

    def hints(self) -> AsyncGenerator[Hint | None, None]:
        """News of commits, without end, until closed. None says that any conversation may have grown.

        The first is None: what is committed from then on is heard. Hints may come twice, late, or of one's
        own commits. What breaks the connection is mended inside, with a None after it.
        """
        ...
