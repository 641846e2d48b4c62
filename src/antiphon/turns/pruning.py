"""Deltas of turns that ended a while ago: what they built stands in the end of each block."""

from antiphon.clock import Clock, milliseconds
from antiphon.stores.base import Log

CALLS = 10
"""How many transactions one sweep spends at most; the next sweep goes on."""


async def prune_deltas(log: Log, clock: Clock, keep_s: float) -> None:
    """Remove deltas of turns that ended more than `keep_s` seconds ago. Raises StoreUnavailable."""
    before = milliseconds(clock) - round(keep_s * 1000)
    for _ in range(CALLS):
        if not await log.prune(before):
            return
