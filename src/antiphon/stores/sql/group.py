"""Group commit: transactions that wait for the one writer go to the disk together.

Each stays atomic by a savepoint of its own, and none is told its result before the commit of all. One sync
for many is what makes full durability cheap.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import sqlalchemy

from antiphon.errors import AntiphonError
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.direct import DirectConnection, driver_of, sqlite_errors

Transaction: TypeAlias = Callable[[Connection], Any]

GROUP_MAX = 64


class Failed:
    """What one transaction raised, while others of its group may have succeeded."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def commit_group(connection: sqlalchemy.Connection, transactions: Sequence[Transaction]) -> list[Any]:
    """Run them in order and commit once. Returns what each returned, or `Failed`."""
    try:
        with sqlite_errors(), connection.begin():
            if len(transactions) == 1:
                return [transactions[0](DirectConnection(connection))]
            return [_alone(connection, transaction) for transaction in transactions]
    except Exception as error:  # noqa: BLE001 - nothing was committed: each hears why
        return [Failed(error)] * len(transactions)


def _alone(connection: sqlalchemy.Connection, transaction: Transaction) -> Any:
    """A failure that SQLite answers by rolling everything back ends the group: the savepoint is gone."""
    driver = driver_of(connection)
    driver.execute("SAVEPOINT one")
    try:
        with sqlite_errors():
            result = transaction(DirectConnection(connection))
    except AntiphonError as error:
        driver.execute("ROLLBACK TO one")
        driver.execute("RELEASE one")
        return Failed(error)
    driver.execute("RELEASE one")
    return result
