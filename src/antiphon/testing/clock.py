"""Time that passes when a test says so."""

import threading

BEGINNING = 1_800_000_000.0
"""2027-01-15, 08:00 UTC."""


class ManualClock:
    """It stands still between two calls of `advance`. Safe to use from any thread."""

    def __init__(self, start: float = BEGINNING) -> None:
        """`start`: seconds since the epoch."""
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since the epoch (UTC)."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass at once.

        Raises:
            ValueError: time does not run backwards.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError("A clock can only be put forward, by a finite number of seconds.")
        with self._lock:
            self._now += seconds
