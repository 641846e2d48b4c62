"""Time as a seam: what asks for the time is given a clock."""

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch (UTC)."""
        ...


class SystemClock:
    def now(self) -> float:
        return time.time()


def milliseconds(clock: Clock) -> int:
    """Milliseconds since the epoch: the unit of every time that is stored."""
    return int(clock.now() * 1000)
