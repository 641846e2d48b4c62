"""What a store in this process has in the end."""

from collections.abc import Iterable

from antiphon.service import LOCAL_PRINCIPAL
from antiphon.stores.memory import MemoryStore
from tests.faults.evidence_redis import all_frames
from tests.faults.history import Stored, attempts_of


async def in_memory(store: MemoryStore, conversation_ids: Iterable[str]) -> dict[str, Stored]:
    return {each: await _stored(store, each) for each in conversation_ids}


async def _stored(store: MemoryStore, conversation_id: str) -> Stored:
    kept = store._conversations[conversation_id]
    return Stored(
        header=await store.get(LOCAL_PRINCIPAL, conversation_id),
        frames=await all_frames(store, conversation_id),
        messages={id_: placed.message for id_, placed in kept.messages.items()},
        turns={id_: turn.status for id_, turn in kept.turns.items()},
        attempts=attempts_of(
            entry.change for (whose, _), entry in store._books.entries.items() if whose == conversation_id
        ),
        keys={key: known.turn_id for key, known in kept.keys.items()},
    )
