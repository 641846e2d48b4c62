"""Changes that open or close entries of the ledger."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

from antiphon.errors import StoreUnavailable
from antiphon.money.budgets import Hold
from antiphon.stores.base import Change
from antiphon.stores.finishing import finish
from antiphon.stores.redis.access import Access
from antiphon.stores.redis.entries import LASTS_MS, place_of
from antiphon.stores.redis.installation import Overdue, over, shared_limits
from antiphon.stores.redis.scripts import Command, on_conversation

Row: TypeAlias = dict[str, Any]
Reply: TypeAlias = list[Any]


class Paying(Access):
    async def _paying(
        self,
        principal: str,
        conversation_id: str,
        change: tuple[Change, Row] | None,
        run: Callable[[], Awaitable[Reply]],
        begun: Callable[[Reply], bool],
    ) -> Reply:
        """Run scripts that may open a request's entry, with what it may cost held.

        `change` is the one that opens it, and its row as `run` will send it; `begun` says of a reply whether
        that was committed. Once begun, it is finished before it is left.

        Raises:
            OverBudget, StoreUnavailable.
        """
        if change is None or not change[1]["opened"]:
            return await run()
        await self._payers.note(principal)
        hold = change[0].hold
        if hold is None:
            return await run()
        if shared_limits(hold):
            place = place_of(conversation_id, change[1]["opened"][0]["id"])
            reply = await finish(self._reserving(principal, place, hold, change[1]["hold"], run, begun))
        else:
            reply = await run()
        match reply:
            case [b"over", number, taken]:
                raise over(hold.limits[number - 1], hold, taken)
            case [b"late"]:
                raise StoreUnavailable(
                    f"It took longer than {LASTS_MS // 1000} s to begin this request, or the clocks of the "
                    "Redis nodes differ by that. Nothing was stored; try again."
                )
            case _:
                return reply

    async def _reserving(
        self,
        principal: str,
        place: str,
        hold: Hold,
        row: Row,
        run: Callable[[], Awaitable[Reply]],
        begun: Callable[[Reply], bool],
    ) -> Reply:
        """What the ledger's side is not known to have done is left to the sweep."""
        reservation = await self._installation.reserve(principal, place, hold)
        row["at"] = reservation.at
        if reservation.refused is not None:
            for limit in row["limits"]:
                limit["unheld"] = limit["scope"] == "installation"
        reply = await run()
        if reservation.made and not begun(reply):
            await self._installation.pay([place, "0"])
        if reply[0] == b"unheld" and reservation.refused is not None:
            raise reservation.refused
        return reply

    async def _pay_overdue(self) -> None:
        """See to holds whose process may have died. What cannot be reached is left for the next time."""
        with suppress(StoreUnavailable):
            found = await self._installation.overdue()
            replies = await self._server.try_all([self._what_became_of(overdue) for overdue in found])
            costs: list[str | bytes] = []
            abandoned: list[Overdue] = []
            for overdue, reply in zip(found, replies, strict=True):
                match reply:
                    case [b"closed", cost]:
                        costs += [overdue.place, cost]
                    case [b"none"]:
                        abandoned.append(overdue)
                    case _:  # it is open, or its node is away
                        pass
            await self._installation.pay(costs)
            await self._installation.give_up(abandoned)

    def _what_became_of(self, overdue: Overdue) -> Command:
        conversation_id, _, entry_id = overdue.place.partition(" ")
        return self._on(on_conversation("entry"), overdue.principal, conversation_id, entry=entry_id)
