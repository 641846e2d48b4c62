"""Server CPU per streamed delta, and time to the first: Antiphon beside a bare FastAPI app, in one run."""

import asyncio
import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.clients import read_answer, read_many
from bench.processes import Measured, antiphon, bare_app, simulator

CHARS = 5


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    clients: int
    deltas: int
    pace_s: float
    rounds: int


LOADS = (
    Load("200 deltas to 32 clients, as fast as it can", 32, 200, 0.0, 5),
    Load("3,000 deltas to 32 clients, as fast as it can", 32, 3000, 0.0, 2),
    Load("250 deltas to 50 clients, one per 20 ms", 50, 250, 0.02, 2),
)

ServerOf = Callable[[Measured], AbstractContextManager[Measured]]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder) / 'bench.db'}"
        servers: dict[str, ServerOf] = {
            "antiphon (SQLite)": lambda upstream: antiphon(upstream, store),
            "bare FastAPI + SDK": bare_app,
        }
        for load in LOADS:
            with simulator(load.deltas, CHARS, load.pace_s) as upstream:
                _compare(load, upstream, servers)
        with simulator(20, CHARS, 0.005) as upstream:
            _first_delta(upstream, servers)


def _compare(load: Load, upstream: Measured, servers: dict[str, ServerOf]) -> None:
    print(f"\n{load.name}: server CPU per delta")
    base = None
    for name, start in servers.items():
        with start(upstream) as server:
            per_delta = _cpu_per_delta(server, load)
        base = base or per_delta
        print(f"  {name:22} {per_delta:7.1f} µs   {per_delta / base:5.1f} ×")


def _cpu_per_delta(server: Measured, load: Load) -> float:
    """The median of the rounds, in microseconds; a round before them warms the server up."""
    found = []
    for number in range(load.rounds + 1):
        before = server.cpu_s()
        reads = asyncio.run(read_many(server.port, load.clients, f"{load.clients}-{load.deltas}-{number}"))
        used = server.cpu_s() - before
        expected = load.deltas * CHARS
        assert all(read.done and read.text_chars == expected for read in reads), "an answer was incomplete"
        found.append(used / (load.clients * load.deltas) * 1e6)
    return statistics.median(found[1:])


def _first_delta(upstream: Measured, servers: dict[str, ServerOf]) -> None:
    print("\ntime from request to first text, one client, median of 60")
    for name, start in servers.items():
        with start(upstream) as server:
            times = [_one(server, f"first-{number}") for number in range(65)][5:]
        print(f"  {name:22} {statistics.median(times) * 1000:7.1f} ms")


def _one(server: Measured, session: str) -> float:
    return asyncio.run(read_answer(server.port, session)).first_s
