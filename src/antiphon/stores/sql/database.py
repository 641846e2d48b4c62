"""The seam to a database: transactions written once, as functions of a connection, run by a driver."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, TypeVar

from sqlalchemy import Dialect, Executable
from sqlalchemy.exc import SQLAlchemyError

from antiphon.errors import StoreUnavailable
from antiphon.stores.base import Hint, Lease

T = TypeVar("T")


Parameters: TypeAlias = Mapping[str, Any] | list[dict[str, Any]] | None
"""By name; a list runs the statement once for each."""

EventRow: TypeAlias = tuple[str, int, str, bytes]
"""Conversation, seq, type, data."""


class Rows(Protocol):
    """What a statement gave back. A row is a tuple that has its columns as attributes, too."""

    @property
    def rowcount(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def all(self) -> Sequence[Any]: ...

    def first(self) -> Any: ...

    def one(self) -> Any: ...

    def scalar_one(self) -> Any: ...

    def scalar_one_or_none(self) -> Any: ...


class Connection(Protocol):
    """What a transaction needs of a connection; SQLAlchemy's has all of it."""

    @property
    def dialect(self) -> Dialect: ...

    def execute(self, statement: Executable, parameters: Parameters = ..., /) -> Rows: ...


class Database(Protocol):
    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def write(
        self, transaction: Callable[[Connection], T], meanwhile: Callable[[], None] | None = None
    ) -> T:
        """Run `transaction` in one write transaction, committed with full sync when this returns.

        `meanwhile` is called in the event loop when there is nothing to do here but to wait.

        It may be run again after it was rolled back, so it changes nothing but the database.

        Raises:
            StoreUnavailable: nothing was committed, or it is not known (the connection died in commit).
        """
        ...

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        """Run `transaction` on one consistent snapshot."""
        ...

    async def glance(self, transaction: Callable[[Connection], T]) -> T:
        """Run `transaction`, which looks at a row or two by their keys, in statements spelled as text.

        Each statement has a snapshot of its own.
        """
        ...

    def now(self, connection: Connection) -> float:
        """The store's clock: seconds since the epoch."""
        ...

    def advance(
        self, connection: Connection, claims: Sequence[tuple[Lease, int]], until: float | None = None
    ) -> list[int | None]:
        """Claim so many seqs for each, which are different turns', and let their leases last until then.

        Returns the new last seq of each; None where its fence was lost.
        """
        ...

    def last_seqs(self, connection: Connection, conversation_ids: Sequence[str]) -> dict[str, int]:
        """Of those that there are."""
        ...

    def add_events(self, connection: Connection, rows: list[EventRow]) -> None:
        """Write at least one event."""
        ...

    def grew(self, connection: Connection, frames: Mapping[str, int]) -> None:
        """Within a write transaction: conversations have reached these seqs; tell other processes of it."""
        ...

    def hints(self) -> AsyncGenerator[Hint | None, None]:
        """As the store's `hints`."""
        ...

    def lock(self, connection: Connection, conversation_id: str) -> None:
        """Take the conversation's row until the transaction ends."""
        ...

    def locked(self, connection: Connection, conversation_id: str) -> tuple[Any, float]:
        """The conversation's row, taken like this, or None; and the store's clock since it is taken."""
        ...


@contextmanager
def store_errors(*also: type[Exception]) -> Iterator[None]:
    """What the driver raises becomes ours. The sentence holds nothing of the statement or its values."""
    kinds: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, *also)
    try:
        yield
    except kinds as error:
        raise StoreUnavailable(
            "The store cannot be reached or written to. Nothing of this request was half-done; try again."
        ) from error
