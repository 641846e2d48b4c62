"""The store's contracts as checks: run each of `CONTRACTS` on a fresh, open store of your own, and each of
`CONTRACTS_OF_TWO` on two open stores over the same fresh data, as two processes have them. A store that
only one process can use is given twice.

Numbers are those of `antiphon.stores.base`. A check raises AssertionError with what it saw.
"""

from collections.abc import Awaitable, Callable

from antiphon.stores.base import Store
from antiphon.testing.stores import (
    approvals,
    files,
    hints,
    keys,
    ledgers,
    pruning,
    refusing,
    searching,
    turns,
    waiting,
)
from antiphon.testing.stores.making import (
    LEASE_S,
    ME,
    ODD_TEXT,
    OWNER,
    a_conversation,
    a_turn,
    block_end,
    last_event,
    lease_of,
    refused,
    start,
    the_end,
)

__all__ = [
    "CONTRACTS",
    "CONTRACTS_OF_TWO",
    "LEASE_S",
    "ME",
    "ODD_TEXT",
    "OWNER",
    "a_conversation",
    "a_turn",
    "block_end",
    "last_event",
    "lease_of",
    "refused",
    "start",
    "the_end",
]

CONTRACTS: tuple[Callable[[Store], Awaitable[None]], ...] = tuple(
    check
    for module in (turns, keys, waiting, approvals, pruning, searching, ledgers, files, refusing)
    for name, check in sorted(vars(module).items())
    if name.startswith("contract_")
)

CONTRACTS_OF_TWO: tuple[Callable[[Store, Store], Awaitable[None]], ...] = tuple(
    check for module in (hints,) for name, check in sorted(vars(module).items()) if name.startswith("pair_")
)
