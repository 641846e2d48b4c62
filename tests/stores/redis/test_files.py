"""Files of a principal lie on one node, the note when to look for what may go on another."""

from antiphon.stores.redis.keys import LAPSING
from antiphon.stores.redis.scripts import Command, on_conversation
from antiphon.stores.redis.server import Server
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import ME
from antiphon.testing.stores.files import a_file
from tests.stores.redis.conftest import opened
from tests.stores.redis.servers import RunningServer

OLD, NEW = a_file(b"old"), a_file(b"new")
MINUTE_MS = 60_000


class Busy(Server):
    """After each look at the files of the tests' principal, another replica puts one."""

    def __init__(self, url: str, other: RedisStore) -> None:
        super().__init__(url)
        self.other = other

    async def run(self, command: Command) -> object:
        reply = await super().run(command)
        if on_conversation("drop_files").sha in command.args:
            await self.other.put_file(ME, NEW)
        return reply


async def test_a_file_that_is_put_as_the_last_one_goes_is_looked_at_in_its_turn(
    url: str, valkey: RunningServer
) -> None:
    async with opened(url) as other:
        await other.put_file(ME, OLD, held_s=0)
        store = RedisStore(url)
        store._server = Busy(url, other)
        await store.open()
        assert not await store.drop_files()
        await store.close()
        assert await other.file_facts(ME, [OLD.facts.id, NEW.facts.id]) == {NEW.facts.id: NEW.facts}
        with valkey.client() as client:
            soon = client.zscore(LAPSING, ME)
            assert soon is not None, "nobody would ever look at it"
            client.zadd(LAPSING, {ME: 1})
            assert not await other.drop_files()
            then = client.zscore(LAPSING, ME)
            assert then is not None
            assert then - soon > MINUTE_MS
        assert await other.file(ME, NEW.facts.id) == NEW
