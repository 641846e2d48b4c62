"""The verbs. Library, command line and HTTP are skins over these; each checks who is asking."""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from antiphon.clock import Clock, milliseconds
from antiphon.domain import events as e
from antiphon.domain.conversations import Header, Totals
from antiphon.domain.fold import fold
from antiphon.domain.ids import check_session_name, conversation_of, new_id, new_turn_id
from antiphon.domain.messages import Block, Message, clean_json, clean_text, text_block, text_of
from antiphon.domain.state import Conversation, Turn
from antiphon.errors import InvalidRequest, NotFound
from antiphon.money.table import ModelTable
from antiphon.stores.base import Acceptance, Accepted, Change, Store, WhenBusy
from antiphon.stores.frames import Frame, decode, decode_all
from antiphon.turns.endings import withdrawn
from antiphon.turns.engine import Engine
from antiphon.turns.hub import Hub

DEFAULT_SYSTEM = "You are a helpful assistant."
LOCAL_PRINCIPAL = "local"
"""Who is asking where nobody signs in: the person at this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a turn asks. `content` is text or a list of blocks."""

    content: str | Sequence[Block]
    settings: dict[str, Any] = field(default_factory=dict)
    """Changes of the conversation's settings from this turn on: system, model."""
    options: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    when_busy: WhenBusy = "queue"
    restart: Literal["allowed", "never"] = "allowed"
    keep_partial: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a turn ended, and the message it left, if any. `seq` is that of its end."""

    turn: Turn
    message: Message | None
    seq: int

    @property
    def text(self) -> str:
        """The visible text; for a refusal, the sentence that says so."""
        if self.turn.status == "refused" and self.turn.error is not None:
            return self.turn.error.detail
        return text_of(self.message.content) if self.message else ""


class Service:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        hub: Hub,
        models: ModelTable,
        clock: Clock,
        lease_s: float,
        queue_max: int,
    ) -> None:
        self._store = store
        self._engine = engine
        self._hub = hub
        self._models = models
        self._clock = clock
        self._lease_s = lease_s
        self._queue_max = queue_max

    async def close(self, drain_s: float = 0.0) -> None:
        """Let the turns that run here finish for `drain_s` seconds, then let go of them, store and model."""
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
        tools: Sequence[str] = (),
        name: str | None = None,
    ) -> Header:
        """Make a conversation; with a `name` that is taken, return the one that has it.

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
            tools=tuple(tools),
        )
        return await self._store.create(principal, new_id(), event, name=name)

    async def get(self, principal: str, conversation_id: str) -> Header:
        """Raises NotFound."""
        return await self._store.get(principal, conversation_id)

    async def find(self, principal: str, name: str) -> Header | None:
        return await self._store.find(principal, check_session_name(name))

    async def recent(
        self, principal: str, *, before: tuple[int, str] | None = None, limit: int = 50
    ) -> list[Header]:
        """Newest change first."""
        return await self._store.recent(principal, before=before, limit=limit)

    async def messages(self, principal: str, conversation_id: str) -> list[Message]:
        """The messages from the root to the head."""
        header = await self.get(principal, conversation_id)
        return [placed.message for placed in await self._store.path(header.id, header.head)]

    async def snapshot(self, principal: str, conversation_id: str) -> Conversation:
        """All that is shown, folded up to its `seq`. Raises NotFound."""
        header = await self.get(principal, conversation_id)
        frames = await self._store.read(header.id, 0, header.last_seq)
        return fold(decode_all(frames))

    async def totals(self, principal: str, conversation_id: str) -> Totals:
        """What it used and cost so far. Raises NotFound."""
        header = await self.get(principal, conversation_id)
        return await self._store.totals(header.id)

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
        self._hub.wake(header.id)

    # Turns

    async def send(self, principal: str, conversation_id: str, ask: Ask) -> Accepted:
        """Accept a message; its turn runs by itself from here on, whoever listens.

        Raises:
            InvalidRequest, UnknownModel, NotFound, Busy, KeyReused, QueueFull, StoreUnavailable: nothing was
                stored.
        """
        content = self._content(ask.content)
        self._check_model(ask.settings.get("model") or "")
        header = await self.get(principal, conversation_id)
        at, turn_id, message_id = milliseconds(self._clock), new_turn_id(header.id), new_id()
        queue = e.TurnQueue(
            at=at,
            turn_id=turn_id,
            message_id=message_id,
            settings=clean_json(ask.settings),
            options=clean_json(ask.options),
            restart=ask.restart,
            keep_partial=ask.keep_partial,
        )
        body = msgspec.json.encode([content, ask.settings, ask.options, ask.when_busy], order="sorted")
        return await self._engine.accept(
            Acceptance(
                conversation_id=header.id,
                queue=queue,
                message=e.MessageAdd(at=at, message_id=message_id, turn_id=turn_id, content=content),
                owner=self._engine.owner,
                lease_s=self._lease_s,
                key=ask.key,
                body_hash=hashlib.sha256(body).hexdigest(),
                when_busy=ask.when_busy,
                queue_max=self._queue_max,
            )
        )

    def follow(self, conversation_id: str, after: int) -> AsyncGenerator[list[Frame], None]:
        """Committed frames with a greater seq, without end; an empty list is a sign of life.

        Whoever calls has checked, by `get`, that the principal may see the conversation.
        """
        return self._hub.follow(conversation_id, after)

    async def answer(self, accepted: Accepted) -> Answer:
        """Wait for the end of a turn. Raises NotFound if its conversation is deleted meanwhile."""
        frames: list[Frame] = []
        async with aclosing(self.follow_turn(accepted)) as batches:
            async for batch in batches:
                frames.extend(frame for frame in batch if frame.type != e.BlockDelta.type)
        return read_answer(accepted.turn_id, frames)

    async def follow_turn(self, accepted: Accepted) -> AsyncGenerator[list[Frame], None]:
        """The frames from a turn's `turn_queue` to its `turn_end`; an empty list is a sign of life.

        Frames of turns that ran before it are left out.
        """
        conversation_id = conversation_of(accepted.turn_id) or ""
        running = False
        async with aclosing(self.follow(conversation_id, accepted.seq - 1)) as batches:
            async for batch in batches:
                if not batch and not await self._store.last_seqs([conversation_id]):
                    raise NotFound("This conversation was deleted; its answer is gone with it.")
                mine: list[Frame] = []
                for frame in batch:
                    starts_or_ends = frame.type in (e.TurnStart.type, e.TurnEnd.type, e.TurnQueue.type)
                    named = starts_or_ends and _turn_of(frame) == accepted.turn_id
                    running = running or (named and frame.type == e.TurnStart.type)
                    if running or named:
                        mine.append(frame)
                    if named and frame.type == e.TurnEnd.type:
                        yield mine
                        return
                yield mine

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
        await self._engine.append(header.id, Change(events=[request]))

    def _content(self, content: str | Sequence[Block]) -> tuple[Block, ...]:
        blocks = [text_block(content)] if isinstance(content, str) else list(content)
        if not blocks or all(block.get("type") == "text" and not block["text"].strip() for block in blocks):
            raise InvalidRequest("The message is empty. Write something and send it again.")
        return tuple(clean_json(blocks))

    def _check_model(self, model: str) -> None:
        if model:
            self._models.get(model)


def _turn_of(frame: Frame) -> str | None:
    return getattr(decode(frame), "turn_id", None)


def read_answer(turn_id: str, frames: Sequence[Frame]) -> Answer:
    """The answer in a turn's frames; `block_delta` frames are not needed."""
    shown = fold(decode_all(frames))
    turn = shown.turns[turn_id]
    last = turn.steps[-1][0] if turn.steps else None
    return Answer(turn=turn, message=shown.messages.get(last or ""), seq=frames[-1].seq)
