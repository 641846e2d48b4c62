"""From `POST cancel` until a reader at another process sees the turn's end."""

import time
from collections.abc import Iterator

import uvloop

from bench.clients import call, new_conversation, turn_request
from bench.followers import following
from bench.load import Load
from bench.processes import Measured
from bench.raw_http import request
from bench.report import Limit, Table, milliseconds, quantile
from bench.servers import two_replicas
from bench.stores import SHARED, store

LOAD = Load(3000, 20)
TIMES = 25
AT_MOST_MS = 200.0
WAYS = (
    "asked where it runs, seen elsewhere",
    "asked elsewhere, seen where it runs",
    "asked and seen elsewhere",
)


def run() -> Iterator[Table]:
    rows, limits = [], []
    for name in SHARED:
        with store(name) as address, two_replicas(address) as (runs, other):
            found = uvloop.run(_measure(runs, other))
        for way, times in found.items():
            p50, p95 = quantile(times, 0.5), quantile(times, 0.95)
            rows.append((f"{name}: {way}", milliseconds(p50), milliseconds(p95)))
        worst = max(quantile(times, 0.95) for times in found.values())
        limits.append(Limit(f"{name}, p95", worst * 1e3, AT_MOST_MS, "ms"))
    yield Table(
        title=f"From POST cancel to turn_end, {TIMES} times, two processes on one store",
        columns=("", "p50", "p95"),
        rows=rows,
        limits=limits,
    )


async def _measure(runs: Measured, other: Measured) -> dict[str, list[float]]:
    places = dict(zip(WAYS, ((runs, other), (other, runs), (other, other)), strict=True))
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(TIMES + 1):
        for way, (asked, seen) in places.items():
            took = await _stop(runs, asked, seen)
            if number:  # the first warms up
                found[way].append(took)
    return found


async def _stop(runs: Measured, asked: Measured, seen: Measured) -> float:
    conversation_id = await new_conversation(runs.port)
    async with following(seen.port, conversation_id) as reader:
        accepted = await call(runs.port, turn_request(conversation_id, LOAD, stream=False))
        await reader.first("block_delta")
        begun = time.monotonic()
        await call(asked.port, request("POST", f"/v1/turns/{accepted['turn_id']}/cancel"))
        return await reader.first("turn_end") - begun
