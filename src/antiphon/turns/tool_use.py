"""Between two steps: the tools that Claude asked for run at once, and answer in one message, in order."""

import asyncio
from dataclasses import dataclass

from antiphon.clock import Clock, milliseconds
from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Block, Message
from antiphon.stores.base import Change, Lease, Store
from antiphon.tools.caller import Caller
from antiphon.tools.toolbox import Toolbox, ToolResult
from antiphon.turns.hub import Hub
from antiphon.turns.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUses:
    """The tools of one step, on their way."""

    store: Store
    hub: Hub
    toolbox: Toolbox
    clock: Clock
    lease: Lease
    progress: Progress

    async def run(self) -> tuple[Change, Message]:
        """Run those that have no result yet; each start and each end is committed as it comes.

        Returns the message of results, to be committed with whatever comes next.
        """
        asked = self.progress.asked
        assert asked is not None
        uses = [block for block in asked.content if block.get("type") == "tool_use"]
        finished = {run.tool_use_id: run for run in self.progress.runs if run.content is not None}
        waiting = [use for use in uses if use["id"] not in finished]
        await self._commit(*(self._start(use) for use in waiting))
        results = {id_: ToolResult(run.content or (), is_error=run.is_error) for id_, run in finished.items()}
        async with asyncio.TaskGroup() as group:
            tasks = {use["id"]: group.create_task(self._one(use)) for use in waiting}
        results |= {id_: task.result() for id_, task in tasks.items()}
        message = Message(
            id=new_id(),
            parent_id=asked.id,
            role="user",
            content=tuple(results[use["id"]].block(use["id"]) for use in uses),
            turn_id=self.lease.turn_id,
        )
        add = e.MessageAdd(
            at=self._now(),
            message_id=message.id,
            turn_id=message.turn_id,
            content=message.content,
            parent_id=asked.id,
        )
        return Change(events=[add], messages=[message]), message

    async def _one(self, use: Block) -> ToolResult:
        result = await self.toolbox.run(use, self._caller())
        end = e.ToolEnd(
            at=self._now(),
            step=self.progress.step,
            tool_use_id=use["id"],
            is_error=result.is_error,
            content=result.content,
        )
        await self._commit(end)
        return result

    def _caller(self) -> Caller:
        header = self.progress.header
        return Caller(principal=header.principal, conversation_id=header.id, turn_id=self.lease.turn_id)

    def _start(self, use: Block) -> e.ToolStart:
        return e.ToolStart(
            at=self._now(),
            step=self.progress.step,
            tool_use_id=use["id"],
            name=str(use.get("name", "")),
            input=use.get("input"),
        )

    async def _commit(self, *events: e.Event) -> None:
        if events:
            conversation_id = self.lease.conversation_id
            frames = await self.store.append(conversation_id, Change(events=events), self.lease)
            self.hub.publish(conversation_id, frames)

    def _now(self) -> int:
        return milliseconds(self.clock)


def fate_unknown(progress: Progress, toolbox: Toolbox) -> bool:
    """Whether a tool that must not run twice was started, and nobody knows how it ended."""
    return any(run.content is None and toolbox.once(run.name) for run in progress.runs)
