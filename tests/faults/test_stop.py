"""A replica that stops for longer than its lease, and then goes on as if nothing had happened."""

import pytest

from antiphon.clock import milliseconds
from antiphon.simulator.script import Reply
from tests.faults.history import Disturbance
from tests.faults.replicas import Pair
from tests.faults.scenarios import CLOCK, run, stop_some
from tests.faults.traffic import Plan, Traffic

STOPS = 1
MANY_STOPS = 50
LONG_S = 900


async def survive(pair: Pair, stops: int, seed: int) -> None:
    await run(pair, Plan(seed=seed), lambda clients: stop_some(clients, pair.replicas, stops, seed))


async def test_stopped_replicas_on_one_sqlite_file(on_sqlite: Pair) -> None:
    """One that holds the file's lock as it stops keeps all writers waiting until it goes on."""
    await survive(on_sqlite, STOPS, seed=3)


async def test_stopped_replicas_on_postgres(on_postgres: Pair) -> None:
    await survive(on_postgres, STOPS, seed=4)


async def test_stopped_replicas_on_redis(on_redis: Pair) -> None:
    await survive(on_redis, STOPS, seed=10)


async def test_what_a_stopped_replica_writes_late_is_refused(on_postgres: Pair) -> None:
    """Its turn has ended elsewhere; it hangs up on Claude, and the log stays as it is."""
    one, claude = on_postgres.replicas[0], on_postgres.claude

    async def scenario(clients: Traffic) -> None:
        claude.script(Reply(deltas=300, delta_chars=8, pace=0.1))
        turn_id = await clients.say("late", at=one)
        await clients.events_seen("block_delta", 3)
        begun = milliseconds(CLOCK)
        one.stop()
        await clients.end_of(turn_id)
        one.go_on()
        clients.disturbances.append(Disturbance(kind="stop", begun=begun, over=milliseconds(CLOCK)))
        await claude.until(lambda seen: seen[0].client_left, within=10)

    evidence = await run(on_postgres, Plan(seed=5, conversations=1, senders=0), scenario)
    (stored,) = evidence.stored.values()
    assert [attempt.status for attempt in stored.attempts] == ["upstream-failed", "end_turn"]


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_many_stops_on_one_sqlite_file(on_sqlite: Pair) -> None:
    await survive(on_sqlite, MANY_STOPS, seed=400)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_many_stops_on_postgres(on_postgres: Pair) -> None:
    await survive(on_postgres, MANY_STOPS, seed=500)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_many_stops_on_valkey(on_valkey: Pair) -> None:
    await survive(on_valkey, MANY_STOPS, seed=510)
