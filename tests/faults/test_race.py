"""A hundred messages sent at once to one conversation: none interleaved, none lost, none paid and dropped."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from antiphon.settings import Settings
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.memory import MemoryStore
from tests.faults.evidence_memory import in_memory
from tests.faults.replicas import Pair, Replica
from tests.faults.scenarios import run
from tests.faults.traffic import Plan, Traffic
from tests.server.serving import serving

SENDS = 100


@pytest.fixture
def in_one_process(claude: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """A server whose store is its own memory: there can be no second one."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", claude.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-a-test")
    store, log = MemoryStore(), tmp_path / "log"
    log.touch()
    settings = Settings(store="memory://")
    with serving(settings, store=store) as served:
        only = Replica("only", {}, log, url=served.url)
        yield Pair(settings.store, claude, (only,), settings.lease_s, partial(in_memory, store))


async def race(pair: Pair, seed: int) -> None:
    """The checker finds what is interleaved, lost or dropped; here remains that nothing was asked twice."""

    async def scenario(clients: Traffic) -> None:
        pair.claude.script(*[Reply()] * SENDS)
        sent = [clients.say(f"{seed}.{number}") for number in range(SENDS)]
        turns = await asyncio.gather(*sent)
        await asyncio.gather(*map(clients.end_of, turns))

    plan = Plan(seed=seed, conversations=1, senders=0, readers=2)
    evidence = await run(pair, plan, scenario)
    (stored,) = evidence.stored.values()
    assert len(stored.turns) == len(evidence.requests) == SENDS
    assert not evidence.history.refusals


async def test_in_memory(in_one_process: Pair) -> None:
    await race(in_one_process, seed=12)


async def test_by_two_replicas_on_one_sqlite_file(on_sqlite: Pair) -> None:
    await race(on_sqlite, seed=13)


async def test_by_two_replicas_on_postgres(on_postgres: Pair) -> None:
    await race(on_postgres, seed=14)


async def test_by_two_replicas_on_redis(on_redis: Pair) -> None:
    await race(on_redis, seed=15)
