"""Conversations as wholes."""

from antiphon.domain.conversations import Header
from antiphon.domain.events import ConversationCreate
from antiphon.stores.redis.access import Access, no_conversation
from antiphon.stores.redis.keys import of_principal, one_of, only
from antiphon.stores.redis.principals import TOMBSTONE_S, in_use
from antiphon.stores.redis.rows import header_of, header_or_none, new_state, pack_events
from antiphon.stores.redis.scripts import Command, on_conversation, script


class RedisConversations(Access):
    async def create(
        self, principal: str, conversation_id: str, event: ConversationCreate, *, name: str | None = None
    ) -> Header:
        while True:
            if name is not None and (taken := await self.find(principal, name)) is not None:
                return taken
            first = await self._principals.claim(conversation_id, principal)
            reply = await self._run(
                on_conversation("create"),
                principal,
                conversation_id,
                one_of("tombstone", principal, conversation_id),
                name=name,
                event=pack_events([event])[0],
                fields=new_state(event),
            )
            match reply:
                case [b"made", state]:
                    return header_of(principal, conversation_id, state)
                case [b"used"]:
                    raise in_use()
                case _ if first:  # another was faster to take the name: look again whose it is
                    await self._principals.release(conversation_id)
                case _:
                    pass

    async def get(self, principal: str, conversation_id: str) -> Header:
        header = await self._header(principal, conversation_id)
        if header is None:
            raise no_conversation()
        return header

    async def find(self, principal: str, name: str) -> Header | None:
        conversation_id = await self._named(principal, name)
        return await self._header(principal, conversation_id) if conversation_id is not None else None

    async def recent(self, principal: str, *, before: tuple[int, str] | None, limit: int) -> list[Header]:
        found: list[Header] = []
        while len(found) < limit and (page := await self._page(principal, before, limit - len(found))):
            states = await self._server.run_all([_state(principal, key) for _, key in page])
            headers = [
                header_or_none(principal, key, state) for (_, key), state in zip(page, states, strict=True)
            ]
            found += [header for header in headers if header is not None]
            before = page[-1]
        return found

    async def delete(self, principal: str, conversation_id: str) -> None:
        if await self._delete(principal, conversation_id) is None:
            raise no_conversation()

    async def forget(self, principal: str, name: str) -> Header | None:
        while (conversation_id := await self._named(principal, name)) is not None:
            header = await self._delete(principal, conversation_id, name)
            if header is not None:
                return header
            if await self._named(principal, name) == conversation_id:
                return None  # it has expired, and its name will
        return None

    async def _delete(self, principal: str, conversation_id: str, name: str | None = None) -> Header | None:
        """The conversation as it was; None if there is none, or the name points to another by now."""
        reply = await self._run(
            on_conversation("delete"),
            principal,
            conversation_id,
            one_of("tombstone", principal, conversation_id),
            name=name,
            tombstone_s=TOMBSTONE_S,
        )
        if reply[0] != b"deleted":
            return None
        await self._installation.pay(reply[2])
        await self._principals.bury(conversation_id)
        return header_of(principal, conversation_id, reply[1])

    async def _header(self, principal: str, conversation_id: str) -> Header | None:
        state = await self._server.run(_state(principal, conversation_id))
        return header_or_none(principal, conversation_id, state)

    async def _named(self, principal: str, name: str) -> str | None:
        key = only("names", principal)
        found = await self._server.run(Command(("HGET", key, f"name:{name}"), key))
        return found.decode() if found is not None else None

    async def _page(
        self, principal: str, before: tuple[int, str] | None, limit: int
    ) -> list[tuple[int, str]]:
        given = {"before_at": before[0], "before_id": before[1]} if before else {}
        command = on_conversation("recent").given(of_principal(principal), {"limit": limit, **given})
        return [(int(at), key.decode()) for key, at in await self._server.run(command)]


def _state(principal: str, conversation_id: str) -> Command:
    return script("state").on([one_of("state", principal, conversation_id)])
