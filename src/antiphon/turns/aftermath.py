"""What follows an answer, beside it: naming its conversation, and keeping its cache warm while that pays."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace

import structlog

from antiphon.context.lifetime import next_ping_s
from antiphon.context.parameters import prewarms
from antiphon.context.titles import clean_title, title_request
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.messages import Message, text_of
from antiphon.domain.plans import RequestPlan
from antiphon.errors import AntiphonError
from antiphon.stores.base import Change
from antiphon.stores.frames import Frame
from antiphon.turns import endings
from antiphon.turns.asides import announce, broken_off, listen
from antiphon.turns.ground import Ground, stakes
from antiphon.turns.parts import Parts
from antiphon.turns.writing import Writing

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A turn that came to its own end, and the last request it made."""

    ground: Ground
    plan: RequestPlan
    answer: Message

    @property
    def header(self) -> Header:
        return self.ground.progress.header


class Aftermath:
    """Its requests run in tasks of their own; none outlives `close`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._naming: set[asyncio.Task[None]] = set()
        self._keeping: dict[str, asyncio.Task[None]] = {}

    def follow(self, answered: Answered) -> None:
        """Begin what is to follow this answer."""
        if answered.ground.titled and self._names(answered):
            task = self._start(self._name(answered))
            self._naming.add(task)
            task.add_done_callback(self._naming.discard)
        if self._keeps(answered):
            self.forget(answered.header.id)
            self._keeping[answered.header.id] = self._start(self._keep(answered))

    def forget(self, conversation_id: str) -> None:
        """Its cache need not be kept warm any more: the next message is here."""
        if (task := self._keeping.pop(conversation_id, None)) is not None:
            task.cancel()

    async def close(self) -> None:
        tasks = [*self._naming, *self._keeping.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        return asyncio.create_task(self._quietly(work))

    async def _quietly(self, work: Coroutine[None, None, None]) -> None:
        """Nobody waits for these: what fails is told in the log, and the conversation is as it was."""
        try:
            await work
        except AntiphonError as error:
            log.info("aside_left", error=error.name)
        except Exception:
            log.exception("aside_fault")

    # Naming

    def _names(self, answered: Answered) -> bool:
        small = self._parts.billing.table.find(self._parts.thrift.small_model)
        facts = answered.ground.request.facts
        return small is not None and facts is not None and not (facts.free or small.free)

    async def _name(self, answered: Answered) -> None:
        """Ask the small model, and use what it says unless somebody has named the conversation meanwhile."""
        header, store = answered.header, self._parts.store
        question = text_of(answered.ground.path[-1].message.content)
        small = self._parts.billing.table.get(self._parts.thrift.small_model)
        plan = title_request(question, text_of(answered.answer.content), small)
        writing, end = await self._ask(header, "title", plan)
        title = clean_title(text_of(writing.blocks)) if end.stop_reason == "end_turn" else None
        now = await store.get(header.principal, header.id)
        if title and now.title == header.title:
            change = e.TitleChange(at=self._parts.now(), title=title)
            await self._commit(header.id, Change(events=[change]))

    # Keeping warm

    def _keeps(self, answered: Answered) -> bool:
        request = answered.ground.request
        kept = self._parts.thrift.keepalive and request.lifetime == "5m" and request.facts is not None
        return kept and request.facts is not None and prewarms(request.facts, answered.plan.options)

    async def _keep(self, answered: Answered) -> None:
        """Ping as long as a ping is worth more than it costs."""
        header, ground = answered.header, answered.ground
        gaps, at_stake, pinged = ground.gaps, stakes(self._parts, ground), 0
        while (wait_s := next_ping_s(gaps, at_stake, pinged)) is not None:
            await self._parts.sleep(wait_s)
            _, end = await self._ask(header, "keep-alive", replace(answered.plan, max_tokens=0))
            if end.error is not None:
                return
            self._parts.standings.note_sent(header.id, self._parts.now(), ground.request.lifetime)
            pinged += 1

    async def _ask(
        self, header: Header, purpose: e.Purpose, plan: RequestPlan
    ) -> tuple[Writing, e.RequestEnd]:
        async def commit(change: Change) -> None:
            await self._commit(header.id, change)

        aside = await announce(self._parts, header, purpose, plan, commit)
        try:
            writing, end = await listen(self._parts, aside)
        except BaseException:
            await commit(Change(events=[broken_off(self._parts, aside, Writing(0), endings.STOPPED)]))
            raise
        await commit(Change(events=[end]))
        return writing, end

    async def _commit(self, conversation_id: str, change: Change) -> Sequence[Frame]:
        frames = await self._parts.store.append(conversation_id, change)
        self._parts.hub.publish(conversation_id, frames)
        return frames
