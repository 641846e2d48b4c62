"""Answers with tools that are killed and cancelled: what may run once runs once, what was seen is kept."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from antiphon.simulator.script import Outcome, Reply
from antiphon.simulator.server import Simulator
from tests.faults.conftest import Told
from tests.faults.replicas import Pair, running_pair
from tests.faults.scenarios import kill_some, run
from tests.faults.tooled import EFFECTS, RUNS
from tests.faults.traffic import Plan, Traffic

KILLS = 2
MANY_KILLS = 50
LONG_S = 900
OUTCOMES = 4000


@pytest.fixture
def with_tools(claude: Simulator, tmp_path: Path, told: Told) -> Iterator[Pair]:
    """Two replicas that have tools, on one file."""
    store = f"sqlite:///{tmp_path / 'antiphon.db'}"
    runs = tmp_path / "runs"
    with (
        running_pair(
            store, claude, tmp_path, program="tests.faults.tooled", more={RUNS: str(runs)}
        ) as started,
        told(started) as pair,
    ):
        yield pair


def answers(count: int, seed: int) -> list[Outcome]:
    """Half of them ask for one tool or several, each use with a mark of its own."""
    random = Random(f"{seed} answers")

    def outcome(number: int) -> Outcome:
        if random.random() < 0.5:
            return Reply(pace=0.05)
        uses = [
            {
                "type": "tool_use",
                "name": random.choice(EFFECTS),
                "input": {"mark": f"{seed}.{number}.{index}"},
            }
            for index in range(random.choice((1, 1, 2, 3)))
        ]
        return Reply(content=tuple(uses), pace=0.02)

    return [outcome(number) for number in range(count)]


async def survive(pair: Pair, folder: Path, kills: int, seed: int) -> None:
    async def scenario(clients: Traffic) -> None:
        await kill_some(clients, pair.replicas, kills, seed, answers=2)

    evidence = await run(
        pair,
        Plan(seed=seed, tools=EFFECTS, cancel=0.3),
        scenario,
        script=answers(OUTCOMES, seed),
        endings=frozenset({"completed", "cancelled", "interrupted"}),
        tool_runs=folder / "runs",
    )
    assert {effect for effect, _ in evidence.tool_runs} == set(EFFECTS)
    ended = {status for stored in evidence.stored.values() for status in stored.turns.values()}
    assert {"completed", "cancelled"} <= ended


async def test_kills_and_cancels_while_tools_run(with_tools: Pair, tmp_path: Path) -> None:
    await survive(with_tools, tmp_path, KILLS, seed=16)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_many_kills_and_cancels_while_tools_run(with_tools: Pair, tmp_path: Path) -> None:
    await survive(with_tools, tmp_path, MANY_KILLS, seed=1600)
