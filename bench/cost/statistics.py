"""Ratios of sums over conversations, with intervals from resampling the conversations in pairs."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

SAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


def ratio(costs: Sequence[float], base: Sequence[float], strata: Sequence[object]) -> Ratio:
    """Sum of `costs` over sum of `base`, both of the same conversations. Each stratum keeps its size."""
    drawn = random.Random(7)
    groups: dict[object, list[int]] = {}
    for index, stratum in enumerate(strata):
        groups.setdefault(stratum, []).append(index)
    samples = []
    for _ in range(SAMPLES):
        picked = [index for group in groups.values() for index in drawn.choices(group, k=len(group))]
        samples.append(sum(costs[index] for index in picked) / sum(base[index] for index in picked))
    samples.sort()
    low, high = samples[SAMPLES // 40], samples[-SAMPLES // 40 - 1]
    return Ratio(sum(costs) / sum(base), low, high)
