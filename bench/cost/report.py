"""The figures of the study as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence

from bench.cost.full import FULL_1H, FULL_5M, NO_CACHE, STICKY, full_5m
from bench.cost.jobs import OPTIMUM, Costs, look_up_dollars
from bench.cost.policies import At150k, EveryTurn, Ours, OursAlive, OursOnPrefix, Window
from bench.cost.statistics import ratio
from bench.cost.workload import KINDS, LENGTHS, VERY_LONG

ROWS = (
    NO_CACHE,
    EveryTurn.name,
    Window.name,
    FULL_5M,
    FULL_1H,
    STICKY,
    At150k.name,
    Ours.name,
    OursAlive.name,
    OursOnPrefix.name,
    OPTIMUM,
)
UNSEEN = "–"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def of_kind(costs: Sequence[Costs], kind: str, reach: Mapping[str, float]) -> str:
    """Each policy: dollars per conversation, over full + 5 m, over the optimum, what is in reach."""
    own = [cost for cost in costs if cost.kind == kind]
    strata = [cost.turns for cost in own]

    def column(name: str) -> list[float]:
        return [cost.dollars[name] for cost in own]

    rows = []
    for name in ROWS:
        spent = column(name)
        rows.append(
            [
                name,
                f"{sum(spent) / len(spent):.3f}",
                str(ratio(spent, column(FULL_5M), strata)),
                str(ratio(spent, column(OPTIMUM), strata)),
                f"{reach[name]:.2f}" if name in reach else UNSEEN,
            ]
        )
    header = [kind, "USD per conversation", "over full + 5 m", "over the optimum", "facts in reach"]
    return table(header, rows)


def by_length(costs: Sequence[Costs]) -> str:
    """Where the saving comes from: ratios to full + 5 m by the number of turns."""
    rows = []
    for kind in KINDS:
        for name in (At150k.name, Ours.name, OursAlive.name, OPTIMUM):
            cells = []
            for length in (*LENGTHS, VERY_LONG):
                own = [cost for cost in costs if cost.kind == kind and cost.turns == length]
                spent, base = (sum(cost.dollars[way] for cost in own) for way in (name, FULL_5M))
                cells.append(f"{spent / base:.2f}")
            rows.append([f"{kind}: {name}", *cells])
    return table(["over full + 5 m", *(f"{length} turns" for length in (*LENGTHS, VERY_LONG))], rows)


def evicted(costs: Sequence[Costs]) -> str:
    """The same ratios where the provider loses entries before their time."""
    rows = []
    for kind in KINDS:
        own = [cost for cost in costs if cost.kind == kind]
        strata = [cost.turns for cost in own]
        for policy in (Ours, OursAlive):
            cells = []
            for share in (0.0, 0.10, 0.25):
                name = policy.name + (f", {share:.0%} evicted early" if share else "")
                spent = [cost.dollars[name] for cost in own]
                base = [cost.dollars[full_5m(evicted=share)] for cost in own]
                cells.append(str(ratio(spent, base, strata)))
            rows.append([f"{kind}: {policy.name}", *cells])
    return table(["over full + 5 m under the same evictions", "none", "10 %", "25 %"], rows)


def by_model(ratios: Mapping[str, Mapping[str, float]]) -> str:
    names = (Ours.name, OursAlive.name)
    rows = [
        [model, *(f"{cells[f'{kind} {name}']:.2f}" for kind in KINDS for name in names)]
        for model, cells in ratios.items()
    ]
    header = ["over full + 5 m", *(f"{kind}: {name}" for kind in KINDS for name in names)]
    return table(header, rows)


def look_ups(costs: Sequence[Costs]) -> str:
    """One look-up's price, and how many in a conversation would use up what was saved."""
    rows = []
    for kind, prompt in (("chat", 6_000), ("tools", 9_000)):
        own = [cost for cost in costs if cost.kind == kind]
        saved = sum(cost.dollars[FULL_5M] - cost.dollars[Ours.name] for cost in own) / len(own)
        for found in (2_000, 8_000):
            each = look_up_dollars(prompt, found)
            rows.append([f"{kind}: {found:,} tokens found", f"{each:.4f}", f"{saved / each:.0f}"])
    return table(["", "USD for one search", "searches that use up the saving of one conversation"], rows)
