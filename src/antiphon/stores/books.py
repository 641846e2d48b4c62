"""The ledger and its accounts in memory: what `MemoryStore` keeps of money, and the reference for others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeAlias

from antiphon.money.budgets import Hold, Limit
from antiphon.money.ledger import OPEN, Dimension, EntryChange, UsageQuery, UsageRow

Sums: TypeAlias = dict[tuple[str, ...], UsageRow]
"""By the values of what they are summed by, in that order."""


@dataclass(slots=True)
class Account:
    spent: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A request in the ledger, with the accounts that hold, or held, what it may cost."""

    principal: str
    conversation_id: str
    change: EntryChange
    accounts: tuple[str, ...] = ()

    @property
    def charged(self) -> int:
        change = self.change
        return change.held_nanodollars if change.status == OPEN else change.cost_nanodollars


@dataclass(slots=True)
class Books:
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)

    def hold(self, hold: Hold) -> None:
        """Raises OverBudget: one account has too little left; then none holds anything."""
        for limit, left in zip(hold.limits, self.left(hold.limits), strict=True):
            if hold.nanodollars > left:
                raise limit.over(left)
        for limit in hold.limits:
            account = self.accounts.setdefault(limit.account, self._account(limit))
            account.held += hold.nanodollars

    def left(self, limits: Sequence[Limit]) -> list[int]:
        """To look at an account does not open it."""
        accounts = [self._account(limit) for limit in limits]
        return [
            limit.nanodollars - account.spent - account.held
            for limit, account in zip(limits, accounts, strict=True)
        ]

    def _account(self, limit: Limit) -> Account:
        """An account that is new has spent what the ledger says."""
        if (known := self.accounts.get(limit.account)) is not None:
            return known
        covered = (entry for entry in self.entries.values() if _covers(limit, entry))
        return Account(spent=sum(entry.charged for entry in covered))

    def write(
        self, principal: str, conversation_id: str, changes: Iterable[EntryChange], hold: Hold | None
    ) -> None:
        for change in changes:
            key = conversation_id, change.id
            known = self.entries.get(key)
            if change.status == OPEN and known is None:
                accounts = tuple(limit.account for limit in hold.limits) if hold else ()
                self.entries[key] = Entry(
                    principal=principal, conversation_id=conversation_id, change=change, accounts=accounts
                )
            elif change.status != OPEN and known is not None and known.change.status == OPEN:
                self._settle(key, known, closed(known.change, change))

    def close_all(self, conversation_id: str, status: str) -> None:
        """Requests of a conversation that is gone have cost what was held for them."""
        for key, entry in list(self.entries.items()):
            if entry.conversation_id == conversation_id and entry.change.status == OPEN:
                bound = entry.change.held_nanodollars
                self._settle(key, entry, replace(entry.change, status=status, cost_nanodollars=bound))

    def _settle(self, key: tuple[str, str], entry: Entry, change: EntryChange) -> None:
        for name in entry.accounts:
            account = self.accounts[name]
            account.held -= entry.change.held_nanodollars
            account.spent += change.cost_nanodollars
        self.entries[key] = replace(entry, change=change)

    def usage(self, query: UsageQuery) -> list[UsageRow]:
        sums: Sums = {}
        add_up(sums, self.entries.values(), query)
        return rows_of(sums, query)


def add_up(sums: Sums, entries: Iterable[Entry], query: UsageQuery) -> None:
    """Add to sums those of the entries that are asked for."""
    for entry in entries:
        if _wanted(query, entry):
            place = tuple(_value(name, entry) for name in query.by)
            sums[place] = added(sums.get(place, UsageRow(key={})), entry.change)


def rows_of(sums: Sums, query: UsageQuery) -> list[UsageRow]:
    return [replace(sums[place], key=dict(zip(query.by, place, strict=True))) for place in sorted(sums)]


def closed(opened: EntryChange, end: EntryChange) -> EntryChange:
    """The entry with its end; what was said at its opening stays."""
    return replace(
        end,
        at=opened.at,
        turn_id=opened.turn_id,
        purpose=opened.purpose,
        model=opened.model,
        held_nanodollars=opened.held_nanodollars,
    )


def added(row: UsageRow, change: EntryChange) -> UsageRow:
    """A sum with one entry more."""
    is_open = change.status == OPEN
    cost = change.held_nanodollars if is_open else change.cost_nanodollars
    return replace(
        row,
        requests=row.requests + 1,
        usage=row.usage + change.usage,
        cost_nanodollars=row.cost_nanodollars + cost,
        saved_nanodollars=row.saved_nanodollars + change.saved_nanodollars,
        unsettled_nanodollars=row.unsettled_nanodollars + (0 if change.prices else cost),
        open_nanodollars=row.open_nanodollars + (cost if is_open else 0),
    )


def day_of(at: int) -> str:
    """The UTC day of a time in milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def _value(name: Dimension, entry: Entry) -> str:
    match name:
        case "day":
            return day_of(entry.change.at)
        case "model":
            return entry.change.model or ""
        case "purpose":
            return entry.change.purpose
        case "conversation":
            return entry.conversation_id
        case "principal":
            return entry.principal


def _wanted(query: UsageQuery, entry: Entry) -> bool:
    at = entry.change.at
    asked = {query.principal: entry.principal, query.conversation_id: entry.conversation_id}
    mine = all(wanted in (None, value) for wanted, value in asked.items())
    return mine and query.since <= at and (query.until is None or at < query.until)


def _covers(limit: Limit, entry: Entry) -> bool:
    owners = {"conversation": entry.conversation_id, "principal": entry.principal, "installation": ""}
    return owners.get(limit.scope) == limit.owner and entry.change.at >= limit.since
