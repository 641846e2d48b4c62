"""What one replica commits, the others hear of; and hearing is never in the way of committing."""

import asyncio

from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.stores.base import Change, Hint, Lease
from antiphon.stores.sql.postgres_hints import ANYTHING, MAX_BYTES, hints_of, payload_of
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores import a_conversation, a_turn, lease_of
from tests.stores.postgres.conftest import run_sql
from tests.stores.postgres.hearing import heard, listening

RUNNING = (
    "INSERT INTO conversations (id, principal, created_at, updated_at, last_seq, title, system, model,"
    " options, tools, settings_seq, running, lease_owner, lease_until, counter)"
    " SELECT gen_random_uuid(), 'me', 1, 1, 1, '', '', 'm', '{}', '[]', 0, 'turn', 'replica-1', 1e10, 1"
    " FROM generate_series(1, 400) RETURNING id"
)
LISTENERS = "FROM pg_stat_activity WHERE query ILIKE 'LISTEN%' AND datname = current_database()"


async def test_another_replica_hears_of_each_kind_of_commit_within_a_second(
    store: SqlStore, other: SqlStore
) -> None:
    header = await a_conversation(store)
    async with listening(other) as hints:
        accepted = await store.accept(a_turn(header.id))
        await heard(hints, Hint(header.id, accepted.seq), within_s=1)
        delta = e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": "hi"})
        (frames,) = await store.flush([(lease_of(accepted), [delta])])
        assert frames is not None
        await heard(hints, Hint(header.id, frames[-1].seq), within_s=1)
        (frame,) = await store.append(header.id, Change(events=[e.TitleChange(at=3, title="T")]))
        await heard(hints, Hint(header.id, frame.seq), within_s=1)


async def test_a_commit_of_more_conversations_than_a_notification_holds_is_committed_all_the_same(
    store: SqlStore, other: SqlStore, url: str
) -> None:
    leases = [Lease(row["id"], "turn", 1, "replica-1") for row in await run_sql(url, RUNNING)]
    delta = e.BlockDelta(step=0, index=0, delta={"type": "text_delta", "text": "hi"})
    async with listening(other) as hints:
        for count in (190, 206, 400):  # conversations for less than 8,000 bytes, for just more, for far more
            flushed = await store.flush([(lease, [delta]) for lease in leases[:count]])
            assert None not in flushed
            last = await other.last_seqs([lease.conversation_id for lease in leases[:count]])
            seqs = [frames[-1].seq for frames in flushed if frames]
            assert [last[lease.conversation_id] for lease in leases[:count]] == seqs
        await heard(hints, Hint(leases[0].conversation_id, 2), within_s=1)
        await heard(hints, None, within_s=1)


async def test_who_listens_is_told_to_look_again_after_the_session_was_lost(
    store: SqlStore, other: SqlStore, url: str
) -> None:
    header = await a_conversation(store)
    async with listening(other) as hints:
        await run_sql(url, f"SELECT pg_terminate_backend(pid) {LISTENERS}")
        await heard(hints, None, within_s=5)
        (frame,) = await store.append(header.id, Change(events=[e.TitleChange(at=3, title="T")]))
        await heard(hints, Hint(header.id, frame.seq), within_s=1)


async def test_a_notification_that_is_not_ours_means_that_anything_may_have_happened(
    store: SqlStore, url: str
) -> None:
    async with listening(store) as hints:
        await run_sql(url, "SELECT pg_notify('antiphon', 'hello there')")
        await heard(hints, None, within_s=1)


async def test_who_stops_listening_leaves_no_session_behind(store: SqlStore, url: str) -> None:
    async with listening(store):
        assert len(await run_sql(url, f"SELECT 1 {LISTENERS}")) == 1
    async with asyncio.timeout(5):
        while await run_sql(url, f"SELECT 1 {LISTENERS}"):
            pass


def test_a_payload_is_short_and_says_what_it_was_made_of() -> None:
    seqs = {new_id(): 10**9 + number for number in range(160)}
    payload = payload_of(seqs)
    assert len(payload.encode()) <= MAX_BYTES
    assert hints_of(payload) == [Hint(*seq) for seq in seqs.items()]
    assert payload_of({new_id(): 1 for _ in range(210)}) == ANYTHING
    assert hints_of(ANYTHING) == [None]


def test_of_numbers_that_no_log_has_anything_may_have_happened() -> None:
    here = new_id()
    for seq in ("", "-1", "1.5", "\u0661", "1" * 17, "9" * 5000):
        assert hints_of(f"{here}:{seq}") == hints_of(f"{here}:{seq} {here}:2") == [None]
    assert hints_of(f"{here}:{'9' * 16}") == [Hint(here, 10**16 - 1)]
