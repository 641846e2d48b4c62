"""What time it is for the simulator: real time, or any other, plus what a test lets pass."""

import threading
import time
from collections.abc import Callable


class Clock:
    """Safe to use from any thread."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ahead = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Seconds since the epoch (UTC)."""
        return self._now() + self._ahead

    def advance(self, seconds: float) -> float:
        """Let time pass at once; returns what time it is then.

        Raises:
            ValueError: time does not run backwards.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError("The clock can only be put forward, by a finite number of seconds.")
        with self._lock:
            self._ahead += seconds
        return self()


def rfc3339(at: float) -> str:
    """A time (seconds since the epoch) as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
