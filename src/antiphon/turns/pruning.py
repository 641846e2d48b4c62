"""What nobody needs any more: deltas of turns that ended a while ago, since what they built stands in the end
of each block, and files that no conversation refers to.
"""

from antiphon.clock import Clock, milliseconds
from antiphon.stores.base import Files, Log

CALLS = 10
"""How many transactions one sweep spends at most; the next sweep goes on."""


async def prune_deltas(log: Log, clock: Clock, keep_s: float) -> None:
    """Remove deltas of turns that ended more than `keep_s` seconds ago. Raises StoreUnavailable."""
    before = milliseconds(clock) - round(keep_s * 1000)
    for _ in range(CALLS):
        if not await log.prune(before):
            return


async def drop_files(files: Files) -> None:
    """Remove files that nothing keeps any more. Raises StoreUnavailable."""
    for _ in range(CALLS):
        if not await files.drop_files():
            return
