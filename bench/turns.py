"""Short answers to many clients: turns per second, and CPU per turn, by store."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.clients import chat_request, read_all
from bench.load import Load
from bench.processes import Measured
from bench.report import Table, milliseconds, quantile
from bench.servers import antiphon, bare_app, canned_upstream
from bench.stores import SHARED, store

CLIENTS = 16
LOAD = Load(20)
WARM_UP_S, MEASURED_S = 1.0, 5.0
IN_ONE_CONVERSATION = 10
BARE = "FastAPI and the SDK, which stores nothing"


@dataclass(slots=True)
class Found:
    cpu_s: float = 0.0
    wall_s: float = 0.0
    times: list[float] = field(default_factory=list)


def run() -> Iterator[Table]:
    found = {}
    with canned_upstream() as upstream:
        for name in ("memory", *SHARED):
            with store(name) as address, antiphon(upstream, address) as server:
                found[f"Antiphon, {name}"] = asyncio.run(_measure(server))
        with bare_app(upstream) as server:
            found[BARE] = asyncio.run(_measure(server))
    yield Table(
        title=f"{CLIENTS} clients, each with one answer of {LOAD.deltas} deltas after the other",
        columns=("", "turns per second", "of the bare app's", "server CPU per turn", "p50", "p95"),
        rows=[_row(name, one, found[BARE]) for name, one in found.items()],
        notes=("The CPU of PostgreSQL and Valkey themselves is not counted.",),
    )


def _row(name: str, one: Found, bare: Found) -> tuple[str, ...]:
    per_second = len(one.times) / one.wall_s
    return (
        name,
        f"{per_second:.0f}",
        f"{per_second / (len(bare.times) / bare.wall_s):.2f} ×",
        milliseconds(one.cpu_s / len(one.times)),
        milliseconds(quantile(one.times, 0.5)),
        milliseconds(quantile(one.times, 0.95)),
    )


async def _measure(server: Measured) -> Found:
    await _clients(server, "warm", WARM_UP_S)
    begun, cpu = time.monotonic(), server.cpu_s()
    times = await _clients(server, "go", MEASURED_S)
    return Found(server.cpu_s() - cpu, time.monotonic() - begun, times)


async def _clients(server: Measured, label: str, seconds: float) -> list[float]:
    until = time.monotonic() + seconds
    each = await asyncio.gather(*(_client(server.port, f"{label}-{n}", until) for n in range(CLIENTS)))
    return [took for times in each for took in times]


async def _client(port: int, name: str, until: float) -> list[float]:
    """Seconds of each turn; a new conversation after some, so that none grows long."""
    times: list[float] = []
    while (begun := time.monotonic()) < until:
        session = f"{name}-{len(times) // IN_ONE_CONVERSATION}"
        await read_all(port, [chat_request(session, LOAD)], LOAD)
        times.append(time.monotonic() - begun)
    return times
