"""A circuit breaker per model: one that fails too often in a row is left alone for a moment."""

from collections.abc import Callable
from dataclasses import dataclass

FAILURES = 10
"""In a row, from whichever turn, until a model is left alone."""
REST_S = 10.0
LONGEST_REST_S = 60.0


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    rest_s: float = REST_S
    until: float | None = None
    """When it may be asked again; None while it works."""
    probed: bool = False
    """Whether one request was let through since."""


class Breaker:
    """Of one process. `now` gives seconds that only grow."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._circuits: dict[str, _Circuit] = {}

    def rest_s(self, model: str) -> float:
        """Seconds for which it is not to be asked; 0 if it may be.

        After its rest one request is let through, and the others wait for what becomes of it, or as long
        again if nothing does.
        """
        circuit = self._circuits.get(model)
        if circuit is None or circuit.until is None:
            return 0.0
        left = circuit.until - self._now()
        if left > 0:
            return left
        circuit.until, circuit.probed = self._now() + circuit.rest_s, True
        return 0.0

    def works(self, model: str) -> bool:
        """Whether it is asked as usual."""
        circuit = self._circuits.get(model)
        return circuit is None or circuit.until is None

    def answered(self, model: str) -> None:
        self._circuits.pop(model, None)

    def failed(self, model: str) -> None:
        """It, or the way to it, failed: not what was asked of it."""
        circuit = self._circuits.setdefault(model, _Circuit())
        circuit.failures += 1
        if circuit.probed:
            circuit.rest_s = min(LONGEST_REST_S, circuit.rest_s * 2)
        elif circuit.until is not None or circuit.failures < FAILURES:
            return  # it works as far as is known, or this was asked before it was left alone
        circuit.until, circuit.probed = self._now() + circuit.rest_s, False
