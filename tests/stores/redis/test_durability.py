"""What was acknowledged is there after a crash."""

from pathlib import Path

import pytest

from antiphon.stores.base import Lease
from antiphon.stores.frames import Frame
from antiphon.testing.stores import ME, a_conversation, a_turn, block_end, lease_of, start, the_end
from tests.stores.redis.conftest import opened
from tests.stores.redis.servers import KEEPING, SYNCED, Kind, running


@pytest.mark.parametrize("kind", ["valkey", "redis"])
async def test_what_was_acknowledged_survives_a_kill(kind: Kind, tmp_path: Path) -> None:
    with running(kind, tmp_path, *KEEPING, *SYNCED) as server:
        async with opened(server.url) as store:
            header = await a_conversation(store, name="support")
            acceptance = a_turn(header.id, "Remember me.", key="k")
            accepted = await store.accept(acceptance)
            lease = lease_of(accepted)
            message = await start(store, acceptance, lease)
            await store.accept(a_turn(header.id, "And me."))
            await store.flush([(lease, [block_end({"type": "text", "text": "Yes."})])])
            before = await store.get(ME, header.id)
            frames = await store.read(header.id, 0)
        server.kill()
        server.start()
        async with opened(server.url) as store:
            assert await store.find(ME, "support") == before
            assert await store.read(header.id, 0) == frames
            assert [placed.message for placed in await store.path(header.id, before.head)] == [message]
            again = await store.accept(a_turn(header.id, "Remember me.", key="k"))
            assert (again.turn_id, again.seq) == (accepted.turn_id, accepted.seq)
            ended = await store.end(lease, the_end(lease.turn_id, message.id), 30)
            assert isinstance(ended.next, Lease)


async def test_commits_until_the_kill_are_kept_without_a_hole(tmp_path: Path) -> None:
    """The server dies in the midst of flushes; every one that returned is in the log, byte for byte."""
    with running("valkey", tmp_path, *KEEPING, *SYNCED) as server:
        async with opened(server.url) as store:
            header = await a_conversation(store)
            acceptance = a_turn(header.id)
            lease = lease_of(await store.accept(acceptance))
            acknowledged: list[Frame] = []
            for number in range(100):
                (frames,) = await store.flush([(lease, [block_end({"type": "text", "text": f"{number}"})])])
                assert frames is not None
                acknowledged += frames
            server.kill()
        server.start()
        async with opened(server.url) as store:
            assert (await store.read(header.id, 3))[:100] == acknowledged
