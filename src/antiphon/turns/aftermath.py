"""What follows an answer, beside it: naming its conversation, and keeping its cache warm while that pays."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import structlog

from antiphon.context.lifetime import next_ping_s
from antiphon.context.parameters import prewarms
from antiphon.context.sendable import is_asking
from antiphon.context.titles import clean_title, title_request
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.messages import Message, text_of
from antiphon.domain.plans import RequestPlan
from antiphon.errors import AntiphonError
from antiphon.stores.base import Change
from antiphon.stores.frames import Frame
from antiphon.turns.asides import Asked, ask
from antiphon.turns.ground import Ground, stakes
from antiphon.turns.parts import Parts

log = structlog.get_logger()


Append: TypeAlias = Callable[[str, Change], Awaitable[Sequence[Frame]]]
"""Appends events from outside a turn to a conversation, and tells who follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A turn that came to its own end, and the last request it made."""

    ground: Ground
    plan: RequestPlan
    answer: Message

    @property
    def header(self) -> Header:
        return self.ground.progress.header


Work: TypeAlias = Callable[[Answered], Awaitable[None]]
"""Not yet begun: a task that is stopped before its first step begins nothing."""


class Aftermath:
    """Its requests run in tasks of their own; none outlives `close`."""

    def __init__(self, parts: Parts, append: Append) -> None:
        self._parts = parts
        self._append = append
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping: dict[str, asyncio.Task[None]] = {}

    def follow(self, answered: Answered) -> None:
        """Begin what is to follow this answer."""
        if answered.ground.titled and self._names(answered):
            self._start(self._name, answered)
        if self._keeps(answered):
            conversation_id = answered.header.id
            self.forget(conversation_id)
            task = self._keeping[conversation_id] = self._start(self._keep, answered)
            task.add_done_callback(partial(self._kept, conversation_id))

    def forget(self, conversation_id: str) -> None:
        """Its cache need not be kept warm any more: the next message is here."""
        if (task := self._keeping.pop(conversation_id, None)) is not None:
            _stop(task)

    async def close(self) -> None:
        tasks = [*self._tasks]
        for task in tasks:
            _stop(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Work, answered: Answered) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._quietly(work, answered))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _kept(self, conversation_id: str, task: "asyncio.Task[None]") -> None:
        if self._keeping.get(conversation_id) is task:
            del self._keeping[conversation_id]

    async def _quietly(self, work: Work, answered: Answered) -> None:
        """Nobody waits for these: what fails is told in the log, and the conversation is as it was."""
        try:
            await work(answered)
        except AntiphonError as error:
            log.info("aside_left", error=error.name)
        except Exception:
            log.exception("aside_fault")

    # Naming

    def _names(self, answered: Answered) -> bool:
        if not self._parts.thrift.titles:
            return False
        small = self._parts.billing.table.find(self._parts.thrift.small_model)
        facts = answered.ground.request.facts
        return small is not None and facts is not None and not (facts.free or small.free)

    async def _name(self, answered: Answered) -> None:
        """Ask the small model, and use what it says unless somebody has named the conversation meanwhile."""
        header, store = answered.header, self._parts.store
        asking = (placed.message for placed in reversed(answered.ground.path) if is_asking(placed))
        question = text_of(next(asking).content)
        small = self._parts.billing.table.get(self._parts.thrift.small_model)
        plan = title_request(question, text_of(answered.answer.content), small)
        asked = await self._ask(answered, "title", plan)
        title = clean_title(text_of(asked.writing.blocks)) if asked.end.stop_reason == "end_turn" else None
        now = await store.get(header.principal, header.id)
        if title and now.title == header.title:
            change = e.TitleChange(at=self._parts.now(), title=title)
            await self._append(header.id, Change(events=[change]))

    # Keeping warm

    def _keeps(self, answered: Answered) -> bool:
        request, fallback = answered.ground.request, answered.ground.progress.tries.model
        if not self._parts.thrift.keepalive or request.lifetime != "5m" or fallback is not None:
            return False
        return request.facts is not None and prewarms(request.facts, answered.plan.options)

    async def _keep(self, answered: Answered) -> None:
        """Ping as long as a ping is worth more than it costs."""
        header, ground = answered.header, answered.ground
        gaps, at_stake, pinged = ground.gaps, stakes(self._parts, ground), 0
        while (wait_s := next_ping_s(gaps, at_stake, pinged)) is not None:
            await self._parts.sleep(wait_s)
            asked = await self._ask(answered, "keep-alive", replace(answered.plan, max_tokens=0))
            if asked.end.error is not None:
                return
            self._parts.standings.note_sent(header.id, self._parts.now(), ground.request.lifetime)
            pinged += 1

    async def _ask(self, answered: Answered, purpose: e.Purpose, plan: RequestPlan) -> Asked:
        async def commit(change: Change) -> Sequence[Frame]:
            return await self._append(answered.header.id, change)

        return await ask(self._parts, answered.ground, purpose, plan, commit)


def _stop(task: "asyncio.Task[None]") -> None:
    """Once: a second time would break off what it settles because it was stopped."""
    if not task.cancelling():
        task.cancel()
