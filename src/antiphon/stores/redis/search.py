"""Search: a look at the newest messages of a principal, a page of them at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from antiphon.domain.messages import text_of
from antiphon.stores.base import Hit
from antiphon.stores.redis.access import Access
from antiphon.stores.redis.keys import one_of, only
from antiphon.stores.redis.rows import placed_message
from antiphon.stores.redis.scripts import Command
from antiphon.stores.scanning import SEARCHED, scan

PAGE = 250

Place: TypeAlias = tuple[int, str, str]


class RedisSearch(Access):
    async def search(
        self, principal: str, query: str, *, before: Place | None = None, limit: int = 20
    ) -> list[Hit]:
        hits: list[Hit] = []
        for first in range(0, SEARCHED, PAGE):
            places = await self._places(principal, first, first + PAGE - 1)
            hits += scan(await self._texts(principal, places), query, before)
            if len(hits) >= limit or len(places) < PAGE:
                break
        return hits[:limit]

    async def _places(self, principal: str, first: int, last: int) -> list[Place]:
        key = only("said", principal)
        found = await self._server.run(Command(("ZREVRANGE", key, first, last, "WITHSCORES"), key))
        return [(int(float(at)), *_ids(message)) for message, at in zip(found[::2], found[1::2], strict=True)]

    async def _texts(self, principal: str, places: Sequence[Place]) -> Iterator[tuple[Place, str]]:
        """Those that have expired meanwhile are left out."""
        by_conversation: defaultdict[str, list[Place]] = defaultdict(list)
        for place in places:
            by_conversation[place[1]].append(place)
        keys = [one_of("messages", principal, conversation_id) for conversation_id in by_conversation]
        replies = await self._server.run_all(
            [
                Command(("HMGET", key, *(f"message:{place[2]}" for place in some)), key)
                for key, some in zip(keys, by_conversation.values(), strict=True)
            ]
        )
        values = {
            place: value
            for some, reply in zip(by_conversation.values(), replies, strict=True)
            for place, value in zip(some, reply, strict=True)
        }
        return (
            (place, text_of(placed_message(value).message.content))
            for place in places
            if (value := values[place]) is not None
        )


def _ids(message: bytes) -> tuple[str, str]:
    conversation_id, _, message_id = message.decode().partition(" ")
    return conversation_id, message_id
