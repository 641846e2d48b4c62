"""Rate limits: a token bucket per organization and model line, for requests, input and output tokens.

Cache reads are not counted, and output is counted as it comes out, whatever `max_tokens` allowed. Source: the
rate limits page of the API reference.
"""

import math
import time
from collections.abc import Mapping
from typing import NamedTuple

from antiphon.simulator.errors import ApiError

MINUTE = 60.0
ROUNDED_TO = 1_000
"""Remaining tokens are told in thousands."""


class RateLimits(NamedTuple):
    """What fits into a minute."""

    requests: int = 4_000
    input_tokens: int = 4_000_000
    output_tokens: int = 1_000_000


class Bucket:
    """Full at first; fills up again evenly."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._level = float(limit)
        self._at = -math.inf

    def level(self, now: float) -> float:
        if self._at < now:
            filled = (now - self._at) * self.limit / MINUTE
            self._level, self._at = min(self.limit, self._level + filled), now
        return self._level

    def take(self, amount: int, now: float) -> None:
        self.level(now)
        self._level -= amount

    def seconds_until(self, amount: float, now: float) -> float:
        """How long until so much is there; 0 if it is. More than the limit waits for a full bucket."""
        missing = min(amount, self.limit) - self.level(now)
        return max(missing, 0.0) * MINUTE / self.limit


class Limiter:
    def __init__(self, limits: RateLimits | None) -> None:
        """Without limits nothing is refused, and the headers tell those of a large customer."""
        self._limits = limits or RateLimits()
        self._enforced = limits is not None
        self._buckets: dict[tuple[str, str], Mapping[str, Bucket]] = {}

    def admit(self, organization: str, line: str, input_tokens: int, now: float) -> None:
        """Count a request.

        Raises:
            ApiError: 429, with `retry-after`: it does not fit.
        """
        if not self._enforced:
            return
        buckets = self._of(organization, line)
        wanted = {"requests": 1, "input-tokens": input_tokens, "output-tokens": 1}
        waits = {kind: buckets[kind].seconds_until(amount, now) for kind, amount in wanted.items()}
        kind = max(waits, key=lambda each: waits[each])
        if waits[kind] > 0:
            raise ApiError(
                429,
                f"This request would exceed your organization's rate limit of {buckets[kind].limit:,} "
                f"{kind.replace('-', ' ')} per minute.",
                headers={"retry-after": str(math.ceil(waits[kind])), **self.headers(organization, line, now)},
            )
        buckets["requests"].take(1, now)
        buckets["input-tokens"].take(input_tokens, now)

    def count_output(self, organization: str, line: str, output_tokens: int, now: float) -> None:
        if self._enforced:
            self._of(organization, line)["output-tokens"].take(output_tokens, now)

    def headers(self, organization: str, line: str, now: float) -> dict[str, str]:
        buckets = self._of(organization, line) if self._enforced else self._new()
        groups = {kind: [bucket] for kind, bucket in buckets.items()}
        groups["tokens"] = [*groups["input-tokens"], *groups["output-tokens"]]
        facts: dict[str, str] = {}
        for kind, group in groups.items():
            left = sum(each.level(now) for each in group)
            rounded = int(left) if kind == "requests" else round(left / ROUNDED_TO) * ROUNDED_TO
            full = now + max(each.seconds_until(each.limit, now) for each in group)
            name = f"anthropic-ratelimit-{kind}"
            facts[f"{name}-limit"] = str(sum(each.limit for each in group))
            facts[f"{name}-remaining"] = str(max(rounded, 0))
            facts[f"{name}-reset"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(full))
        return facts

    def _of(self, organization: str, line: str) -> Mapping[str, Bucket]:
        key = organization, line
        if key not in self._buckets:
            self._buckets[key] = self._new()
        return self._buckets[key]

    def _new(self) -> dict[str, Bucket]:
        return {
            "requests": Bucket(self._limits.requests),
            "input-tokens": Bucket(self._limits.input_tokens),
            "output-tokens": Bucket(self._limits.output_tokens),
        }
