"""Files: in one hash of their principal, so that one script changes them with what refers to them."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from antiphon.domain.files import FILE_HELD_S, File, FileFacts
from antiphon.errors import StoreUnavailable
from antiphon.stores.projection import no_file
from antiphon.stores.redis.access import Access
from antiphon.stores.redis.keys import LAPSING, of_principal, only
from antiphon.stores.redis.rows import pack
from antiphon.stores.redis.scripts import Command, on_conversation, script

PRINCIPALS = 100
"""How many are looked at together."""
AGAIN_MS = 60_000
"""When to look at one again whose node did not answer."""

_facts = msgspec.json.Decoder(FileFacts)


class RedisFiles(Access):
    async def put_file(self, principal: str, file: File, held_s: float = FILE_HELD_S) -> None:
        given = {"file": file.facts.id, "facts": pack(file.facts), "held_ms": round(held_s * 1000)}
        command = on_conversation("put_file").given(of_principal(principal), given, file.data)
        lapses = int(await self._server.run(command))
        await self._server.run(script("look").on([LAPSING], principal, lapses))

    async def file(self, principal: str, file_id: str) -> File:
        key = only("files", principal)
        facts, data = await self._server.run(
            Command(("HMGET", key, f"facts:{file_id}", f"bytes:{file_id}"), key)
        )
        if facts is None or data is None:
            raise no_file()
        return File(facts=_facts.decode(facts), data=data)

    async def file_facts(self, principal: str, file_ids: Sequence[str]) -> dict[str, FileFacts]:
        if not file_ids:
            return {}
        key = only("files", principal)
        fields = [f"facts:{file_id}" for file_id in file_ids]
        found = await self._server.run(Command(("HMGET", key, *fields), key))
        pairs = zip(file_ids, found, strict=True)
        return {file_id: _facts.decode(facts) for file_id, facts in pairs if facts is not None}

    async def drop_files(self, limit: int = 100) -> bool:
        """What lies on a node that cannot be reached is left for another time."""
        due = await self._server.run(script("lapsed").on([LAPSING], PRINCIPALS, AGAIN_MS))
        more = len(due) == PRINCIPALS
        for principal, again in due:
            with suppress(StoreUnavailable):
                more |= await self._drop(principal.decode(), again, limit)
        return more

    async def _drop(self, principal: str, again: bytes, limit: int) -> bool:
        """Forgotten if none is left, unless somebody puts one meanwhile, which changes the note."""
        command = on_conversation("drop_files").given(of_principal(principal), {"limit": limit})
        looked, lapses = await self._server.run(command)
        await self._server.run(script("looked").on([LAPSING], principal, again, lapses or b""))
        return bool(looked == limit)
