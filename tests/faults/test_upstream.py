"""Claude hangs, cuts and fails in the middle, while readers come and go: every turn ends as it should."""

from collections.abc import Sequence
from random import Random

import pytest

from antiphon.simulator.script import (
    AnyFault,
    Drop,
    Fail,
    HangUp,
    Outcome,
    Reply,
    Reset,
    Stall,
    StreamError,
    Truncate,
)
from tests.faults.replicas import Pair
from tests.faults.scenarios import run
from tests.faults.traffic import Plan, Traffic

OUTCOMES = 12
MANY_OUTCOMES = 600
HEALTHY = 0.5
LONG_S = 900
ATTEMPTS_MAX = 3
"""What Claude fails may be asked again so often."""


def mishaps(count: int, seed: int, healthy: float = 0.0) -> list[Outcome]:
    """So many requests of which a part is `healthy`: what fails all the time is left alone instead."""
    random = Random(f"{seed} mishaps")

    def fault() -> AnyFault:
        kind = random.choice((StreamError, HangUp, Reset, Truncate, Stall))
        return kind(after=random.randrange(6))

    def outcome() -> Outcome:
        if random.random() < healthy:
            return Reply(pace=0.03)
        whole: tuple[Outcome, ...] = (Drop(), Drop(reset=True), Fail(status=529), Fail(status=500))
        return Reply(pace=0.03, fault=fault()) if random.random() < 0.7 else random.choice(whole)

    return [outcome() for _ in range(count)]


async def survive(pair: Pair, outcomes: Sequence[Outcome], seed: int) -> None:
    async def scenario(clients: Traffic) -> None:
        pair.claude.script(*outcomes)
        while pair.claude.unused:
            await clients.answered(1)
        await clients.answered(2)

    evidence = await run(
        pair,
        Plan(seed=seed, leave=0.3),
        scenario,
        endings=frozenset({"completed", "failed", "interrupted"}),
        upstream_faults=ATTEMPTS_MAX - 1,
    )
    ended = {status for stored in evidence.stored.values() for status in stored.turns.values()}
    assert ended == {"completed", "failed", "interrupted"}


async def test_an_upstream_that_hangs_cuts_and_fails(on_sqlite: Pair) -> None:
    await survive(on_sqlite, mishaps(OUTCOMES, seed=8), seed=8)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_an_upstream_that_fails_for_long(on_sqlite: Pair) -> None:
    await survive(on_sqlite, mishaps(MANY_OUTCOMES, seed=800, healthy=HEALTHY), seed=800)
