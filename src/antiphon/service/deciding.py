"""Asking someone, while a turn is followed, whether its tools may run."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from antiphon.domain import events as e
from antiphon.domain.approvals import Decision, Deny
from antiphon.errors import Conflict, NotFound
from antiphon.stores.frames import Frame, decode
from antiphon.telemetry import fault_facts

log = structlog.get_logger()

Approve: TypeAlias = Callable[[str, str, Decision], Awaitable[None]]
"""principal, approval id, decision: as `Service.approve`."""

FAILED = Deny("Whoever was to be asked could not be: the program failed to ask.")


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides for a principal. Asked for one approval at a time; cancelled if it is decided elsewhere."""

    principal: str
    decide: Callable[[e.ApprovalRequest], Awaitable[Decision]]


class _Asking:
    """What is to be decided, and whoever thinks about the first of it."""

    def __init__(self, decider: Decider, approve: Approve) -> None:
        self._decider = decider
        self._approve = approve
        self._open: dict[str, e.ApprovalRequest] = {}
        self._asked: str | None = None
        """What somebody thinks about."""
        self._task: asyncio.Task[None] | None = None

    async def drop(self, batch: list[Frame]) -> None:
        """Ask no more for what was decided, before anybody shows what came of it."""
        for event in (decode(frame) for frame in batch if frame.type == e.ApprovalResolve.type):
            if isinstance(event, e.ApprovalResolve) and event.approval_id == self._asked:
                await self.stop()

    async def take(self, batch: list[Frame]) -> None:
        """Ask for what is open, once everything before it was shown."""
        for frame in batch:
            match decode(frame) if frame.type in _HEARD else None:
                case e.ApprovalRequest() as request:
                    self._open[request.approval_id] = request
                case e.ApprovalResolve() as resolve:
                    self._open.pop(resolve.approval_id, None)
                case _:
                    pass
        if self._asked is None and self._open:
            if self._task is not None:  # it still tells the decision before
                await self._task
            self._asked = next(iter(self._open))
            self._task = asyncio.create_task(self._ask(self._open[self._asked]))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = self._asked = None

    async def _ask(self, request: e.ApprovalRequest) -> None:
        try:
            decision = await self._decider.decide(request)
        except Exception as error:  # noqa: BLE001 - the turn must not wait for an answer that never comes
            log.warning("approval_fault", tool=request.name, **fault_facts(error))
            decision = FAILED
        self._asked = None
        with suppress(Conflict, NotFound):  # another was faster; the log says so
            await self._approve(self._decider.principal, request.approval_id, decision)


async def deciding(
    batches: AsyncGenerator[list[Frame], None], decider: Decider, approve: Approve
) -> AsyncGenerator[list[Frame], None]:
    """The batches of a turn as they come, while the decider is asked for what it wants approval for."""
    asking = _Asking(decider, approve)
    try:
        async with aclosing(batches):
            async for batch in batches:
                await asking.drop(batch)
                yield batch
                await asking.take(batch)
    finally:
        await asking.stop()


_HEARD = (e.ApprovalRequest.type, e.ApprovalResolve.type)
