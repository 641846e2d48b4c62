"""Server CPU per streamed delta: Antiphon beside the floor, nginx and a bare FastAPI app, in one run."""

import asyncio
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from bench.clients import chat_request, claude_request, read_all
from bench.load import Load
from bench.processes import Measured
from bench.report import Limit, Table, microseconds
from bench.servers import NO_NGINX, antiphon, bare_app, canned_upstream, floor, nginx
from bench.stores import store

OURS, BARE = "Antiphon, SQLite", "FastAPI and the SDK"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    clients: int
    load: Load
    rounds: int
    limit_us: float | None = None


CASES = (
    Case("200 deltas to each of 32 clients, as fast as they come", 32, Load(200), 5),
    Case("3,000 deltas to each of 32 clients, as fast as they come", 32, Load(3000), 3, 25.0),
    Case("250 deltas to each of 50 clients, one per 20 ms", 50, Load(250, 20), 1, 100.0),
)

BARE_AT_MOST = 12_800
"""Deltas in one round of the bare app, which takes half a minute for 96,000: it gets fewer clients."""


@dataclass(frozen=True, slots=True)
class Rival:
    name: str
    server: Measured
    asks: Callable[[str, Load], bytes]


def run() -> Iterator[Table]:
    with ExitStack() as stack:
        address = stack.enter_context(store("SQLite"))
        upstream = stack.enter_context(canned_upstream())
        rivals = [
            Rival(OURS, stack.enter_context(antiphon(upstream, address)), chat_request),
            Rival("the floor", stack.enter_context(floor(upstream)), chat_request),
            Rival(BARE, stack.enter_context(bare_app(upstream)), chat_request),
        ]
        proxy = stack.enter_context(nginx(upstream))
        if proxy is not None:
            rivals.append(Rival("nginx", proxy, lambda _, load: claude_request(load)))
        for rival in rivals:
            _cpu_per_delta(rival, Case("warm up", 8, Load(50), 1), 0)
        for case in CASES:
            yield _compare(case, rivals, () if proxy else (NO_NGINX,))


def _compare(case: Case, rivals: list[Rival], notes: tuple[str, ...]) -> Table:
    """All rivals take turns, so that what disturbs one disturbs all.

    The mean of the rounds, not their median: the system counts CPU in ticks of 10 ms.
    """
    found: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for number in range(case.rounds):
        for rival in rivals:
            found[rival.name].append(_cpu_per_delta(rival, case, number))
    means = {name: statistics.fmean(figures) for name, figures in found.items()}
    ours = means[OURS]
    rows = [
        (_told(name, case), microseconds(figure), f"{figure / ours:.2f} ×")
        for name, figure in sorted(means.items(), key=lambda item: item[1])
    ]
    limits = [Limit("Antiphon", ours * 1e6, case.limit_us, "µs")] if case.limit_us else []
    columns = ("", "server CPU per delta", "of Antiphon's")
    return Table(title=case.name, columns=columns, rows=rows, limits=limits, notes=notes)


def _told(name: str, case: Case) -> str:
    clients = _clients(name, case)
    return name if clients == case.clients else f"{name}, {clients} clients"


def _cpu_per_delta(rival: Rival, case: Case, number: int) -> float:
    """Seconds. Raises ValueError: not every text arrived whole."""
    clients = _clients(rival.name, case)
    asked = [rival.asks(f"s-{case.load.deltas}-{number}-{n}", case.load) for n in range(clients)]
    before = rival.server.cpu_s()
    asyncio.run(read_all(rival.server.port, asked, case.load))
    return (rival.server.cpu_s() - before) / (clients * case.load.deltas)


def _clients(name: str, case: Case) -> int:
    return min(case.clients, BARE_AT_MOST // case.load.deltas) if name == BARE else case.clients
