"""The ledger: what was used, what it cost, what may still be spent."""

from collections.abc import Sequence

from antiphon.money.budgets import Limit
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.stores.books import Entry, Sums, add_up, rows_of
from antiphon.stores.redis.access import Access
from antiphon.stores.redis.entries import entry_of, spent_since
from antiphon.stores.redis.installation import texts
from antiphon.stores.redis.keys import one_of, only
from antiphon.stores.redis.scripts import Command

PAGE = 200
"""How many entries are read at once: adding them up keeps this process from anything else meanwhile."""


class RedisLedger(Access):
    async def usage(self, query: UsageQuery) -> list[UsageRow]:
        sums: Sums = {}
        for principal in await self._asked(query):
            places = await self._times(principal, query)
            for first in range(0, len(places), PAGE):
                add_up(sums, await self._read(principal, places[first : first + PAGE]), query)
        return rows_of(sums, query)

    async def left(self, limits: Sequence[Limit]) -> list[int]:
        shared = [limit for limit in limits if limit.scope == "installation"]
        taken = dict(zip(shared, await self._installation.taken(shared), strict=True))
        for limit in limits:
            if limit.scope != "installation":
                taken[limit] = await self._taken(limit)
        return [limit.nanodollars - taken[limit] for limit in limits]

    async def _taken(self, limit: Limit) -> int:
        key = await self._spent_by(limit)
        if key is None:
            return 0
        known = await self._server.run(Command(("HGET", key, limit.account), key))
        if known is not None:
            return int(known)
        return spent_since(texts(await self._server.run(Command(("HGETALL", key), key))), limit.since)

    async def _spent_by(self, limit: Limit) -> str | None:
        """Where the account lies; None for a conversation that there is not."""
        if limit.scope != "conversation":
            return only("spent", limit.owner)
        principal = await self._principal(limit.owner)
        return one_of("spent_here", principal, limit.owner) if principal is not None else None

    async def _asked(self, query: UsageQuery) -> list[str]:
        """The principals that may have what is asked for."""
        if query.principal is not None:
            return [query.principal]
        if query.conversation_id is not None and (whose := await self._principal(query.conversation_id)):
            return [whose]
        return await self._payers.all()

    async def _times(self, principal: str, query: UsageQuery) -> list[str]:
        key = only("times", principal)
        until = f"({query.until}" if query.until is not None else "+inf"
        found = await self._server.run(Command(("ZRANGEBYSCORE", key, query.since, until), key))
        places = [place.decode() for place in found]
        if query.conversation_id is None:
            return places
        return [place for place in places if place.startswith(f"{query.conversation_id} ")]

    async def _read(self, principal: str, places: Sequence[str]) -> list[Entry]:
        key = only("entries", principal)
        values = await self._server.run(Command(("HMGET", key, *places), key))
        return [
            entry_of(principal, place, value)
            for place, value in zip(places, values, strict=True)
            if value is not None
        ]
