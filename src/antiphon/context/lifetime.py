"""How long the cache should live: five minutes or an hour, and whether to keep it alive by a ping. Pure.

All values are in the units of the prices given (picodollars). Source of what the prices mean: Claude's price
list. A ping is a request of `max_tokens` 0, which reads the prefix and thereby renews its lifetime.
"""

from dataclasses import dataclass

from antiphon.context.gaps import Gaps
from antiphon.money.facts import Prices
from antiphon.money.pricing import Lifetime

SHORT_S = 300.0
LONG_S = 3600.0
PING_S = 280.0
"""After the last request: early enough to arrive before five minutes are over."""
PINGS_MAX = 24
"""In one pause: two hours. After that nobody is likely to come back soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What depends on the cache: tokens of the prefix, tokens that a turn adds, and what a lost prefix costs.

    `lost` is the price of going on without the cache: writing the prefix again, or a shorter one.
    """

    prefix_tokens: int
    turn_tokens: int
    prices: Prices
    lost: float | None = None

    @property
    def reading(self) -> float:
        return float(self.prefix_tokens * self.prices.read)

    @property
    def saved(self) -> float:
        """By having the prefix in the cache when the next request comes."""
        again = float(self.prefix_tokens * self.prices.write_5m)
        return max(0.0, min(again, again if self.lost is None else self.lost) - self.reading)


def choose_lifetime(gaps: Gaps, stakes: Stakes) -> Lifetime:
    """The lifetime that is expected to cost less over the next pause.

    An hour costs more for each token written, five minutes cost the prefix whenever a pause falls between.
    """
    dearer = stakes.turn_tokens * (stakes.prices.write_1h - stakes.prices.write_5m)
    between = gaps.longer(SHORT_S) - gaps.longer(LONG_S)
    return "1h" if between * stakes.saved > dearer else "5m"


def ping_value(gaps: Gaps, stakes: Stakes, idle_s: float, left: int = PINGS_MAX) -> float:
    """What a ping after `idle_s` seconds of pause is worth, less its price, with the best pings after it."""
    value = 0.0
    for ping in range(left - 1, -1, -1):
        at = idle_s + ping * PING_S
        comes = gaps.ends_within(at, at + PING_S)
        value = max(0.0, comes * stakes.saved + (1 - comes) * value - stakes.reading)
    return value


def next_ping_s(gaps: Gaps, stakes: Stakes, pinged: int = 0) -> float | None:
    """Seconds after the last request or ping at which to ping; None if it is not worth its price.

    `pinged` counts the pings of this pause so far. Only for prefixes with a lifetime of five minutes, of
    models that accept a ping (`parameters.prewarms`).
    """
    if pinged >= PINGS_MAX:
        return None
    worth = ping_value(gaps, stakes, PING_S * (pinged + 1), PINGS_MAX - pinged)
    return PING_S if worth > 0 else None
