"""Where things lie: one principal on one node, nothing left of what was deleted, nobody in another's room."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest

from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.errors import Conflict, NotFound
from antiphon.stores.redis.keys import (
    CHANNELS,
    OF_CONVERSATION,
    OF_PRINCIPAL,
    channel_of,
    of_conversation,
    one_of,
)
from antiphon.stores.redis.store import RedisStore
from antiphon.testing.stores import ME, a_conversation, a_turn, lease_of, start, the_end
from tests.stores.redis.conftest import opened, slot_of
from tests.stores.redis.servers import RunningServer

LUA = [path for path in (files("antiphon.stores.redis") / "lua").iterdir() if path.name.endswith(".lua")]
KEYLESS = ("TIME", "PUBLISH")
ODD = ["a", "a}", "a}:state:x", "{a}", "", "a b\n", "{c:x}:principal", "é🙂", "a%7D"]


@pytest.mark.parametrize("principal", ODD)
def test_all_keys_of_a_principal_lie_in_one_slot(principal: str) -> None:
    keys = [*of_conversation(principal, new_id()), one_of("tombstone", principal, new_id())]
    assert len({slot_of(key) for key in keys}) == 1
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("path", LUA, ids=lambda path: path.name)
def test_scripts_touch_no_key_that_they_were_not_given(path: Traversable) -> None:
    """On one server a key made up by a script works by luck; on a cluster it may lie elsewhere."""
    text = path.read_text(encoding="utf-8")
    first = re.findall(r"redis\.p?call\(\s*'(\w+)'(?:, ([\w.]+(?:\[[^]]+\])?))?", text)
    made_up = [(command, key) for command, key in first if command not in KEYLESS and not given(key)]
    assert made_up == []


def given(key: str) -> bool:
    """The name of a key in the scripts, or one of KEYS."""
    return key in {*OF_PRINCIPAL, *OF_CONVERSATION, "tombstone", "key"} or key.startswith("KEYS[")


def test_there_are_scripts() -> None:
    assert len(LUA) >= 15


async def test_odd_names_of_principals_keep_apart(url: str) -> None:
    async with opened(url) as store:
        mine = {principal: await a_conversation(store, principal=principal, name="n") for principal in ODD}
        for principal, header in mine.items():
            assert await store.recent(principal, before=None, limit=100) == [header]
            assert await store.find(principal, "n") == header
            for other in ODD:
                if other != principal:
                    with pytest.raises(NotFound):
                        await store.get(other, header.id)


@pytest.mark.parametrize("conversation_id", ["", "x", "}:x", "{all}", "../state", "\n"])
async def test_an_id_that_is_none_does_not_exist(url: str, conversation_id: str) -> None:
    async with opened(url) as store:
        header = await a_conversation(store)
        for wrong in (conversation_id, header.id + conversation_id + ":log"):
            with pytest.raises(NotFound):
                await store.get(ME, wrong)
            assert await store.read(wrong, 0) == []


async def test_of_a_deleted_conversation_only_the_tombstone_is_left(url: str, valkey: RunningServer) -> None:
    async with opened(url) as store:
        header = await a_conversation(store, name="support")
        acceptance = a_turn(header.id, "secret words", key="k")
        lease = lease_of(await store.accept(acceptance))
        message = await start(store, acceptance, lease)
        await store.accept(a_turn(header.id, key="k2"))
        await store.end(lease, the_end(lease.turn_id, message.id), 30)
        await store.delete(ME, header.id)
        with valkey.client() as client:
            keys = client.scan_iter(f"*{header.id}*")
            left = {key.decode(): client.ttl(key) for key in keys if isinstance(key, bytes)}
        assert left.keys() == {one_of("tombstone", ME, header.id), f"{{c:{header.id}}}:principal"}
        thirty_days = 30 * 24 * 3600
        assert all(thirty_days - 60 < ttl <= thirty_days for ttl in left.values())


async def test_an_id_of_another_principal_is_not_taken_from_it(store: RedisStore) -> None:
    header = await a_conversation(store)
    with pytest.raises(Conflict):
        await store.create("principal-2", header.id, e.ConversationCreate(at=1))
    assert await store.get(ME, header.id) == header


def test_hints_spread_over_their_channels() -> None:
    assert {channel_of(new_id()) for _ in range(5000)} == set(CHANNELS)
