"""Whose a conversation is: all its keys lie with its principal, and most methods are given only its id."""

import time
from collections import OrderedDict
from collections.abc import Iterable

from antiphon.errors import Conflict
from antiphon.stores.redis.keys import principal_of
from antiphon.stores.redis.scripts import Command
from antiphon.stores.redis.server import Server

REMEMBERED = 10_000
TOMBSTONE_S = 30 * 24 * 3600


class Principals:
    """Asked once, then remembered, because ids are never reused; what was deleted, its own state says.

    With a time to live, the answer lives twice as long from when it was last asked for, and is asked for
    again after half of it: so it outlives the conversation.
    """

    def __init__(self, server: Server, ttl_s: float | None) -> None:
        self._server = server
        self._ttl_s = ttl_s
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def of(self, conversation_ids: Iterable[str]) -> dict[str, str]:
        """Unknown ones are left out."""
        found: dict[str, str] = {}
        unsure: list[str] = []
        for conversation_id in conversation_ids:
            principal = self._remembered(conversation_id)
            if principal is None:
                unsure.append(conversation_id)
            else:
                found[conversation_id] = principal
        if unsure:
            found |= await self._ask(unsure)
        return found

    async def claim(self, conversation_id: str, principal: str) -> bool:
        """Say whose it will be, before it is made; returns whether nobody had said so before.

        Raises:
            Conflict: it is another's.
        """
        key = principal_of(conversation_id)
        if await self._server.run(Command(("SET", key, principal, "NX", *self._lifetime()), key)):
            self._remember(conversation_id, principal)
            return True
        if (await self._ask([conversation_id])).get(conversation_id) != principal:
            raise in_use()
        return False

    async def release(self, conversation_id: str) -> None:
        """It was not made after all."""
        self._known.pop(conversation_id, None)
        key = principal_of(conversation_id)
        await self._server.run(Command(("DEL", key), key))

    async def bury(self, conversation_id: str) -> None:
        """It was deleted: keep the answer as long as the tombstone."""
        key = principal_of(conversation_id)
        await self._server.run(Command(("EXPIRE", key, TOMBSTONE_S), key))

    async def _ask(self, conversation_ids: list[str]) -> dict[str, str]:
        lifetime = self._lifetime() or ("PERSIST",)
        keys = [principal_of(conversation_id) for conversation_id in conversation_ids]
        values = await self._server.run_all([Command(("GETEX", key, *lifetime), key) for key in keys])
        found = {
            conversation_id: value.decode()
            for conversation_id, value in zip(conversation_ids, values, strict=True)
            if value is not None
        }
        for conversation_id, principal in found.items():
            self._remember(conversation_id, principal)
        return found

    def _lifetime(self) -> tuple[str, int] | tuple[()]:
        return ("PX", int(2000 * self._ttl_s)) if self._ttl_s is not None else ()

    def _remembered(self, conversation_id: str) -> str | None:
        principal, until = self._known.get(conversation_id, (None, 0.0))
        if principal is None or until < time.monotonic():
            return None
        self._known.move_to_end(conversation_id)
        return principal

    def _remember(self, conversation_id: str, principal: str) -> None:
        until = float("inf") if self._ttl_s is None else time.monotonic() + self._ttl_s / 2
        self._known[conversation_id] = principal, until
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def in_use() -> Conflict:
    return Conflict("This conversation id is in use, or was. Make a new one.")
