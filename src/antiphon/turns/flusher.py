"""Group commit: what all running answers have written since the last time, in one transaction.

The first delta of each block is committed at once; after that at most one commit runs per interval, which
stretches with the number of running turns. Followers are woken after the commit, never before.

An answer that has been coming for a while is only read when the next commit is due: what arrived meanwhile
waits in the connection's own buffer and is taken in one piece. So its many small packets cost little more
than few large ones, and nothing is seen later than it would be committed anyway.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from antiphon.errors import FenceLost
from antiphon.stores.base import Lease, Log
from antiphon.turns.hub import Hub
from antiphon.turns.writing import Writing

INTERVAL_S = 0.040
LONGEST_S = 0.200
PER_TURN_S = 0.002
"""How much each running turn stretches the interval: 80 of them reach the longest."""


@dataclass(slots=True, eq=False)
class _Entry:
    lease: Lease
    writing: Writing
    begun: int = 0
    """How many blocks have shown their first delta."""
    failure: Exception | None = None


class Flusher:
    def __init__(self, log: Log, hub: Hub) -> None:
        self._log = log
        self._hub = hub
        self._entries: dict[Lease, _Entry] = {}
        self._readers: list[asyncio.Future[None]] = []
        self._due = asyncio.Event()
        self._urgent = asyncio.Event()
        self._committing = asyncio.Lock()

    def add(self, lease: Lease, writing: Writing) -> None:
        """From now on, commit what `writing` has."""
        self._entries[lease] = _Entry(lease, writing)

    def written(self, lease: Lease) -> None:
        """Something was written under this lease; it is committed soon.

        Raises:
            FenceLost, StoreUnavailable: an earlier commit of it failed.
        """
        entry = self._entries[lease]
        if entry.failure is not None:
            raise entry.failure
        blocks = len(entry.writing.blocks)
        if entry.begun != blocks and entry.writing.waiting:
            entry.begun = blocks
            self._urgent.set()
        if not entry.writing.silent:
            self._due.set()

    async def before_commit(self) -> None:
        """Wait until the next commit is about to be made, to read what has come for it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._readers.append(future)
        self._due.set()
        await future

    async def remove(self, lease: Lease) -> None:
        """Commit no more of it; once this returns, no commit of it is under way. Raises like `written`."""
        entry = self._entries.pop(lease, None)
        async with self._committing:
            pass
        if entry is not None and entry.failure is not None:
            raise entry.failure

    async def run(self) -> None:
        """Commit whenever something is due, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            self._urgent.clear()
            begun = asyncio.get_running_loop().time()
            await self._let_read()
            await self.flush()
            interval = min(INTERVAL_S + PER_TURN_S * len(self._entries), LONGEST_S)
            # A long commit is not followed at once: what comes meanwhile makes the next one cheaper.
            rest = asyncio.get_running_loop().time() + interval / 4
            with suppress(TimeoutError):
                async with asyncio.timeout_at(max(begun + interval, rest)):
                    await self._urgent.wait()

    async def _let_read(self) -> None:
        if not self._readers:
            return
        readers, self._readers = self._readers, []
        for future in readers:
            if not future.done():
                future.set_result(None)
        await asyncio.sleep(0)  # they run before this goes on, and reading a buffer does not wait

    async def flush(self) -> None:
        """Commit all that is pending now."""
        async with self._committing:
            entries = [
                entry for entry in self._entries.values() if entry.failure is None and entry.writing.pending
            ]
            if entries:
                await self._commit(entries)

    async def _commit(self, entries: list[_Entry]) -> None:
        try:
            results = await self._log.flush([(entry.lease, entry.writing.take()) for entry in entries])
        except Exception as error:  # noqa: BLE001 - each turn raises it as its own; other turns go on
            for entry in entries:
                entry.failure = error
            return
        for entry, frames in zip(entries, results, strict=True):
            if frames is None:
                entry.failure = FenceLost("Another replica runs this turn now; this one stopped.")
            else:
                self._hub.publish(entry.lease.conversation_id, frames)
