"""What happens to the replicas while clients are at work. Seeded: the same seed, the same choices."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Protocol

from antiphon.clock import SystemClock, milliseconds
from antiphon.simulator.script import Outcome
from tests.faults.checker import faults
from tests.faults.disks import Disk
from tests.faults.evidence import leases_lost
from tests.faults.figures import figures_of
from tests.faults.history import Disturbance, Evidence
from tests.faults.replicas import Pair, Replica
from tests.faults.traffic import Plan, Traffic, traffic

CLOCK = SystemClock()
MORE_S = 0.2
"""Until one more client asks while a disk is full."""

LONGEST_PAUSE_S = 0.8
"""Before a kill. An answer takes about half a second, so kills find it anywhere."""
LONGEST_SENTENCE = 500
"""Of a fault that quotes whole tables."""
BOTH = 0.2
"""How often all replicas die at once."""

Scenario = Callable[[Traffic], Awaitable[None]]


async def run(
    pair: Pair,
    plan: Plan,
    scenario: Scenario,
    *,
    endings: frozenset[str] = frozenset({"completed"}),
    upstream_faults: int = 0,
    script: Sequence[Outcome] = (),
    tool_runs: Path | None = None,
) -> Evidence:
    """Run a scenario under traffic and let the checker decide. Tools note their runs in `tool_runs`."""
    pair.claude.forget()
    pair.claude.script(*script)
    logged = {replica.log: replica.logged() for replica in pair.replicas}
    async with traffic(pair.replicas, plan) as clients:
        if plan.senders:
            await clients.answered(1)
        await scenario(clients)
    evidence = Evidence(
        history=clients.history(),
        stored=await pair.read(clients.conversations),
        requests=tuple(each for each in pair.claude.requests if each.path == "/v1/messages"),
        endings=endings,
        upstream_faults=upstream_faults,
        leases_lost=leases_lost(lines := _lines(logged)),
        lease_s=pair.lease_s,
        tool_runs=_runs(tool_runs) if tool_runs else (),
    )
    wrong = faults(evidence)
    found = [f"{fault.rule}: {fault.what}"[:LONGEST_SENTENCE] for fault in wrong]
    assert not wrong, "\n".join([*found, *map(str, evidence.history.disturbances), *map(bytes.decode, lines)])
    pair.figures.append(figures_of(evidence))
    return evidence


async def kill_some(
    clients: Traffic,
    replicas: Sequence[Replica],
    kills: int,
    seed: int,
    *,
    answers: int = 0,
    both: float = BOTH,
) -> None:
    """`kill -9` at random points, each followed by a new process, and by so many answers."""
    random, done = Random(f"{seed} kills"), 0
    while done < kills:
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))
        dying = list(replicas) if random.random() < both else [random.choice(replicas)]
        kind = "kill" if len(dying) == 1 else "kill of all"
        begun = milliseconds(CLOCK)
        for replica in dying:
            replica.kill()
        clients.disturbances.append(Disturbance(kind=kind, begun=begun, over=milliseconds(CLOCK)))
        done += len(dying)
        await asyncio.gather(*(asyncio.to_thread(replica.start) for replica in dying))
        if answers:
            await clients.answered(answers)
    await clients.answered(1)


async def stop_some(clients: Traffic, replicas: Sequence[Replica], stops: int, seed: int) -> None:
    """SIGSTOP for longer than the lease, then SIGCONT: the replica goes on as if nothing had happened."""
    random = Random(f"{seed} stops")
    for _ in range(stops):
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))
        replica = random.choice(replicas)
        begun = milliseconds(CLOCK)
        replica.stop()
        await asyncio.sleep(random.uniform(1.5, 2.5))
        replica.go_on()
        clients.disturbances.append(Disturbance(kind="stop", begun=begun, over=milliseconds(CLOCK)))
        await clients.answered(1)


def _lines(logged: Mapping[Path, int]) -> list[bytes]:
    """What was written into these files beyond so many bytes."""
    return [line for log, known in logged.items() for line in log.read_bytes()[known:].splitlines()]


def _runs(file: Path) -> tuple[tuple[str, str], ...]:
    read = (line.partition(" ") for line in file.read_text().splitlines())
    return tuple((effect, mark) for effect, _, mark in read)


class Mortal(Protocol):
    """A database server with all its processes."""

    def kill(self) -> None: ...

    def start(self) -> None:
        """Start again on the same data; returns when it answers."""
        ...


async def kill_database(clients: Traffic, server: Mortal, kills: int, seed: int) -> None:
    """`kill -9` of the database with all its processes. It stays away until clients were told so."""
    random = Random(f"{seed} kills of the database")
    for _ in range(kills):
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))
        begun = milliseconds(CLOCK)
        server.kill()
        await clients.refused(2)
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))
        await asyncio.to_thread(server.start)
        clients.disturbances.append(Disturbance(kind="database", begun=begun, over=milliseconds(CLOCK)))
        await clients.answered(2)


async def fill_disk(clients: Traffic, disk: Disk, times: int) -> None:
    """Nothing more fits on it, until clients were told so; then there is room again.

    More clients ask meanwhile: the others may all be waiting for answers that cannot be written, and what a
    file has room for is still accepted.
    """
    for number in range(times):
        begun = milliseconds(CLOCK)
        await asyncio.to_thread(disk.fill)
        refused, asking = asyncio.create_task(clients.refused(3)), list[asyncio.Task[str]]()
        while not refused.done():
            asking.append(asyncio.create_task(clients.say(f"meanwhile.{number}.{len(asking)}")))
            await asyncio.wait([refused], timeout=MORE_S)
        disk.free()
        await refused
        for asked in asking:  # none waits any more when the disk is full again
            await clients.end_of(await asked)
        clients.disturbances.append(Disturbance(kind="full disk", begun=begun, over=milliseconds(CLOCK)))
        await clients.answered(2)
