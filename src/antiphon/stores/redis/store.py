"""`RedisStore`: the whole protocol on one Redis or Valkey, or on a cluster of them."""

from collections.abc import AsyncGenerator

from antiphon.stores.base import Hint
from antiphon.stores.redis.conversations import RedisConversations
from antiphon.stores.redis.files import RedisFiles
from antiphon.stores.redis.hints import hints
from antiphon.stores.redis.ledger import RedisLedger
from antiphon.stores.redis.log import RedisLog
from antiphon.stores.redis.pruning import RedisPruning
from antiphon.stores.redis.schema import check_schema
from antiphon.stores.redis.search import RedisSearch
from antiphon.stores.redis.turns import RedisTurns


class RedisStore(
    RedisConversations, RedisFiles, RedisLedger, RedisLog, RedisPruning, RedisSearch, RedisTurns
):
    """`RedisStore(url, ttl_s=None)`. A cluster is found by itself, whichever of its nodes `url` names."""

    async def open(self) -> None:
        """Connect and check.

        Raises:
            StoreUnavailable, NewerData, ConfigurationError: the address is none, the password is refused, or
                the server's settings do not keep what is stored.
        """
        await self._server.open()
        try:
            await check_schema(self._server)
        except BaseException:
            await self._server.close()
            raise

    async def close(self) -> None:
        await self._server.close()

    def hints(self) -> AsyncGenerator[Hint | None, None]:
        """As the protocol says; the generator has a connection of its own while it is open."""
        return hints(self._server)
