"""A turn writes as much in a long conversation as in a short one; a long path takes few round trips."""

from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Message, text_block
from antiphon.stores.base import Change
from antiphon.stores.redis.log import PATH_PAGE
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import a_conversation, a_turn, block_end, lease_of, start, the_end
from tests.stores.redis.conftest import opened
from tests.stores.redis.servers import RunningServer

LONG = 2 * PATH_PAGE + 100


async def grow(store: RedisStore, conversation_id: str, count: int) -> list[Message]:
    """Messages one below the other, in few transactions."""
    messages: list[Message] = []
    for _ in range(count):
        parent_id = messages[-1].id if messages else None
        content = (text_block("x" * 200),)
        messages.append(Message(id=new_id(), parent_id=parent_id, role="user", content=content, turn_id="t"))
    for first in range(0, count, 500):
        page = messages[first : first + 500]
        await store.append(
            conversation_id, Change(events=[e.TitleChange(at=2, title="t")] * 500, messages=page)
        )
    return messages


async def a_whole_turn(store: RedisStore, conversation_id: str, parent_id: str | None) -> None:
    acceptance = a_turn(conversation_id)
    lease = lease_of(await store.accept(acceptance))
    message = await start(store, acceptance, lease, parent_id)
    await store.flush([(lease, [block_end(text_block("An answer."))])])
    await store.end(lease, the_end(lease.turn_id, message.id), 30)


def written(server: RunningServer) -> int:
    """Bytes of the log on disk so far."""
    with server.client() as client:
        return int(client.info("persistence")["aof_current_size"])


async def test_a_turn_writes_no_more_in_a_long_conversation(url: str, valkey: RunningServer) -> None:
    async with opened(url) as store:
        cost = []
        for length in (10, LONG):
            header = await a_conversation(store)
            messages = await grow(store, header.id, length)
            await a_whole_turn(store, header.id, messages[-1].id)
            before = written(valkey)
            await a_whole_turn(store, header.id, messages[-1].id)
            cost.append(written(valkey) - before)
        assert cost[0] * 0.9 < cost[1] < cost[0] * 1.1, cost


async def test_a_path_of_many_pages_is_whole_and_in_order(store: RedisStore) -> None:
    header = await a_conversation(store)
    messages = await grow(store, header.id, LONG)
    path = await store.path(header.id, messages[-1].id)
    assert [placed.message for placed in path] == messages
    assert await store.path(header.id, messages[0].id) == path[:1]


async def test_a_path_takes_a_round_trip_per_page(url: str, valkey: RunningServer) -> None:
    async with opened(url) as store:
        header = await a_conversation(store)
        messages = await grow(store, header.id, LONG)
        with valkey.client() as client:
            client.config_resetstat()
            await store.path(header.id, messages[-1].id)
            assert client.info("commandstats")["cmdstat_evalsha"]["calls"] <= 3 + 1
