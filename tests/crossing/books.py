"""What the store holds in the end: the log by its own reading, and the tables beside it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.bootstrap import make_store
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.fold import fold
from antiphon.domain.messages import Message
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.service import LOCAL_PRINCIPAL
from antiphon.settings import Settings
from antiphon.stores.base import Store
from antiphon.stores.frames import decode_all


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request, as the log has it. `held` and `cost` are nano-dollars."""

    place: tuple[str, int, int]
    """Turn, step, attempt."""
    model: str
    held: int
    cost: int
    failed: bool


@dataclass(frozen=True, kw_only=True)
class Book:
    messages: Sequence[Message]
    """From the root to the head, as the tables have them."""
    folded: Sequence[Message]
    """The same from the log."""
    attempts: Sequence[Attempt]
    ledger: UsageRow


class Books:
    """Reads a store that others write."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._store: Store = make_store(Settings(store=url))
        self._runner.run(self._store.open())

    def close(self) -> None:
        self._runner.run(self._store.close())
        self._runner.close()

    def read(self, name: str, conversation_id: str | None) -> Book:
        return self._runner.run(self._read(name, conversation_id))

    async def _read(self, name: str, conversation_id: str | None) -> Book:
        header = await self._header(name, conversation_id)
        frames = await self._store.read(header.id, 0, header.last_seq)
        rows = await self._store.usage(UsageQuery(conversation_id=header.id, by=("conversation",)))
        events = [event for _, event in decode_all(frames)]
        return Book(
            messages=[placed.message for placed in await self._store.path(header.id, header.head)],
            folded=fold(decode_all(frames)).path(),
            attempts=attempts_of(events),
            ledger=rows[0] if rows else UsageRow(key={}),
        )

    async def _header(self, name: str, conversation_id: str | None) -> Header:
        if conversation_id is not None:
            return await self._store.get(LOCAL_PRINCIPAL, conversation_id)
        header = await self._store.find(LOCAL_PRINCIPAL, name)
        assert header is not None
        return header


def attempts_of(events: Sequence[e.Event]) -> list[Attempt]:
    """Each request that was announced with its one end."""
    attempts: list[Attempt] = []
    turn_id, open_ = "", None
    for event in events:
        match event:
            case e.TurnStart():
                turn_id = event.turn_id
            case e.StepStart():
                assert open_ is None, "two requests at once"
                open_ = event
            case e.StepEnd() | e.AttemptError():
                assert open_ is not None
                assert (event.step, event.attempt) == (open_.step, open_.attempt)
                attempts.append(
                    Attempt(
                        place=(turn_id, event.step, event.attempt),
                        model=open_.model,
                        held=open_.held_nanodollars,
                        cost=event.cost_nanodollars,
                        failed=isinstance(event, e.AttemptError),
                    )
                )
                open_ = None
            case _:
                pass
    assert open_ is None, "a request without an end"
    return attempts
