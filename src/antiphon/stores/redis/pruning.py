"""Pruning: principal by principal, the turns of each that ended first."""

from contextlib import suppress

from antiphon.domain.ids import conversation_of
from antiphon.errors import StoreUnavailable
from antiphon.stores.redis.access import Access
from antiphon.stores.redis.keys import only
from antiphon.stores.redis.scripts import Command, on_conversation

PRINCIPALS = 100
TURNS = 100
"""How many are looked at together."""


class RedisPruning(Access):
    async def prune(self, before: int, limit: int = 1000) -> bool:
        """What lies on a node that cannot be reached is left for another time.

        Raises:
            StoreUnavailable: nobody can say what there is to prune.
        """
        principals = await self._unfinished.unpruned(before, PRINCIPALS)
        for principal in principals:
            with suppress(StoreUnavailable):
                limit = await self._prune(principal, before, limit)
            if limit <= 0:
                return True
        return len(principals) == PRINCIPALS

    async def _prune(self, principal: str, before: int, limit: int) -> int:
        """What is left of `limit`. Each turn counts as one delta more than it has, so that this ends."""
        while True:
            turns = await self._unpruned(principal)
            for turn, ended in turns:
                if ended >= before:
                    break
                limit -= 1 + await self._prune_turn(principal, turn, limit)
                if limit <= 0:
                    return limit
            if not turns or turns[-1][1] >= before:
                left = await self._unpruned(principal)
                await self._unfinished.settle(principal, left[0][1] if left else None)
                return limit

    async def _prune_turn(self, principal: str, turn: str, limit: int) -> int:
        turn_id, first, last = turn.rsplit(" ", 2)
        removed = await self._run(
            on_conversation("prune"),
            principal,
            conversation_of(turn_id) or "",
            turn=turn,
            first=first,
            last=last,
            limit=limit,
        )
        return int(removed)

    async def _unpruned(self, principal: str) -> list[tuple[str, int]]:
        """Turns that still have deltas, and when they ended, in that order."""
        key = only("unpruned", principal)
        found = await self._server.run(Command(("ZRANGE", key, 0, TURNS - 1, "WITHSCORES"), key))
        return [
            (turn.decode(), int(float(ended))) for turn, ended in zip(found[::2], found[1::2], strict=True)
        ]
