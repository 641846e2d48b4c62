"""Group commit: what all running answers have written since the last time, in one transaction.

The first delta of each block is committed at once; after that at most one commit runs per interval, which
stretches with the number of running turns. Followers are woken after the commit, never before.

An answer that has been coming for a while is only read when the next commit is due: what arrived meanwhile
waits in the connection's own buffer and is taken in one piece. So its many small packets cost little more
than few large ones, and nothing is seen later than it would be committed anyway.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from antiphon.errors import FenceLost
from antiphon.stores.base import Lease, Log
from antiphon.turns.hub import Hub
from antiphon.turns.writing import Writing

INTERVAL_S = 0.040
LONGEST_S = 0.150
PER_TURN_S = 0.002
"""How much each running turn stretches the interval: 55 of them reach the longest."""

READING = 3
"""Turns of the event loop from when a socket is opened until what waited there has been read and decoded."""


@dataclass(slots=True, eq=False)
class Entry:
    """What one running answer has written, and how far it has come."""

    lease: Lease
    writing: Writing
    begun: int = 0
    """How many blocks have shown their first delta."""
    failure: Exception | None = None


class Flusher:
    def __init__(self, log: Log, hub: Hub) -> None:
        self._log = log
        self._hub = hub
        self._entries: dict[Entry, None] = {}
        """In the order in which they began."""
        self._readers: list[Callable[[], None]] = []
        self._due = asyncio.Event()
        self._urgent = asyncio.Event()
        self._committing = asyncio.Lock()
        self._relieving: set[asyncio.Task[None]] = set()

    def add(self, lease: Lease, writing: Writing) -> Entry:
        """From now on, commit what `writing` has."""
        entry = Entry(lease, writing)
        self._entries[entry] = None
        return entry

    def written(self, entry: Entry) -> None:
        """Something was written; it is committed soon.

        Raises:
            FenceLost, StoreUnavailable: an earlier commit of it failed.
        """
        if entry.failure is not None:
            raise entry.failure
        writing = entry.writing
        if entry.begun != len(writing.blocks) and writing.waiting:
            entry.begun = len(writing.blocks)
            self._urgent.set()
        if not writing.silent:
            self._due.set()

    def before_commit(self, resume: Callable[[], None]) -> None:
        """Call `resume` when the next commit is about to be made, to read what has come for it."""
        self._readers.append(resume)
        self._due.set()

    async def remove(self, entry: Entry) -> None:
        """Commit no more of it; once this returns, no commit of it is under way. Raises like `written`."""
        self._entries.pop(entry, None)
        await self.settled()
        if entry.failure is not None:
            raise entry.failure

    async def settled(self) -> None:
        """Returns when no commit is under way: what the store has of the answers here is published."""
        async with self._committing:
            pass

    async def run(self) -> None:
        """Commit whenever something is due, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await self._due.wait()
            self._due.clear()
            self._urgent.clear()
            begun = clock()
            await self._let_read()
            await self.flush()
            interval = min(INTERVAL_S + PER_TURN_S * len(self._entries), LONGEST_S)
            # A long commit is not followed at once: what comes meanwhile makes the next one cheaper.
            rest = clock() + interval / 4
            with suppress(TimeoutError):
                async with asyncio.timeout_at(max(begun + interval, rest)):
                    await self._urgent.wait()

    async def _let_read(self) -> None:
        if not self._readers:
            return
        readers, self._readers = self._readers, []
        for resume in readers:
            resume()
        for _ in range(READING):
            await asyncio.sleep(0)

    async def relieve(self) -> None:
        """Commit all that is pending now, also of others: it goes on if whoever waits for it is stopped."""
        task = asyncio.create_task(self.flush())
        self._relieving.add(task)
        task.add_done_callback(self._relieving.discard)
        await asyncio.shield(task)

    async def flush(self) -> None:
        """Commit all that is pending now. Cut off, it would leave out what it took."""
        async with self._committing:
            entries = [entry for entry in self._entries if entry.writing.pending and entry.failure is None]
            if entries:
                await self._commit(entries)

    async def _commit(self, entries: list[Entry]) -> None:
        try:
            results = await self._log.flush([(entry.lease, entry.writing.take()) for entry in entries])
        except Exception as error:  # noqa: BLE001 - each turn raises it as its own; other turns go on
            for entry in entries:
                entry.failure = error
            return
        publish = self._hub.publish
        for entry, frames in zip(entries, results, strict=True):
            if frames is None:
                entry.failure = FenceLost("Another replica runs this turn now; this one stopped.")
            else:
                publish(entry.lease.conversation_id, frames)
