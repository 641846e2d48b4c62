"""Whoever races for a budget, however it fails: never more is spent than it allows, and hardly less."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest

from antiphon.domain.ids import new_id
from antiphon.settings import Settings
from antiphon.simulator.server import Simulator
from antiphon.stores.memory import MemoryStore
from tests.faults.evidence_memory import in_memory
from tests.faults.replicas import STALL_S, Pair, Replica, running_pair
from tests.faults.spending import MAX_TOKENS, MODEL, NONE, SOME, Race, Size, Spent, environment, spend
from tests.server.serving import serving
from tests.stores.postgres.conftest import run_sql
from tests.stores.postgres.server import Server
from tests.stores.redis.servers import RunningServer

DOLLAR = 1_000_000_000
SMALL = Size(clients=12, requests=48)
LARGE = Size(clients=50, requests=1000)
USED = 0.9
MANY_BILLED = 0.8
"""Where one of seven answers breaks or is stopped: each is less on the bill than what was held for it."""
FEW_BILLED = 0.5
"""Of a short run, in which such an answer is a twentieth of the budget, and of one with replicas killed."""
LONG_S = 900
LEASE_S = 60.0
"""Nobody's lease may lapse who lives, however busy the machine: each loses what was held for an attempt."""
KILLED_LEASE_S = 5.0
"""Where replicas are killed somebody has to take over in time."""
LONG_STALL_S = 10.0
"""Where fifty answer at once on a busy machine, two seconds of silence are no stall."""
ANSWERS_BETWEEN_KILLS = 10
KILLS = 2
"""At least so many, while the money lasts: each costs what was held for the answers that it hits."""
QUICK_S, SLOW_S = 0.02, 0.4
"""Between two of the eight pieces of an answer."""


def check(spent: Spent, budget: str, *, billed: float) -> None:
    """`billed`: the least that is on Claude's own bill, whose broken answers cost less than was held.

    Whatever is not on that bill was charged for attempts whose usage never came, at what was held for them.
    """
    most = int(float(budget) * DOLLAR)
    print(f"\n{budget} USD: {spent}")  # noqa: T201 - the figures of a long run, shown with -s
    assert spent.still_open == 0
    assert spent.bill <= spent.ledger <= most
    assert spent.ledger - spent.bill <= spent.at_bound
    assert spent.ledger >= USED * most
    assert spent.bill >= billed * most
    assert spent.refused > 0


@pytest.fixture
async def own_database(postgres: Server) -> str:
    """What others spend on the same server is not of this budget."""
    name = f"budget_{new_id().replace('-', '')}"
    await run_sql(postgres.url(), f"CREATE DATABASE {name}")
    return postgres.url(name)


def of_its_own(redis: RunningServer) -> str:
    """A database of this server in which nobody else spends; emptied, because a test may run again."""
    with redis.client() as client:
        client.select(1)
        client.flushdb()
    return f"{redis.url}/1"


@contextmanager
def one_process(claude: Simulator, budget: str, folder: Path) -> Generator[Pair]:
    """On a store in memory there can be no second one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_BASE_URL", claude.url)
        patch.setenv("ANTHROPIC_API_KEY", "key-of-a-test")
        settings = Settings.model_validate(
            {
                "store": "memory://",
                "budget_usd": budget,
                "model": MODEL,
                "max_tokens": MAX_TOKENS,
                "stall_s": STALL_S,
            }
        )
        store = MemoryStore()
        with serving(settings, store=store) as served:
            only = Replica("only", {}, folder / "log", url=served.url)
            yield Pair(settings.store, claude, (only,), settings.lease_s, partial(in_memory, store))


async def test_in_memory(claude: Simulator, tmp_path: Path) -> None:
    with one_process(claude, "0.1", tmp_path) as pair:
        check(await spend(pair, SMALL, seed=1), "0.1", billed=FEW_BILLED)


async def test_by_two_replicas_on_one_sqlite_file(claude: Simulator, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'antiphon.db'}"
    with running_pair(store, claude, tmp_path, lease_s=LEASE_S, more=environment("0.1")) as pair:
        check(await spend(pair, SMALL, seed=2), "0.1", billed=FEW_BILLED)


async def test_by_two_replicas_on_postgres(claude: Simulator, own_database: str, tmp_path: Path) -> None:
    with running_pair(own_database, claude, tmp_path, lease_s=LEASE_S, more=environment("0.1")) as pair:
        check(await spend(pair, SMALL, seed=3), "0.1", billed=FEW_BILLED)


async def test_by_two_replicas_on_redis(claude: Simulator, redis: RunningServer, tmp_path: Path) -> None:
    with running_pair(of_its_own(redis), claude, tmp_path, lease_s=LEASE_S, more=environment("0.1")) as pair:
        check(await spend(pair, SMALL, seed=4), "0.1", billed=FEW_BILLED)


async def kill_now_and_then(pair: Pair, race: Race) -> None:
    """One replica after so many answers, until nobody asks any more."""
    random, after = Random(f"{race.seed} kills"), ANSWERS_BETWEEN_KILLS
    while True:
        await race.until_settled(after)
        replica = random.choice(pair.replicas)
        replica.kill()
        await asyncio.to_thread(replica.start)
        race.kills += 1
        after = race.settled + ANSWERS_BETWEEN_KILLS


WAYS = {
    "nothing fails": (NONE, USED),
    "faults": (SOME, MANY_BILLED),
    "faults and kills": (SOME, FEW_BILLED),
}
"""What happens in a long run, and the least that is on Claude's own bill of it."""


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("how", ["nothing fails", "faults"])
async def test_a_thousand_requests_for_a_dollar_in_memory(
    claude: Simulator, tmp_path: Path, how: str
) -> None:
    with one_process(claude, "1", tmp_path) as pair:
        trouble, billed = WAYS[how]
        check(await spend(pair, LARGE, seed=11, trouble=trouble), "1", billed=billed)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("how", WAYS)
async def test_a_thousand_requests_for_a_dollar_on_sqlite(
    claude: Simulator, tmp_path: Path, how: str
) -> None:
    store = f"sqlite:///{tmp_path / 'antiphon.db'}"
    await large(store, claude, tmp_path, how=how, seed=12)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("how", WAYS)
async def test_a_thousand_requests_for_a_dollar_on_postgres(
    claude: Simulator, own_database: str, tmp_path: Path, how: str
) -> None:
    await large(own_database, claude, tmp_path, how=how, seed=13)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("how", WAYS)
async def test_a_thousand_requests_for_a_dollar_on_redis(
    claude: Simulator, redis: RunningServer, tmp_path: Path, how: str
) -> None:
    await large(of_its_own(redis), claude, tmp_path, how=how, seed=14)


async def large(store: str, claude: Simulator, folder: Path, *, how: str, seed: int) -> None:
    kills, (trouble, billed) = how == "faults and kills", WAYS[how]
    lease_s = KILLED_LEASE_S if kills else LEASE_S
    more = {**environment("1"), "ANTIPHON_STALL_S": str(LONG_STALL_S)}
    with running_pair(store, claude, folder, lease_s=lease_s, more=more) as pair:
        spent = await spend(
            pair,
            LARGE,
            seed=seed,
            trouble=trouble,
            pace=SLOW_S if kills else QUICK_S,
            meanwhile=partial(kill_now_and_then, pair) if kills else None,
        )
        assert (spent.kills >= KILLS) == kills
        check(spent, "1", billed=billed)
