"""What every part of the store works with: the server, whose a conversation is, how long it lives."""

from typing import Any

from antiphon.errors import ConfigurationError, NotFound
from antiphon.stores.redis.installation import Installation
from antiphon.stores.redis.keys import channel_of, of_conversation
from antiphon.stores.redis.payers import Payers
from antiphon.stores.redis.principals import Principals
from antiphon.stores.redis.scripts import Command, Script
from antiphon.stores.redis.server import Server
from antiphon.stores.redis.unfinished import Unfinished


class Access:
    def __init__(self, url: str, *, ttl_s: float | None = None) -> None:
        """`ttl_s`: how many seconds a conversation lives after it was last used; None for ever."""
        if ttl_s is not None and ttl_s <= 0:
            raise ConfigurationError("The time to live of conversations must be more than 0 seconds.")
        self._server = Server(url)
        self._ttl_ms = int(ttl_s * 1000) if ttl_s is not None else 0
        self._principals = Principals(self._server, ttl_s)
        self._unfinished = Unfinished(self._server)
        self._payers = Payers(self._server)
        self._installation = Installation(self._server, self._payers)

    def _on(
        self, script: Script, principal: str, conversation_id: str, *more_keys: str, **given: Any
    ) -> Command:
        """A script on a conversation, with its keys and what all such scripts are given."""
        keys = [*of_conversation(principal, conversation_id), *more_keys]
        common = {"id": conversation_id, "channel": channel_of(conversation_id), "ttl_ms": self._ttl_ms}
        return script.given(keys, common | given)

    async def _run(
        self, script: Script, principal: str, conversation_id: str, *more_keys: str, **given: Any
    ) -> Any:
        return await self._server.run(self._on(script, principal, conversation_id, *more_keys, **given))

    async def _principal(self, conversation_id: str) -> str | None:
        return (await self._principals.of([conversation_id])).get(conversation_id)

    async def _known_principal(self, conversation_id: str) -> str:
        """Raises NotFound."""
        principal = await self._principal(conversation_id)
        if principal is None:
            raise no_conversation()
        return principal


def no_conversation() -> NotFound:
    return NotFound("There is no such conversation.")
