"""How long people pause: what is expected of the next pause, from those measured before. Pure.

A pause is the time from the start of one request to the start of the next of the same conversation. What is
expected before anything was measured are the pauses of real conversations (see `bench/cost/traces.json`).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import exp, log

from antiphon.context.dates import turn_time
from antiphon.context.sendable import is_asking
from antiphon.domain.conversations import PlacedMessage

USUAL = (
    (1.0, 0.94),
    (10.0, 0.63),
    (30.0, 0.32),
    (60.0, 0.15),
    (120.0, 0.050),
    (300.0, 0.0092),
    (600.0, 0.0031),
    (1_200.0, 0.0011),
    (3_600.0, 0.00042),
    (14_400.0, 0.00021),
    (86_400.0, 0.00003),
)
"""Seconds, and the share of pauses that are longer; between them the share falls as a power of the time."""
USUAL_WEIGHT = 300
"""Measured pauses that weigh as much as what is usual."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Pauses of one conversation or person, in seconds, sorted."""

    measured: tuple[float, ...] = ()

    def longer(self, seconds: float) -> float:
        """The chance that a pause is longer than this."""
        n = len(self.measured)
        above = n - bisect_right(self.measured, seconds)
        return (above + USUAL_WEIGHT * usually_longer(seconds)) / (n + USUAL_WEIGHT)

    def ends_within(self, start: float, end: float) -> float:
        """The chance that a pause which has lasted until `start` ends by `end`."""
        lasted = self.longer(start)
        return 1 - self.longer(end) / lasted if lasted else 0.0


def measured(seconds: Iterable[float], newest: int = 200) -> Gaps:
    """From pauses in the order in which they were made; only the newest count."""
    return Gaps(tuple(sorted(list(seconds)[-newest:])))


def pauses_on(path: Sequence[PlacedMessage], newest: int = 200) -> list[float]:
    """The seconds between the newest turns of a path, by the times that their ids hold."""
    times: list[int] = []
    for placed in reversed(path):
        if len(times) > newest:
            break
        if is_asking(placed) and (at := turn_time(placed.message.turn_id)) is not None:
            times.append(at)
    return [max(0, later - earlier) / 1000 for later, earlier in pairwise(times)][::-1]


@lru_cache(maxsize=256)  # asked for few times: those of the cache, and of pings
def usually_longer(seconds: float) -> float:
    """The share of pauses in real conversations that are longer than this."""
    if seconds <= 0:
        return 1.0
    points = ((0.01, 1.0), *USUAL)
    right = bisect_right([at for at, _ in points], seconds)
    right = min(max(right, 1), len(points) - 1)
    (t0, s0), (t1, s1) = points[right - 1], points[right]
    slope = log(s1 / s0) / log(t1 / t0)
    return min(1.0, s0 * exp(slope * log(seconds / t0)))
