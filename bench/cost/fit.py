"""Find each model's two limits, on the half of the traces that no figure shows: `python -m bench.cost.fit`.

The costs are reckoned on sizes and pauses alone, as for the optimum, for five-minute marks and no pings, so
that many limits can be tried. Between limits that cost about the same, the higher ones win: they forget less.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from antiphon.context.compaction import TAIL_TOKENS, CompactionLimits
from antiphon.context.summaries import INSTRUCTION
from antiphon.money.facts import ModelFacts, Prices
from antiphon.money.table import load_facts
from antiphon.simulator.tokens import tokens
from bench.cost.optimum import SHORT_S, Shape, shape_of
from bench.cost.policies import DAY, summary_tokens
from bench.cost.replay import SMALL
from bench.cost.workload import KINDS, Traces, conversations

COLD = (4_000, 6_000, 8_000, 12_000, 16_000, 24_000)
WARM = (8_000, 10_000, 12_000, 16_000, 24_000, 40_000)
COUNT = 4
"""Conversations of each length and kind."""
ABOUT = 1.05
"""Costs within this of the least count as the same."""


@dataclass
class _Run:
    """One conversation under two limits, turn by turn."""

    shape: Shape
    facts: ModelFacts
    small: Prices
    limits: CompactionLimits
    before: int = 0
    kept_from: int = 0
    spent: float = 0.0

    def picodollars(self) -> float:
        context, added = self.shape.head, self.shape.added
        for number, turn in enumerate(self.shape.turns):
            warm = number > 0 and turn[0].wait_s < SHORT_S
            limit = self.limits.warm if warm else self.limits.cold
            lost = False
            if context + turn[0].new - self.shape.head > limit:
                lost = self._cut(number, context, warm=warm)
                if lost:
                    context = self.shape.head + self.before + added[number] - added[self.kept_from]
            for sent in turn:
                self._send(context, sent.new, sent.out, warm=warm, lost=lost)
                context += sent.new
                warm, lost = True, False
        return self.spent

    def _send(self, context: int, new: int, out: int, *, warm: bool, lost: bool) -> None:
        prices = self.facts.prices(DAY, context + new)
        read = (self.shape.head if lost else context) if warm else 0
        self.spent += read * prices.read + (context + new - read) * prices.write_5m + out * prices.output

    def _cut(self, number: int, context: int, *, warm: bool) -> bool:
        begin = self.shape.tail_begins(number)
        if begin <= self.kept_from:
            return False
        raw = self.before + self.shape.added[begin] - self.shape.added[self.kept_from]
        prices, out = self.facts.prices(DAY, context), summary_tokens(raw)
        apart = raw * self.small.input + out * self.small.output
        own_out = summary_tokens(context)
        asked = tokens(len(INSTRUCTION)) * prices.write_5m
        own = context * prices.read + asked + own_out * prices.output
        if warm and own < apart:
            self.spent, out = self.spent + own, own_out
        else:
            self.spent += apart
        self.before, self.kept_from = out, begin
        return True


def picodollars(
    shape: Shape, facts: ModelFacts, small: Prices, limits: CompactionLimits | None = None
) -> float:
    """What the conversation costs under these limits; without any, its full history."""
    never = CompactionLimits(cold=10**9, warm=10**9)
    return _Run(shape, facts, small, limits or never).picodollars()


@dataclass(frozen=True)
class Fit:
    """The best limits of one model, and the mean over kinds of the ratio to full history under them."""

    limits: CompactionLimits
    ratio: float


def fitted(facts: ModelFacts, small: Prices, shapes: Mapping[str, Sequence[Shape]]) -> Fit:
    full = {kind: sum(picodollars(shape, facts, small) for shape in own) for kind, own in shapes.items()}

    def ratio(limits: CompactionLimits) -> float:
        ratios = [
            sum(picodollars(shape, facts, small, limits) for shape in own) / full[kind]
            for kind, own in shapes.items()
        ]
        return sum(ratios) / len(ratios)

    fits = [Fit(limits, ratio(limits)) for limits in _candidates()]
    least = min(fit.ratio for fit in fits)
    near = [fit for fit in fits if fit.ratio <= least * ABOUT]
    return max(near, key=lambda fit: (fit.limits.cold * fit.limits.warm, fit.limits.cold))


def _candidates() -> Iterator[CompactionLimits]:
    for cold in COLD:
        for warm in WARM:
            if cold <= warm:
                yield CompactionLimits(cold=cold, warm=warm)


def main() -> None:
    known, traces = load_facts(), Traces()
    small = known.get(SMALL).prices(DAY, 0)
    shapes: dict[str, Sequence[Shape]] = {
        kind: [shape_of(each, TAIL_TOKENS) for each in conversations(traces, kind, "fit", COUNT)]
        for kind in KINDS
    }
    found: dict[tuple[Prices, ...], Fit] = {}
    for name in known.names():
        facts = known.get(name)
        prices = facts.prices(DAY, 0), facts.dearest(DAY, facts.context)
        fit = found.get(prices) or fitted(facts, small, shapes)
        found[prices] = fit
        limits = f"compact_cold = {fit.limits.cold}, compact_warm = {fit.limits.warm}"
        print(f"{name}: {limits}  # {fit.ratio:.2f} of full history", flush=True)


if __name__ == "__main__":
    main()
