"""A search looks at the newest messages of a principal; what is older or deleted takes no room for it."""

from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Message, text_block
from antiphon.stores.base import Change
from antiphon.stores.redis.keys import only
from antiphon.stores.scanning import SEARCHED
from antiphon.testing.stores import ME, a_conversation
from tests.stores.redis.conftest import opened
from tests.stores.redis.servers import RunningServer


async def test_a_search_ends_with_the_newest_messages(url: str, valkey: RunningServer) -> None:
    async with opened(url) as store:
        old, new = await a_conversation(store), await a_conversation(store)
        for at, conversation_id, count in ((2, old.id, 1), (3, new.id, SEARCHED)):
            said = [
                Message(
                    id=new_id(), parent_id=None, role="user", content=(text_block("number"),), turn_id="t"
                )
                for _ in range(count)
            ]
            change = Change(events=[e.TitleChange(at=at, title="T")], messages=said)
            await store.append(conversation_id, change)
        hits = await store.search(ME, "number", limit=SEARCHED + 1)
        assert [hit.conversation_id for hit in hits] == [new.id] * SEARCHED
        with valkey.client() as client:
            assert client.zcard(only("said", ME)) == SEARCHED
            await store.delete(ME, new.id)
            assert client.zcard(only("said", ME)) == 0
