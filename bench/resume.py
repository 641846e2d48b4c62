"""A reader who comes back with a cursor, and a second reader at another process than the writer's."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import uvloop

from bench.clients import call, new_conversation, turn_request
from bench.followers import Follower, following
from bench.load import Load
from bench.processes import Measured
from bench.report import Limit, Table, milliseconds, quantile
from bench.servers import two_replicas
from bench.stores import SHARED, store

ANSWERS = 8
LOAD = Load(300, 20)
BACK = 20
"""How many events a reader who comes back has missed."""
RETURNS = 60
AT_MOST_MS = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds: from the request to the first missed event, and from one reader to the other."""

    here: list[float] = field(default_factory=list)
    elsewhere: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)


def run() -> Iterator[Table]:
    found = {}
    for name in SHARED:
        with store(name) as address, two_replicas(address) as (writer, other):
            found[name] = uvloop.run(_measure(writer, other))
    rows = []
    for name, one in found.items():
        for what, times in (
            ("back at the writer's process", one.here),
            ("back at another process", one.elsewhere),
            ("second reader, another process, behind the first", one.lags),
        ):
            figures = (milliseconds(quantile(times, 0.5)), milliseconds(quantile(times, 0.95)))
            rows.append((f"{name}: {what}", *figures))
    yield Table(
        title=f"Coming back {BACK} events late, and reading along, {ANSWERS} answers at {LOAD.pace_ms} ms",
        columns=("", "p50", "p95"),
        rows=rows,
        limits=[
            Limit(f"{name}, second reader, p95", quantile(one.lags, 0.95) * 1e3, AT_MOST_MS, "ms")
            for name, one in found.items()
        ],
    )


async def _measure(writer: Measured, other: Measured) -> Found:
    found = Found()
    async with AsyncExitStack() as stack:
        conversations = [await new_conversation(writer.port) for _ in range(ANSWERS)]
        pairs = [
            [await stack.enter_async_context(following(at.port, each)) for at in (writer, other)]
            for each in conversations
        ]
        for each in conversations:
            await call(writer.port, turn_request(each, LOAD, stream=False))
        await asyncio.gather(*(pair[1].first("block_delta") for pair in pairs))
        for number in range(RETURNS):
            at, times = ((writer, found.here), (other, found.elsewhere))[number % 2]
            index = number % ANSWERS
            times.append(await _come_back(at, conversations[index], pairs[index][0]))
            await asyncio.sleep(0.04)
        await asyncio.gather(*(reader.first("turn_end") for pair in pairs for reader in pair))
        for first, second in pairs:
            found.lags.extend(_lags(first, second))
    return found


async def _come_back(at: Measured, conversation_id: str, reader: Follower) -> float:
    cursor = max(0, max(reader.seen) - BACK)
    async with following(at.port, conversation_id, cursor) as back:
        came = await back.first("", cursor)
        if min(back.seen) != cursor + 1:
            raise ValueError(f"event {cursor + 1} was left out")
        return came - back.asked_at


def _lags(first: Follower, second: Follower) -> list[float]:
    """For each delta, how much later the second reader had it. Raises ValueError: it never had it."""
    if first.kinds != second.kinds:
        raise ValueError("two readers did not see the same events")
    return [second.seen[seq] - at for seq, at in first.seen.items() if first.kinds[seq] == b"block_delta"]
