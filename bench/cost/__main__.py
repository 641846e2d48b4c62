"""`python -m bench.cost [--quick]`: replay, print the figures, and write them into `docs/cost.md`.

`--quick` replays one short conversation of each kind and writes nothing.
"""

import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from bench.cost import report
from bench.cost.chart import Point, chart
from bench.cost.full import FULL_1H, FULL_5M, NO_CACHE, STICKY
from bench.cost.jobs import (
    MODEL,
    Costs,
    evidence,
    full_by_model,
    full_costs,
    ours_by_model,
    shortened_costs,
    table,
)
from bench.cost.planning import planning_times
from bench.cost.policies import At150k, EveryTurn, Ours, OursAlive, OursOnPrefix, Policy, Window
from bench.cost.workload import KINDS, LENGTHS, VERY_LONG, Conversation, Traces, conversations
from bench.machine import describe

COUNT = 8
"""Conversations of each length and kind."""
EVIDENCE_TURNS = 300
DOCS = Path(__file__).parents[2] / "docs"

T = TypeVar("T")
S = TypeVar("S")


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    began = time.monotonic()
    longest = LENGTHS[0] if quick else LENGTHS[-1]
    traces = Traces()
    shown = [
        conversation
        for kind in KINDS
        for conversation in conversations(traces, kind, "shown", 1 if quick else COUNT)
        if len(conversation.turns) <= longest
    ]
    very_long = [] if quick else _very_long(traces)
    with ProcessPoolExecutor(2) as pool:
        costs = _costs(pool, [*very_long, *shown])
        longest_costs, costs = costs[: len(very_long)], costs[len(very_long) :]
        reach = _reach(pool, [c for c in shown if c.kind == "chat" and len(c.turns) == EVIDENCE_TURNS])
        ratios = _by_model(pool, [c for c in shown if c.number < 3])
    sections = _sections(costs, longest_costs, reach, ratios, quick=quick)
    print("\n\n".join(sections.values()))
    print(f"\n{time.monotonic() - began:.0f} s on {describe()}")
    if not quick:
        _write(sections, costs, reach)


def _very_long(traces: Traces) -> list[Conversation]:
    return [c for kind in KINDS for c in conversations(traces, kind, "shown", 1, (VERY_LONG,))]


def _costs(pool: ProcessPoolExecutor, shown: Sequence[Conversation]) -> list[Costs]:
    full = _spread(pool, full_costs, shown)
    short = _spread(pool, shortened_costs, shown)
    return [
        Costs(one.kind, one.turns, {**one.dollars, **other.dollars})
        for one, other in zip(full, short, strict=True)
    ]


def _spread(pool: ProcessPoolExecutor, work: Callable[[S], T], items: Iterable[S]) -> list[T]:
    return list(pool.map(work, items))


def _reach(pool: ProcessPoolExecutor, shown: Sequence[Conversation]) -> dict[str, float]:
    """Mean share of facts in reach by policy. Whatever sends all has all in reach."""
    reach = dict.fromkeys((NO_CACHE, FULL_5M, FULL_1H, STICKY), 1.0)
    policies: tuple[type[Policy], ...] = (At150k, Window, EveryTurn, Ours, OursAlive, OursOnPrefix)
    for policy in policies if shown else ():
        shares = list(pool.map(evidence, shown, [policy] * len(shown)))
        reach[policy.name] = sum(shares) / len(shares)
    return reach


def _by_model(pool: ProcessPoolExecutor, shown: Sequence[Conversation]) -> dict[str, dict[str, float]]:
    """Per model the ratios to full history with five minutes, by kind and policy."""
    models = table().names()
    full = list(pool.map(full_by_model, shown))
    pairs = [(conversation, model) for model in models for conversation in shown]
    ours = list(pool.map(ours_by_model, *zip(*pairs, strict=True), chunksize=4))
    found: dict[str, dict[str, float]] = {model: {} for model in models}
    for kind in KINDS:
        for model in models:
            base = sum(f[model] for c, f in zip(shown, full, strict=True) if c.kind == kind)
            for name in (Ours.name, OursAlive.name):
                spent = sum(
                    o[name] for (c, m), o in zip(pairs, ours, strict=True) if m == model and c.kind == kind
                )
                found[model][f"{kind} {name}"] = spent / base
    return found


def _sections(
    costs: Sequence[Costs],
    very_long: Sequence[Costs],
    reach: dict[str, float],
    ratios: dict[str, dict[str, float]],
    *,
    quick: bool,
) -> dict[str, str]:
    """The figures by the name of their place in the document."""
    sections: dict[str, str] = {kind: report.of_kind(costs, kind, reach) for kind in KINDS}
    sections["models"] = report.by_model(ratios)
    sections["look-ups"] = report.look_ups(costs)
    if not quick:
        sections["lengths"] = report.by_length([*costs, *very_long])
        sections["evicted"] = report.evicted(costs)
        sections["planning"] = planning_times()
    return sections


def _write(sections: dict[str, str], costs: Sequence[Costs], reach: dict[str, float]) -> None:
    page = DOCS / "cost.md"
    text = page.read_text(encoding="utf-8")
    for name, figures in sections.items():
        pattern = re.compile(f"(<!-- figures: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        place = pattern.search(text)
        if place is None:
            sys.exit(f"{page} has no place for the figures of {name}.")
        text = text[: place.end(1)] + figures + "\n" + text[place.start(2) :]
    page.write_text(text, encoding="utf-8")
    (DOCS / "cost.svg").write_text(_chart(costs, reach), encoding="utf-8")


def _chart(costs: Sequence[Costs], reach: dict[str, float]) -> str:
    base = sum(cost.dollars[FULL_5M] for cost in costs)
    points = [
        Point(name, sum(cost.dollars[name] for cost in costs) / base, share, name.startswith("ours"))
        for name, share in reach.items()
    ]
    return chart(points, f"What is in reach against what it costs, at the prices of {MODEL}")


if __name__ == "__main__":
    main()
