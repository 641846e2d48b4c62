"""The short way to SQLite: a statement that is spelled as text goes to the driver as it is.

To hand over a statement this small, SQLAlchemy takes several times what SQLite needs to run it, and a turn
has some twenty. What is built of tables and columns still goes SQLAlchemy's way, in the same transaction.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

import sqlalchemy
from sqlalchemy import Dialect, Executable, TextClause
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from antiphon.stores.sql.database import Connection, Parameters, Rows, store_errors

T = TypeVar("T")


Positional: TypeAlias = tuple[Any, ...] | list[Any]
"""What a statement with `?` takes, which only this connection understands. A list runs it once for each."""


class DirectConnection:
    """A `Connection` around SQLAlchemy's own, which joins a transaction of this one when it is first needed.

    One thread at a time may use it.
    """

    def __init__(self, connection: sqlalchemy.Connection, begin: str) -> None:
        """`begin`: the statement that begins a transaction."""
        self._connection = connection
        self._begin = begin
        self.driver = driver_of(connection)

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    def execute(self, statement: Executable, parameters: Parameters | Positional = None, /) -> Rows:
        if not isinstance(statement, TextClause):
            return self._connection.execute(statement, cast("Any", parameters))
        if type(parameters) is list:
            return DirectRows(self.driver.executemany(statement.text, parameters), statement.text)
        return DirectRows(self.driver.execute(statement.text, cast("Any", parameters or ())), statement.text)

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run it in one transaction, committed when this returns. What it raises has changed nothing."""
        self.driver.execute(self._begin)
        try:
            result = work(self)
            self._commit()
        except BaseException:
            self._connection.rollback()  # of no effect where it has not joined
            self.driver.rollback()  # of no effect where SQLite has rolled back by itself
            raise
        return result

    def close(self) -> None:
        self._connection.close()

    def _commit(self) -> None:
        """SQLAlchemy has to hear of it if it joined."""
        if self._connection.in_transaction():
            self._connection.commit()
        else:
            self.driver.commit()


class DirectRows:
    """All rows of a statement, read to the end: one that is left open would hold up the commit."""

    __slots__ = ("_found", "_make", "rowcount")

    def __init__(self, cursor: sqlite3.Cursor, statement: str) -> None:
        self.rowcount = cursor.rowcount
        described = cursor.description
        self._found: Sequence[Any] = cursor.fetchall() if described else ()
        if self._found:
            self._make = _makers.get((statement, len(described))) or _maker(statement, described)

    def __iter__(self) -> Iterator[Any]:
        return map(self._make, self._found) if self._found else iter(())

    def all(self) -> Sequence[Any]:
        return list(self)

    def first(self) -> Any:
        return self._make(self._found[0]) if self._found else None

    def one(self) -> Any:
        if len(self._found) > 1:
            raise MultipleResultsFound("Multiple rows were found when exactly one was required")
        if not self._found:
            raise NoResultFound("No row was found when one was required")
        return self._make(self._found[0])

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        return self.one()[0] if self._found else None


def driver_of(connection: sqlalchemy.Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection
    return cast("sqlite3.Connection", driver)


def sqlite_errors() -> AbstractContextManager[None]:
    """What either of the two raises becomes ours."""
    return store_errors(sqlite3.Error)


_makers: dict[tuple[str, int], Callable[[Sequence[Any]], Any]] = {}
"""By statement, and the number of its columns: `*` are more of them once another program has added some."""


def _maker(statement: str, description: tuple[tuple[Any, ...], ...]) -> Callable[[Sequence[Any]], Any]:
    """What makes a row of values: a tuple with the columns as attributes."""
    names = [str(column[0]) for column in description]
    make: Callable[[Sequence[Any]], Any] = _row_type(names, rename=True)._make
    _makers[statement, len(description)] = make
    return make


_row_type: Any = partial(namedtuple, "Row")  # noqa: PYI024 - its fields are known when the statement runs
