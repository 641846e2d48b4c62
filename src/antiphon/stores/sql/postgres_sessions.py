"""Sessions on PostgreSQL: how they are opened, and what their failures mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError

from antiphon.errors import ConfigurationError, StoreUnavailable
from antiphon.stores.sql.database import store_errors

CONNECT_S = 5.0
COMMAND_S = 10.0
"""When a server that says nothing any more is given up: later than it would give up a statement itself."""

DURABLE = {
    "application_name": "antiphon",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
}
"""In force whatever the server's defaults. Who waits for a row sees what the other wrote to it."""

BOUNDED = {**DURABLE, "statement_timeout": "5000", "idle_in_transaction_session_timeout": "5000"}
"""Milliseconds. A replica that stops in the midst of a transaction holds its rows no longer than this."""

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What the driver raises by itself; timeouts are OSErrors."""

_NO_ADDRESS = (ValueError, KeyError, OverflowError)
_REFUSALS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedObjectError,
)
_PASSING = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
    asyncpg.InvalidCachedStatementError,
)


async def connect(url: str) -> Any:
    """A session for the work of every day. `url` is as libpq understands it, `sslmode` and all."""
    return await asyncpg.connect(
        url, timeout=CONNECT_S, command_timeout=COMMAND_S, server_settings=dict(BOUNDED)
    )


async def connect_unbounded(url: str) -> Any:
    """A session whose statements take as long as they need: an index on a large table."""
    return await asyncpg.connect(url, timeout=CONNECT_S, server_settings=dict(DURABLE))


@contextmanager
def postgres_errors(*also: type[Exception]) -> Iterator[None]:
    """As `store_errors`, for what the driver raises by itself too."""
    with store_errors(*FAILURES, *also):
        yield


@contextmanager
def opening() -> Iterator[None]:
    """What no retry will mend is the operator's to change. The sentences hold nothing of the URL."""
    try:
        with postgres_errors(*_NO_ADDRESS):
            yield
    except StoreUnavailable as error:
        cause = _driver_error(error.__cause__)
        if isinstance(cause, _NO_ADDRESS):
            raise ConfigurationError(
                "ANTIPHON_STORE is not the address of a PostgreSQL database. "
                "One looks like postgresql://USER:PASSWORD@HOST:5432/DATABASE."
            ) from None
        if isinstance(cause, _REFUSALS):
            raise ConfigurationError(
                "PostgreSQL refused what ANTIPHON_STORE asks for: the user, the password, the database or an "
                "option is wrong, or the user may not make tables there. Nothing was stored."
            ) from error
        raise


def passes(error: DBAPIError, *, committing: bool) -> bool:
    """Whether the same transaction, run again, may well succeed; so far it has changed nothing.

    Two replicas were in each other's way, or wrote the same key at once (the second try sees that row), or a
    statement was older than a migration, or the session had died before it was told to commit.
    """
    return isinstance(_driver_error(error), _PASSING) or (error.connection_invalidated and not committing)


def _driver_error(error: BaseException | None) -> BaseException | None:
    """The driver's own exception: its type says what happened."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__
    return error
