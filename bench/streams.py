"""A thousand answers at once, ten deltas a second each, by a server on one core."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import uvloop

from bench.clients import chat_request
from bench.load import Load
from bench.paced_readers import PacedReader, connect
from bench.processes import Measured, away_from_core, can_pin
from bench.report import Limit, Table, kibibytes, microseconds, milliseconds, quantile
from bench.servers import antiphon, canned_upstream
from bench.stores import store

STREAMS = 1000
LOAD = Load(250, 100)
RAMP_S = 12.0
"""Over which the streams begin, one after another."""
STEADY_S = 10.0
"""With all of them running."""
GAP_MS, MEMORY_KIB = 250.0, 80.0


@dataclass(frozen=True, slots=True)
class Found:
    lost: int
    gaps: list[float]
    ramp_gaps: list[float]
    rss_each: float
    pss_each: float
    core_share: float
    cpu_per_delta: float


def run() -> Iterator[Table]:
    with (
        away_from_core(),
        store("SQLite") as address,
        canned_upstream() as upstream,
        antiphon(upstream, address, one_core=True) as server,
    ):
        uvloop.run(_measure(server, 20))
        yield _table(uvloop.run(_measure(server, STREAMS)))


async def _measure(server: Measured, streams: int) -> Found:
    rss, pss, idle_cpu = server.rss_bytes(), server.pss_bytes(), server.cpu_s()
    readers = await _begin(server.port, streams)
    all_began, cpu = time.monotonic(), server.cpu_s()
    await asyncio.sleep(STEADY_S)
    steady_end, used = time.monotonic(), server.cpu_s() - cpu
    memory = await asyncio.to_thread(lambda: (server.rss_bytes(), server.pss_bytes()))
    await asyncio.gather(*(reader.ended for reader in readers))
    reads = [reader.read() for reader in readers]
    return Found(
        lost=sum(not read.done or read.text_chars != LOAD.chars for read in reads),
        gaps=_gaps(readers, all_began, steady_end),
        ramp_gaps=_gaps(readers, 0.0, all_began),
        rss_each=(memory[0] - rss) / streams,
        pss_each=(memory[1] - pss) / streams,
        core_share=used / (steady_end - all_began),
        cpu_per_delta=(server.cpu_s() - idle_cpu) / (streams * LOAD.deltas),
    )


async def _begin(port: int, streams: int) -> list[PacedReader]:
    begun, readers = time.monotonic(), []
    for number in range(streams):
        await asyncio.sleep(max(0.0, begun + RAMP_S * number / STREAMS - time.monotonic()))
        readers.append(await connect(port, chat_request(f"s-{streams}-{number}", LOAD)))
    return readers


def _gaps(readers: list[PacedReader], begin: float, end: float) -> list[float]:
    """Seconds between two arrivals of text at one reader, both within these times."""
    return [
        later - earlier
        for reader in readers
        for earlier, later in pairwise(at for at in reader.arrivals if begin <= at <= end)
    ]


def _table(found: Found) -> Table:
    rows = [
        ("streams that lost text", f"{found.lost}"),
        ("gap between texts, p50", milliseconds(quantile(found.gaps, 0.5))),
        ("gap between texts, p99", milliseconds(quantile(found.gaps, 0.99))),
        ("gap between texts, longest", milliseconds(max(found.gaps))),
        ("gap while streams still begin, p99", milliseconds(quantile(found.ramp_gaps, 0.99))),
        ("memory per stream, RSS", kibibytes(found.rss_each)),
        ("memory per stream, PSS", kibibytes(found.pss_each)),
        ("CPU of the server while all run", f"{found.core_share * 100:.0f} % of a core"),
        ("CPU of the server per delta", microseconds(found.cpu_per_delta)),
    ]
    limits = [
        Limit("streams that lost text", found.lost, 0, ""),
        Limit("gap, p99", quantile(found.gaps, 0.99) * 1e3, GAP_MS, "ms"),
        Limit("memory per stream, PSS", (found.pss_each or found.rss_each) / 1024, MEMORY_KIB, "KiB"),
    ]
    pinned = "the server on one core" if can_pin() else "not pinned to a core, which this system cannot do"
    title = f"{STREAMS:,} answers at once, a delta per {LOAD.pace_ms} ms each, SQLite, {pinned}"
    return Table(title=title, columns=("", "figure"), rows=rows, limits=limits)
