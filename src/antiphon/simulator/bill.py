"""What the simulator would charge: one charge per request that produced something, and their exact sum."""

import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec

from antiphon.simulator.prices import cost

NANO = Decimal(10) ** -9


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    """Of the request, as in `Simulator.requests`; each request of a batch has one that is not there."""
    model: str
    organization: str
    usage: dict[str, Any]
    nano_dollars: int
    complete: bool = True
    """False: the answer broke off, and what had been generated until then is charged."""


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    requests: int
    """How many were charged."""
    nano_dollars: int
    by_model: dict[str, int]
    """Nano-dollars."""
    by_organization: dict[str, int]
    charges: tuple[Charge, ...]
    """The last ones; the sums hold all."""

    @property
    def dollars(self) -> Decimal:
        """Exact."""
        return self.nano_dollars * NANO


class Ledger:
    """Adds up. An answer is charged in full when it begins, and less if it then breaks off.

    Safe to use from any thread.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._charges: dict[int, Charge] = {}
        self._requests = 0
        self._by_model: Counter[str] = Counter()
        self._by_organization: Counter[str] = Counter()

    def charge(
        self, number: int, model: str, organization: str, usage: dict[str, Any], *, complete: bool = True
    ) -> None:
        """Charge a request, instead of what it was charged before."""
        charge = Charge(
            number=number,
            model=model,
            organization=organization,
            usage=usage,
            nano_dollars=cost(model, usage),
            complete=complete,
        )
        with self._lock:
            self._take_back(number)
            self._charges[number] = charge
            self._count(charge, 1)
            while len(self._charges) > self._keep:
                self._charges.pop(next(iter(self._charges)))

    def waive(self, number: int) -> None:
        """Charge nothing for a request."""
        with self._lock:
            self._take_back(number)

    def clear(self) -> None:
        with self._lock:
            self._charges.clear()
            self._requests = 0
            self._by_model.clear()
            self._by_organization.clear()

    def bill(self) -> Bill:
        with self._lock:
            return Bill(
                requests=self._requests,
                nano_dollars=self._by_model.total(),
                by_model=dict(self._by_model),
                by_organization=dict(self._by_organization),
                charges=tuple(self._charges.values()),
            )

    @property
    def nano_dollars(self) -> int:
        with self._lock:
            return self._by_model.total()

    def _take_back(self, number: int) -> None:
        before = self._charges.pop(number, None)
        if before is not None:
            self._count(before, -1)

    def _count(self, charge: Charge, sign: int) -> None:
        self._requests += sign
        self._by_model[charge.model] += sign * charge.nano_dollars
        self._by_organization[charge.organization] += sign * charge.nano_dollars
