"""A process that accepts messages until it is killed, and prints a line for each once the store has it."""

import asyncio
import json
import sys
from pathlib import Path

from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import a_conversation, a_turn


async def main(path: Path) -> None:
    store = SqlStore(SqliteDatabase(path))
    await store.open()
    header = await a_conversation(store)
    for number in range(100_000):
        said = f"message {number}"
        accepted = await store.accept(a_turn(header.id, said, queue_max=1_000_000))
        sys.stdout.write(json.dumps([header.id, accepted.turn_id, said]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
