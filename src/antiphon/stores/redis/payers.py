"""Which principals have entries in the ledger: what spans all of them must find each."""

from collections import OrderedDict

from antiphon.stores.redis.keys import PAYERS
from antiphon.stores.redis.scripts import Command
from antiphon.stores.redis.server import Server

REMEMBERED = 10_000
PAGE = 1000


class Payers:
    """A principal is noted before its first entry, and for ever: entries outlive everything else it has."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._known: OrderedDict[str, None] = OrderedDict()

    async def note(self, principal: str) -> None:
        """Raises StoreUnavailable."""
        if principal in self._known:
            self._known.move_to_end(principal)
            return
        await self._server.run(Command(("SADD", PAYERS, principal), PAYERS))
        self._known[principal] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def all(self) -> list[str]:
        """In order. Raises StoreUnavailable."""
        found: set[str] = set()
        cursor = b"0"
        while True:
            cursor, page = await self._server.run(Command(("SSCAN", PAYERS, cursor, "COUNT", PAGE), PAYERS))
            found.update(principal.decode() for principal in page)
            if int(cursor) == 0:
                return sorted(found)
