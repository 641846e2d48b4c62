"""What a Redis has in the end: each hash read whole, and unpacked as the store's own scripts do."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from redis import Redis

from antiphon.domain.messages import Message
from antiphon.service import LOCAL_PRINCIPAL
from antiphon.stores.base import Store
from antiphon.stores.frames import Frame
from antiphon.stores.redis.entries import entry_of
from antiphon.stores.redis.keys import one_of, only
from antiphon.stores.redis.store import RedisStore
from tests.faults.history import Attempt, Stored, attempts_of

PAGE = 1000


async def in_redis(url: str, conversation_ids: Iterable[str]) -> dict[str, Stored]:
    store = RedisStore(url)
    await store.open()
    try:
        with Redis.from_url(url) as client:
            return {each: await _stored(client, store, each) for each in conversation_ids}
    finally:
        await store.close()


async def all_frames(store: Store, conversation_id: str) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    while page := await store.read(conversation_id, frames[-1].seq if frames else 0, PAGE):
        frames.extend(page)
    return tuple(frames)


async def _stored(client: Redis, store: RedisStore, conversation_id: str) -> Stored:
    def table(kind: str, prefix: str = "") -> Mapping[str, bytes]:
        rows: Any = client.hgetall(one_of(kind, LOCAL_PRINCIPAL, conversation_id))
        named = {name.decode(): value for name, value in rows.items()}
        return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}

    messages = [_message(row) for row in table("messages", "message:").values()]
    return Stored(
        header=await store.get(LOCAL_PRINCIPAL, conversation_id),
        frames=await all_frames(store, conversation_id),
        messages={message.id: message for message in messages},
        turns={id_: msgspec.msgpack.decode(row)[0] for id_, row in table("turns", "turn:").items()},
        attempts=_attempts(client, conversation_id),
        keys={key: msgspec.msgpack.decode(row)[1] for key, row in table("keys").items()},
    )


def _message(row: bytes) -> Message:
    """Its seq, a space, and its JSON."""
    return msgspec.json.decode(row.split(b" ", 1)[1], type=Message)


def _attempts(client: Redis, conversation_id: str) -> tuple[Attempt, ...]:
    rows: Any = client.hgetall(only("entries", LOCAL_PRINCIPAL))
    entries = [entry_of(LOCAL_PRINCIPAL, place.decode(), row) for place, row in rows.items()]
    return attempts_of(entry.change for entry in entries if entry.conversation_id == conversation_id)
