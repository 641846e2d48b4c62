"""Budgets of the whole installation. Their accounts lie apart from every principal's ledger.

No script reaches both, so a request is held here first, under its own place in the ledger; then its entry
is opened, or what was held is released. When the entry closes, its cost takes the place of the hold. Where a
process dies in between, the sweep asks the ledger what became of the request. So the sum can be too high for
a while, never too low: an entry that comes too late for its hold is refused.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from antiphon.errors import OverBudget, StoreUnavailable
from antiphon.money.budgets import Hold, Limit
from antiphon.stores.redis.entries import limit_row, spent_since
from antiphon.stores.redis.keys import ACCOUNTS, HELD, HOLDS, only
from antiphon.stores.redis.payers import Payers
from antiphon.stores.redis.scripts import Command, script
from antiphon.stores.redis.server import Server

LOOK_MS = 60_000
"""How long a hold stands before the sweep asks what became of its request, and asks again."""
LOOKED_AT = 100
PAGE = 200
"""How many principals' sums are asked for at once."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What the installation holds for a request: since when, and whether this call made it so; or why not."""

    at: int | None = None
    made: bool = False
    refused: OverBudget | None = None


@dataclass(frozen=True, slots=True)
class Overdue:
    """A request that is held for long, since `at` (ms)."""

    place: str
    principal: str
    at: int


def shared_limits(hold: Hold | None) -> list[Limit]:
    return [limit for limit in hold.limits if limit.scope == "installation"] if hold is not None else []


class Installation:
    def __init__(self, server: Server, payers: Payers) -> None:
        self._server = server
        self._payers = payers

    async def reserve(self, principal: str, place: str, hold: Hold) -> Reservation:
        """Raises StoreUnavailable."""
        limits = shared_limits(hold)
        rows: list[dict[str, Any]] = [limit_row(limit) for limit in limits]
        given = {
            "principal": principal,
            "place": place,
            "amount": str(hold.nanodollars),
            "limits": rows,
            "look_ms": LOOK_MS,
        }
        command = script("reserve", "amounts")
        reply = await self._server.run(command.given([ACCOUNTS, HOLDS, HELD], given))
        if reply[0] == b"new":
            for row, spent in zip(rows, await self.spent(limits), strict=True):
                row["spent"] = str(spent)
            reply = await self._server.run(command.given([ACCOUNTS, HOLDS, HELD], given))
        match reply:
            case [b"held", at, made]:
                return Reservation(at, bool(made))
            case [_, number, taken]:
                return Reservation(refused=over(limits[number - 1], hold, taken))
            case _:
                raise AssertionError(reply)

    async def pay(self, costs: Sequence[bytes | str]) -> None:
        """Put costs in the place of holds: the place of each request, and what it cost, in turn.

        What cannot be done now is left to the sweep.
        """
        if costs:
            with suppress(StoreUnavailable):
                await self._server.run(script("paid", "amounts").on([ACCOUNTS, HOLDS, HELD], *costs))

    async def overdue(self) -> list[Overdue]:
        """Requests that are held for long. Raises StoreUnavailable."""
        command = script("overdue").given([HOLDS, HELD], {"limit": LOOKED_AT, "look_ms": LOOK_MS})
        found = await self._server.run(command)
        return [Overdue(place.decode(), principal.decode(), at) for place, principal, at in found]

    async def give_up(self, abandoned: Sequence[Overdue]) -> None:
        """Release what is held for requests that never began. Raises StoreUnavailable."""
        if abandoned:
            given = [word for overdue in abandoned for word in (overdue.place, overdue.at)]
            await self._server.run(script("abandoned", "amounts").on([ACCOUNTS, HOLDS, HELD], *given))

    async def taken(self, limits: Sequence[Limit]) -> list[int]:
        """What is spent or held in each account; if it is new, by the ledger. Raises StoreUnavailable."""
        if not limits:
            return []
        names = [limit.account for limit in limits]
        known = await self._server.run(Command(("HMGET", ACCOUNTS, *names), ACCOUNTS))
        if None in known:
            spent = await self.spent(limits)
            known = [spent[n] if value is None else value for n, value in enumerate(known)]
        return [int(value) for value in known]

    async def spent(self, limits: Sequence[Limit]) -> list[int]:
        """What all principals have spent or hold, by their ledgers. Raises StoreUnavailable."""
        sums = [0] * len(limits)
        principals = await self._payers.all()
        for first in range(0, len(principals), PAGE):
            keys = [only("spent", principal) for principal in principals[first : first + PAGE]]
            for fields in await self._server.run_all([Command(("HGETALL", key), key) for key in keys]):
                sums = [
                    known + spent_since(texts(fields), limit.since)
                    for known, limit in zip(sums, limits, strict=True)
                ]
        return sums


def over(limit: Limit, hold: Hold, taken: bytes) -> OverBudget:
    """The refusal of a hold with which the account would have come to `taken`."""
    return limit.over(limit.nanodollars - (int(taken) - hold.nanodollars))


def texts(fields: dict[bytes, bytes] | Sequence[bytes]) -> dict[str, str]:
    """A hash, as names and values in turn or already as a map."""
    pairs = fields.items() if isinstance(fields, dict) else zip(fields[::2], fields[1::2], strict=True)
    return {name.decode(): value.decode() for name, value in pairs}
