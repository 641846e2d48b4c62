"""The short way to SQLite: a statement that is spelled as text goes to the driver as it is.

To hand over a statement this small, SQLAlchemy takes several times what SQLite needs to run it, and a turn
has some twenty. What is built of tables and columns still goes SQLAlchemy's way, in the same transaction.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import Any, cast

import sqlalchemy
from sqlalchemy import Dialect, Executable, TextClause
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from antiphon.stores.sql.database import Parameters, Rows, store_errors


class DirectConnection:
    """A `Connection` around SQLAlchemy's own, for one transaction."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection
        self._driver = driver_of(connection)

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    def execute(self, statement: Executable, parameters: Parameters = None, /) -> Rows:
        if not isinstance(statement, TextClause):
            return self._connection.execute(statement, parameters)
        if isinstance(parameters, Sequence):
            return DirectRows(self._driver.executemany(statement.text, parameters))
        return DirectRows(self._driver.execute(statement.text, parameters or {}))


class DirectRows:
    """All rows of a statement, read to the end: one that is left open would hold up the commit."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.rowcount = cursor.rowcount
        found = cursor.fetchall()
        self._rows = list(map(_maker(cursor.description), found)) if found else []

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        return self._rows

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        if len(self._rows) > 1:
            raise MultipleResultsFound("Multiple rows were found when exactly one was required")
        if not self._rows:
            raise NoResultFound("No row was found when one was required")
        return self._rows[0]

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        return self.one()[0] if self._rows else None


def driver_of(connection: sqlalchemy.Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection
    return cast("sqlite3.Connection", driver)


def sqlite_errors() -> AbstractContextManager[None]:
    """What either of the two raises becomes ours."""
    return store_errors(sqlite3.Error)


@cache
def _maker(description: tuple[tuple[Any, ...], ...]) -> Callable[[Sequence[Any]], Any]:
    """What makes a row of values: a tuple with the columns as attributes."""
    names = " ".join(str(column[0]).replace(" ", "_") for column in description)
    make: Callable[[Sequence[Any]], Any] = _row_type(names, rename=True)._make
    return make


_row_type: Any = partial(namedtuple, "Row")  # noqa: PYI024 - its fields are known when the statement runs
