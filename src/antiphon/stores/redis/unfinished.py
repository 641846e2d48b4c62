"""Which principals may have unfinished turns or deltas to prune: what is found without knowing whose.

The note of a principal may lie on another node than its turns, so the two cannot change together. It is made
before a turn is accepted, and dropped only when it is older than any accept that counts on it may be, and the
principal was seen to have nothing unfinished. So there may be a note too many, never one too few. The same
goes for deltas to prune: who has none left is forgotten once it has no note of the other kind.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.stores.redis.keys import UNFINISHED, UNPRUNED
from antiphon.stores.redis.scripts import Command, script
from antiphon.stores.redis.server import Server

REUSED_S = 20.0
"""How long this process counts on a note it made."""
ACCEPTED_MS = 30_000
"""How old a note an accept may count on, judged by the store: more than is reused, less than is dropped."""
DROPPED_MS = 60_000
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Noted:
    """`at` is its time as the store spelled it; `old` says that no accept counts on it any more."""

    principal: str
    at: bytes
    old: bool


class Unfinished:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._notes: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def note(self, principal: str, *, anew: bool = False) -> int:
        """Note that a principal is about to begin a turn; returns the time of the note in milliseconds."""
        at, until = self._notes.get(principal, (0, 0.0))
        if not anew and until > time.monotonic():
            return at
        until = time.monotonic() + REUSED_S
        at = int(await self._server.run(script("note").on([UNFINISHED, UNPRUNED], principal)))
        self._notes[principal] = at, until
        self._notes.move_to_end(principal)
        if len(self._notes) > REMEMBERED:
            self._notes.popitem(last=False)
        return at

    async def noted(self) -> list[Noted]:
        now, entries = await self._server.run(script("noted").on([UNFINISHED]))
        return [
            Noted(principal.decode(), at, old=now - float(at) > DROPPED_MS)
            for principal, at in zip(entries[::2], entries[1::2], strict=True)
        ]

    async def drop(self, done: Sequence[Noted]) -> None:
        """Drop notes, unless they were made anew meanwhile."""
        commands = [script("drop").on([UNFINISHED], noted.principal, noted.at) for noted in done]
        await self._server.run_all(commands)

    async def unpruned(self, before: int, limit: int) -> list[str]:
        """Principals that may have deltas of turns that ended before that time (milliseconds)."""
        given = ("-inf", f"({before}", "LIMIT", 0, limit)
        found = await self._server.run(Command(("ZRANGEBYSCORE", UNPRUNED, *given), UNPRUNED))
        return [principal.decode() for principal in found]

    async def settle(self, principal: str, oldest: int | None) -> None:
        """Its oldest turn that still has deltas ended at `oldest` (milliseconds), or none has any."""
        since = "" if oldest is None else oldest
        await self._server.run(script("settle").on([UNFINISHED, UNPRUNED], principal, since))
