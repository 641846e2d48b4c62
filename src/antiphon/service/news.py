"""News of a principal, for whoever follows one of its conversations: of the others, and of what is left.

They are best effort and never data: told by the process in which it happened, about once a second, and
forgotten where nobody listens. What a list or a budget really is, is read from the store.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from antiphon.clock import Clock, milliseconds
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.errors import NotFound, StoreError
from antiphon.money.budgets import Budget
from antiphon.service.spending import Standing, standings
from antiphon.stores.base import Store
from antiphon.stores.frames import Frame

PAUSE_S = 1.0
"""Between two tellings: of a conversation there is at most one in that time."""

TOLD_AT_ONCE = 20
"""Conversations of a principal in one telling; of more, those that changed last."""

PENDING = 50
"""News that wait for one reader; of more, the newest."""

OWNERS = 10_000
"""Conversations of which it is remembered whose they are."""


@dataclass(frozen=True, slots=True)
class ConversationNews:
    """`header` is None if it was deleted."""

    id: str
    header: Header | None


News: TypeAlias = ConversationNews | Standing


@dataclass(eq=False, slots=True)
class Listener:
    """A reader of one conversation, and what it is to be told of the rest. `wake` makes it look."""

    conversation_id: str
    wake: Callable[[], None]
    pending: dict[str, News] = field(default_factory=dict)

    def tell(self, key: str, news: News) -> None:
        self.pending.pop(key, None)
        self.pending[key] = news
        if len(self.pending) > PENDING:
            del self.pending[next(iter(self.pending))]

    def take(self) -> list[News]:
        taken = list(self.pending.values())
        self.pending.clear()
        return taken


@dataclass(slots=True)
class _Audience:
    """The listeners of one principal, what they have not been told yet, and what was left when they were."""

    listeners: set[Listener] = field(default_factory=set)
    changed: dict[str, None] = field(default_factory=dict)
    spent: bool = False
    left: dict[str, Standing] = field(default_factory=dict)


class Newsroom:
    """Gathers what changed and tells it. `close` it."""

    def __init__(
        self,
        store: Store,
        budgets: Sequence[Budget],
        clock: Clock,
        wake: Callable[[str], None],
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._store = store
        self._budgets = budgets
        self._clock = clock
        self._wake = wake
        self._pause_s = pause_s
        self._audiences: dict[str, _Audience] = {}
        self._owners: dict[str, str] = {}
        self._telling: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    @contextmanager
    def listen(self, principal: str, conversation_id: str) -> Generator[Listener]:
        """Hear of the principal's other conversations and budgets, while the body runs."""
        audience = self._audiences.setdefault(principal, _Audience())
        listener = Listener(conversation_id, lambda: self._wake(conversation_id))
        audience.listeners.add(listener)
        try:
            yield listener
        finally:
            audience.listeners.discard(listener)
            if not audience.listeners and self._audiences.get(principal) is audience:
                del self._audiences[principal]

    def owned(self, header: Header) -> None:
        """Remember whose it is: frames do not say."""
        if header.id not in self._owners:
            self._owners[header.id] = header.principal
            if len(self._owners) > OWNERS:
                del self._owners[next(iter(self._owners))]

    def heard(self, conversation_id: str, frames: Sequence[Frame]) -> None:
        """These were committed. It costs nothing where nobody listens."""
        if not self._audiences or not any(frame.type in _TOLD for frame in frames):
            return
        principal = self._owners.get(conversation_id)
        if principal is not None:
            spent = any(frame.type in _SPENDING for frame in frames)
            self.changed(principal, conversation_id, spent=spent)

    def changed(self, principal: str, conversation_id: str, *, spent: bool = False) -> None:
        """A conversation was made, deleted or changed."""
        audience = self._audiences.get(principal)
        if audience is None:
            return
        audience.changed.pop(conversation_id, None)
        audience.changed[conversation_id] = None
        audience.spent = audience.spent or spent
        if len(audience.changed) > TOLD_AT_ONCE:
            del audience.changed[next(iter(audience.changed))]
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        """Until there is nothing new: at once, and then after a pause each time."""
        while due := [one for one in self._audiences.items() if one[1].changed]:
            for principal, audience in due:
                with suppress(StoreError):
                    await self._tell(principal, audience)
            await asyncio.sleep(self._pause_s)

    async def _tell(self, principal: str, audience: _Audience) -> None:
        changed, audience.changed = list(audience.changed), {}
        spent, audience.spent = audience.spent, False
        news: dict[str, News] = {}
        for conversation_id in changed:
            news[conversation_id] = await self._of_conversation(principal, conversation_id)
        if spent and self._budgets:
            news |= await self._left(principal, audience)
        for listener in audience.listeners:
            for key, each in news.items():
                if key != listener.conversation_id:
                    listener.tell(key, each)
            if listener.pending:
                listener.wake()

    async def _of_conversation(self, principal: str, conversation_id: str) -> ConversationNews:
        try:
            header = await self._store.get(principal, conversation_id)
        except NotFound:
            return ConversationNews(conversation_id, None)
        return ConversationNews(conversation_id, header)

    async def _left(self, principal: str, audience: _Audience) -> dict[str, Standing]:
        """Of the budgets that span conversations those of which something else is left than was told."""
        at = milliseconds(self._clock)
        known = await standings(self._store, self._budgets, principal, None, at)
        now = {standing.budget: standing for standing in known if standing.left is not None}
        before, audience.left = audience.left, now
        return {budget: standing for budget, standing in now.items() if before.get(budget) != standing}


_TOLD = {
    event.type
    for event in (
        e.TurnQueue,
        e.TurnStart,
        e.TurnEnd,
        e.SettingsChange,
        e.TitleChange,
        e.HeadMove,
        e.RequestEnd,
    )
}
_SPENDING = {e.StepStart.type, e.StepEnd.type, e.AttemptError.type, e.RequestEnd.type}
