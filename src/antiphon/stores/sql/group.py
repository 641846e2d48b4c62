"""Group commit: transactions that wait for the one writer go to the disk together.

None is told its result before the commit of all. One sync for many is what makes full durability cheap.
Where one of them is refused, nothing is committed, and they run once more, each in a savepoint of its own.
Not from the start: behind a savepoint SQLite keeps a copy of each page that changes.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.direct import DirectConnection, sqlite_errors

Transaction: TypeAlias = Callable[[Connection], Any]

GROUP_MAX = 64


class Failed:
    """What one transaction raised, while others of its group may have succeeded."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def commit_group(
    connection: DirectConnection, transactions: Sequence[Transaction], syncing: Callable[[], None]
) -> list[Any]:
    """Run them in order and commit once. Returns what each returned, or `Failed`.

    `syncing` is called when all is done but to bring it to the disk.
    """
    results: list[Any] = []
    running = False

    def run(direct: Connection) -> None:
        nonlocal running
        running = True
        results.extend(transaction(direct) for transaction in transactions)
        running = False
        syncing()

    try:
        with sqlite_errors():
            connection.transact(run)
    except Exception as error:  # noqa: BLE001 - nothing was committed: each hears why
        if running and len(transactions) > 1:
            return _each_alone(connection, transactions)
        return [Failed(error)] * len(transactions)
    return results


def _each_alone(connection: DirectConnection, transactions: Sequence[Transaction]) -> list[Any]:
    try:
        with sqlite_errors():
            return connection.transact(lambda _: [_alone(connection, each) for each in transactions])
    except Exception as error:  # noqa: BLE001 - nothing was committed: each hears why
        return [Failed(error)] * len(transactions)


def _alone(connection: DirectConnection, transaction: Transaction) -> Any:
    """A failure that SQLite answers by rolling everything back ends the group: the savepoint is gone."""
    driver = connection.driver
    driver.execute("SAVEPOINT one")
    try:
        with sqlite_errors():
            result = transaction(connection)
    except Exception as error:  # noqa: BLE001 - what is wrong with one is no matter of the others
        driver.execute("ROLLBACK TO one")
        driver.execute("RELEASE one")
        return Failed(error)
    driver.execute("RELEASE one")
    return result
