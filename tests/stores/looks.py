"""What can be read of a store, all of it: to be compared with what another one says."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from antiphon.domain import events as e
from antiphon.domain.files import File, Media, file_of
from antiphon.errors import AntiphonError
from antiphon.money.budgets import Limit, Scope
from antiphon.money.ledger import UsageQuery
from antiphon.stores.base import Acceptance, Lease, Store

PRINCIPALS = ("me", "you")
NAMES = ("support", "work")
QUERIES = ("É", "wor", "work 🙂", "語")
FILES: dict[str, tuple[File, ...]] = {
    principal: tuple(file_of(principal, data, Media(media_type="text/plain")) for data in (b"one", b"two"))
    for principal in PRINCIPALS
}
LIMITS: dict[Scope, int] = {"conversation": 2**54 + 1, "installation": 2**55, "principal": 2**54 + 9}


@dataclass
class Known:
    """Ids that were made, and leases that were given: some of them are stale by now."""

    conversations: list[tuple[str, str]] = field(default_factory=list)
    turns: list[Acceptance] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    approvals: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def note(self, acceptance: Acceptance) -> None:
        self.turns.append(acceptance)
        if acceptance.message is not None:
            self.messages.append(acceptance.message.message_id)

    def part_with(self, conversation_id: str) -> None:
        """It is gone: it is asked for still, but seldom, as whatever is old."""
        self.conversations.sort(key=lambda known: known[1] != conversation_id)

    def asked(self, turn_id: str) -> e.MessageAdd | None:
        """The message that a turn was accepted with."""
        return next(turn.message for turn in self.turns if turn.queue.turn_id == turn_id)

    def before(self, message: e.MessageAdd | None) -> list[str]:
        """Messages that may be its parents: a tree has no rings."""
        if message is None or message.message_id not in self.messages:
            return self.messages
        return self.messages[: self.messages.index(message.message_id)]

    def owner(self, conversation_id: str) -> str:
        return next(principal for principal, key in self.conversations if key == conversation_id)


@dataclass(frozen=True)
class Look:
    """Where a reader's cursors stand, and how much it asks for."""

    limit: int
    after: int
    until: int
    before: tuple[int, str] | None

    async def at(self, store: Store, known: Known) -> dict[str, Any]:
        """By what was asked."""
        seen: dict[str, Any] = {}
        for principal in PRINCIPALS:
            seen |= await self._principal(store, principal)
        for principal, conversation_id in known.conversations:
            seen |= await self._conversation(store, principal, conversation_id)
            for message_id in known.messages[-5:]:
                path = store.path(conversation_id, message_id)
                seen[f"path {message_id} of {conversation_id}"] = await outcome(path)
        for turn in known.turns:
            turn_id = turn.queue.turn_id
            seen[f"turn {turn_id}"] = await outcome(store.turn(turn.conversation_id, turn_id))
        for query in self._queries(known):
            seen[repr(query)] = await store.usage(query)
        keys = [conversation_id for _, conversation_id in known.conversations]
        return {**seen, "last seqs": await store.last_seqs(keys)}

    async def _principal(self, store: Store, principal: str) -> dict[str, Any]:
        files = [file.facts.id for mine in FILES.values() for file in mine]
        seen: dict[str, Any] = {f"name {name}": await store.find(principal, name) for name in NAMES}
        for query in QUERIES:
            hits = await store.search(principal, query, limit=self.limit)
            further = hits[-1].place if hits else None
            seen[f"search {query}"] = hits
            seen[f"search {query} on"] = await store.search(
                principal, query, before=further, limit=self.limit
            )
        seen["recent"] = await store.recent(principal, before=self.before, limit=self.limit)
        seen["files"] = [await outcome(store.file(principal, file_id)) for file_id in files]
        seen["facts"] = await store.file_facts(principal, files)
        return {f"{what} of {principal}": answer for what, answer in seen.items()}

    async def _conversation(self, store: Store, principal: str, conversation_id: str) -> dict[str, Any]:
        header = await outcome(store.get(principal, conversation_id))
        head, after = getattr(header, "head", "?"), self.after
        seen = {
            "header": header,
            "events": await store.read(conversation_id, after, self.limit),
            "fewer": await store.read(conversation_id, after, self.limit, deltas_after=after + 2),
            "totals": await outcome(store.totals(conversation_id)),
            "path": await outcome(store.path(conversation_id, head)),
            "no path": await outcome(store.path(conversation_id, None)),
        }
        if not isinstance(header, tuple):
            seen["left"] = await store.left(limits_of(principal, conversation_id))
        return {f"{what} of {conversation_id}": answer for what, answer in seen.items()}

    def _queries(self, known: Known) -> list[UsageQuery]:
        first = known.conversations[0][1] if known.conversations else "0"
        return [
            UsageQuery(by=("principal", "purpose", "conversation", "model", "day")),
            UsageQuery(principal=PRINCIPALS[0], since=1001, until=self.until),
            UsageQuery(conversation_id=first, by=()),
        ]


def limits_of(principal: str, conversation_id: str) -> tuple[Limit, ...]:
    """A budget of each scope; all requests are held in them."""
    owners = {"conversation": conversation_id, "installation": "", "principal": principal}
    return tuple(
        Limit(scope=scope, period="total", owner=owners[scope], since=0, nanodollars=most)
        for scope, most in LIMITS.items()
    )


async def outcome(call: Awaitable[Any]) -> Any:
    """What it returned, or what kind of error it raised, with its facts."""
    try:
        return await call
    except AntiphonError as error:
        return type(error), error.facts


def difference(answer: Any, expected: Any) -> Any:
    """Both answers; of a look only what differs."""
    if not isinstance(answer, dict) or not isinstance(expected, dict):
        return answer, expected
    return {what: (answer[what], expected[what]) for what in answer if answer[what] != expected[what]}
