"""`Service`: what can be done with conversations and turns, whoever asks."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, aclosing, suppress
from dataclasses import replace
from typing import Any

from antiphon.clock import Clock, milliseconds
from antiphon.context.routing import AUTO
from antiphon.domain import events as e
from antiphon.domain.approvals import Decision, resolve_by
from antiphon.domain.conversations import Header, Totals
from antiphon.domain.fold import fold
from antiphon.domain.ids import check_session_name, conversation_of, new_id
from antiphon.domain.messages import Message, clean_json, clean_text
from antiphon.domain.state import Conversation
from antiphon.errors import AntiphonError, Busy, Conflict, InvalidRequest, NotFound, OverBudget
from antiphon.money.budgets import Budget, limits_of
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.money.table import ModelTable
from antiphon.service.answers import Answer, TurnFrames, read_answer
from antiphon.service.asking import Ask, acceptance
from antiphon.service.deciding import Decider, deciding
from antiphon.service.file_verbs import FileVerbs
from antiphon.service.news import Listener, Newsroom
from antiphon.service.portable import export_from, files_from, imported
from antiphon.service.spending import Standing, standings
from antiphon.stores.base import Accepted, Change, Hit, Store
from antiphon.stores.frames import Frame, decode_all
from antiphon.tools.toolbox import Toolbox
from antiphon.turns.approving import permissions_in, undecided
from antiphon.turns.billing import budgets_of
from antiphon.turns.endings import withdrawn
from antiphon.turns.engine import Engine
from antiphon.turns.hub import Hub

DEFAULT_SYSTEM = "You are a helpful assistant."
LOCAL_PRINCIPAL = "local"
"""Who is asking where nobody signs in: the person at this machine."""


LONG_LOG = 500
"""Events from which on a log is folded in a thread, so that streams go on meanwhile."""


class Service(FileVerbs):
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        hub: Hub,
        models: ModelTable,
        budgets: Sequence[Budget],
        clock: Clock,
        lease_s: float,
        queue_max: int,
        toolbox: Toolbox,
    ) -> None:
        super().__init__(store, models)
        self._engine = engine
        self._hub = hub
        self._budgets = budgets
        self._clock = clock
        self._lease_s = lease_s
        self._queue_max = queue_max
        self._toolbox = toolbox
        self._news = Newsroom(store, budgets, clock, hub.wake)
        hub.heard = self._news.heard

    async def close(self, drain_s: float = 0.0) -> None:
        """Let the turns that run here finish for `drain_s` seconds, then let go of them, store and model."""
        await self._news.close()
        await self._engine.close(drain_s)

    # Conversations

    async def create(
        self,
        principal: str,
        *,
        title: str = "",
        system: str = DEFAULT_SYSTEM,
        model: str = "",
        options: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> Header:
        """Make a conversation; with a `name` that is taken, return the one that has it.

        It has the tools that are on offer here, and each of its turns begins with those on offer then.

        Raises:
            InvalidRequest, UnknownModel, StoreUnavailable.
        """
        if name is not None:
            check_session_name(name)
        self._check_model(model)
        event = e.ConversationCreate(
            at=milliseconds(self._clock),
            title=clean_text(title),
            system=clean_text(system),
            model=model,
            options=clean_json(options or {}),
            tools=self._toolbox.entries(),
        )
        header = await self._store.create(principal, new_id(), event, name=name)
        self._news.changed(principal, header.id)
        return header

    async def update(
        self,
        principal: str,
        conversation_id: str,
        *,
        title: str | None = None,
        system: str | None = None,
        model: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> Header:
        """Change what is given. A turn that runs goes on as it began.

        Raises:
            NotFound, UnknownModel.
        """
        self._check_model(model or "")
        await self.get(principal, conversation_id)
        at = milliseconds(self._clock)
        events: list[e.Event] = []
        if title is not None:
            events.append(e.TitleChange(at=at, title=clean_text(title)))
        if system is not None or model is not None or options is not None:
            events.append(
                e.SettingsChange(at=at, **clean_json({"system": system, "model": model, "options": options}))
            )
        if events:
            await self._engine.append(conversation_id, Change(events=events))
        return await self.get(principal, conversation_id)

    async def move_head(self, principal: str, conversation_id: str, message_id: str | None) -> Header:
        """Show, and go on from, another branch. Raises NotFound, Busy (a turn runs)."""
        header = await self.get(principal, conversation_id)
        if header.running is not None:
            raise Busy("A turn is running in this conversation; stop it first.", turn_id=header.running)
        await self._store.path(header.id, message_id)
        move = e.HeadMove(at=milliseconds(self._clock), message_id=message_id)
        await self._engine.append(conversation_id, Change(events=[move]))
        return await self.get(principal, conversation_id)

    async def export(self, principal: str, conversation_id: str) -> dict[str, Any]:
        """The conversation as a document that `import_` reads. Raises NotFound."""
        header = await self.get(principal, conversation_id)
        return await export_from(self._store, header)

    async def import_(self, principal: str, document: Any) -> Header:
        """Make a conversation from an exported one, under a new id. Raises InvalidRequest, NewerData."""
        conversation_id = new_id()
        files = await files_from(document, self._attaching, principal)
        create, change = imported(document, conversation_id, milliseconds(self._clock), files)
        self._news.owned(await self._store.create(principal, conversation_id, create))
        try:
            await self._engine.append(conversation_id, change)
        except BaseException:
            with suppress(AntiphonError):  # what is told is why it could not be read in
                await self.delete(principal, conversation_id)
            raise
        return await self.get(principal, conversation_id)

    @property
    def models(self) -> ModelTable:
        """The models that can be asked, with what is known of them."""
        return self._models

    async def get(self, principal: str, conversation_id: str) -> Header:
        """Raises NotFound."""
        header = await self._store.get(principal, conversation_id)
        self._news.owned(header)
        return header

    async def find(self, principal: str, name: str) -> Header | None:
        return await self._store.find(principal, check_session_name(name))

    async def recent(
        self, principal: str, *, before: tuple[int, str] | None = None, limit: int = 50
    ) -> list[Header]:
        """Newest change first."""
        return await self._store.recent(principal, before=before, limit=limit)

    async def search(
        self, principal: str, query: str, *, before: tuple[int, str, str] | None = None, limit: int = 20
    ) -> list[Hit]:
        """Messages that have all words of `query`, newest first, also those that are not sent any more."""
        return await self._store.search(principal, query, before=before, limit=limit)

    async def messages(self, principal: str, conversation_id: str) -> list[Message]:
        """The messages from the root to the head."""
        header = await self.get(principal, conversation_id)
        return [placed.message for placed in await self._store.path(header.id, header.head)]

    async def snapshot(self, principal: str, conversation_id: str) -> Conversation:
        """All that is shown, folded up to its `seq`. Raises NotFound.

        Deltas are read of the turn that runs; those of the others add nothing to their whole blocks.
        """
        header = await self.get(principal, conversation_id)
        since = header.last_seq
        if header.running is not None:
            since = (await self._store.turn(header.id, header.running)).seq
        frames = await self._store.read(header.id, 0, header.last_seq, deltas_after=since)
        if len(frames) < LONG_LOG:
            return fold(decode_all(frames))
        return await asyncio.to_thread(lambda: fold(decode_all(frames)))

    async def totals(self, principal: str, conversation_id: str) -> Totals:
        """What it used and cost so far. Raises NotFound."""
        header = await self.get(principal, conversation_id)
        return await self._store.totals(header.id)

    async def usage(self, query: UsageQuery) -> list[UsageRow]:
        """Sums of the ledger: what was used, and what it cost."""
        return await self._store.usage(query)

    async def standings(self, principal: str, conversation_id: str | None = None) -> list[Standing]:
        """The budgets in force, and what is left of them for this principal, and this conversation."""
        at = milliseconds(self._clock)
        return await standings(self._store, self._budgets, principal, conversation_id, at)

    async def delete(self, principal: str, conversation_id: str) -> None:
        """Stop what runs in it and remove it. Raises NotFound."""
        header = await self.get(principal, conversation_id)
        await self._store.delete(principal, conversation_id)
        self._stop_deleted(header)

    async def forget(self, principal: str, name: str) -> None:
        """Remove a name and the conversation it points to; unknown names are no error."""
        header = await self._store.forget(principal, check_session_name(name))
        if header is not None:
            self._stop_deleted(header)

    def _stop_deleted(self, header: Header) -> None:
        if header.running is not None:
            self._engine.abandon(header.running)
        self._hub.vanish(header.id)
        self._news.changed(header.principal, header.id)

    # Turns

    async def send(
        self, principal: str, conversation_id: str, ask: Ask, *, header: Header | None = None
    ) -> Accepted:
        """Accept a message; its turn runs by itself from here on, whoever listens.

        `header` is the conversation's, from whoever has just read it for this principal.

        Raises:
            InvalidRequest, UnknownModel, TooLarge, NotFound, Busy, KeyReused, QueueFull, OverBudget,
                StoreUnavailable: nothing was stored.
        """
        self._check_model(ask.settings.get("model") or "")
        if header is None:
            header = await self.get(principal, conversation_id)
        self._news.owned(header)
        request = acceptance(
            header.id,
            await self._attached(principal, ask, header.model),
            at=milliseconds(self._clock),
            owner=self._engine.owner,
            lease_s=self._lease_s,
            queue_max=self._queue_max,
        )
        if (tools := self._toolbox.entries()) != header.tools:
            queue = replace(request.queue, settings={**request.queue.settings, "tools": tools})
            request = replace(request, queue=queue)
        if (spent := await self._spent(header, request.queue)) is not None:
            known = await self._store.known(request)  # the same message again is no new request
            if known is None:
                raise spent
            return known
        await self._check_place(header, ask)
        return await self._engine.accept(request, header)

    async def _spent(self, header: Header, queue: e.TurnQueue) -> OverBudget | None:
        """Where a budget has nothing left, no message is accepted."""
        budgets = (*self._budgets, *budgets_of(queue))
        limits = limits_of(budgets, principal=header.principal, conversation_id=header.id, at=queue.at)
        for limit, left in zip(limits, await self._store.left(limits) if limits else (), strict=True):
            if left <= 0:
                return limit.over(left)
        return None

    async def _check_place(self, header: Header, ask: Ask) -> None:
        """What the message is to follow must be there, and an answer is only made again for a question."""
        if ask.after_turn is not None:
            await self._store.turn(header.id, ask.after_turn)
        if ask.parent_id in (None, e.HEAD):
            return
        parent = (await self._store.path(header.id, ask.parent_id))[-1].message
        if ask.content is None and parent.role != "user":
            raise InvalidRequest("Only a user's message can be answered again: name it as parent_id.")

    def is_gone(self, conversation_id: str) -> bool:
        """Whether a conversation that is followed here was deleted: its follower has a sign of life then."""
        return self._hub.is_gone(conversation_id)

    def follow(self, conversation_id: str, after: int) -> AsyncGenerator[list[Frame], None]:
        """Committed frames with a greater seq, without end; an empty list is a sign of life.

        Whoever calls has checked, by `get`, that the principal may see the conversation.
        """
        return self._hub.follow(conversation_id, after)

    def news(self, principal: str, conversation_id: str) -> AbstractContextManager[Listener]:
        """Hear of the principal's other conversations and budgets while this one is followed. Best effort."""
        return self._news.listen(principal, conversation_id)

    async def answer(self, accepted: Accepted, decider: Decider | None = None) -> Answer:
        """Wait for the end of a turn.

        Raises:
            NotFound: its conversation was deleted meanwhile.
            StoreUnavailable: the store cannot be read, or Antiphon was closed here.
        """
        frames: list[Frame] = []
        async with aclosing(self.follow_turn(accepted, decider)) as batches:
            async for batch in batches:
                frames.extend(frame for frame in batch if frame.type != e.BlockDelta.type)
        return read_answer(accepted.turn_id, frames)

    def follow_turn(
        self, accepted: Accepted, decider: Decider | None = None
    ) -> AsyncGenerator[list[Frame], None]:
        """The frames from a turn's `turn_queue` to its `turn_end`; an empty list is a sign of life.

        Frames of turns that ran before it are left out. The `decider` is asked where its tools ask first;
        without one, the turn waits until somebody else decides.
        """
        known = [frame for frame in accepted.frames if frame.seq >= accepted.seq]
        batches = self._follow_turn(accepted.turn_id, accepted.seq, known)
        return batches if decider is None else deciding(batches, decider, self.approve)

    async def _follow_turn(
        self, turn_id: str, seq: int, known: list[Frame]
    ) -> AsyncGenerator[list[Frame], None]:
        conversation_id = conversation_of(turn_id) or ""
        turn = TurnFrames(turn_id)
        async with aclosing(self._hub.follow(conversation_id, seq - 1, known)) as batches:
            async for batch in batches:
                mine = turn.of(batch)
                if not mine and self.is_gone(conversation_id):
                    raise NotFound("This conversation was deleted; its answer is gone with it.")
                yield mine
                if turn.ended:
                    return

    async def cancel(self, principal: str, turn_id: str, seen_seq: int | None = None) -> None:
        """Stop a turn; of its answer stays what was seen up to `seen_seq` (default: all that is committed).

        A turn that has ended stays as it is. Raises NotFound.
        """
        header = await self.get(principal, conversation_of(turn_id) or "")
        record = await self._store.turn(header.id, turn_id)
        if record.status not in ("queued", "running", "waiting"):
            return
        at = milliseconds(self._clock)
        if record.status == "queued" and header.running != turn_id:
            change = withdrawn(turn_id, record.queue.message_id, at)
            if await self._engine.withdraw(header.id, turn_id, change):
                return
        seen = header.last_seq if seen_seq is None else min(seen_seq, header.last_seq)
        request = e.CancelRequest(at=at, turn_id=turn_id, seen_seq=seen)
        await self._engine.stop(header.id, Change(events=[request]))

    async def approve(self, principal: str, approval_id: str, decision: Decision) -> None:
        """Say whether a tool may run. The first decision wins; the same one again changes nothing.

        Raises:
            NotFound. Conflict: another decision was made before, or it comes too late.
        """
        header = await self.get(principal, conversation_of(approval_id) or "")
        resolve = resolve_by(decision, approval_id, principal, milliseconds(self._clock))
        await self._engine.resolve(header.id, resolve)

    async def settle(self, header: Header, decider: Decider) -> None:
        """Decide what an earlier turn still asks, whose process may be gone: the next waits behind it."""
        if header.running is None:
            return
        record = await self._store.turn(header.id, header.running)
        if record.status != "waiting":
            return
        frames = await self._store.read(header.id, record.seq, record.header.last_seq)
        for permission in undecided(permissions_in(frames)):
            decision = await decider.decide(permission.request)
            with suppress(Conflict, NotFound):  # another was faster
                await self.approve(decider.principal, permission.request.approval_id, decision)

    def _check_model(self, model: str) -> None:
        if model and model != AUTO:
            self._models.get(model)
