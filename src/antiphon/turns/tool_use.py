"""Between two steps: the tools that Claude asked for run at once, and answer in one message, in order.

Those that a person must allow run once they are allowed: all others first, and while somebody thinks, the
turn waits.
"""

import asyncio
from dataclasses import dataclass, field, replace

from antiphon.clock import Clock, milliseconds
from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Block, Message
from antiphon.domain.state import ToolRun
from antiphon.stores.base import Change, Lease, Store
from antiphon.tools.caller import Caller
from antiphon.tools.toolbox import Toolbox, ToolResult, failed
from antiphon.turns import approving
from antiphon.turns.approving import Permission
from antiphon.turns.hub import Hub
from antiphon.turns.progress import Progress, after_tools

UNKNOWN = (
    "The answer was ended while this tool was running, so whether it did its work is unknown. Find out, or "
    "ask the user, before you run it again."
)
NOT_RUN = "The answer was ended before this tool could run. Nothing was run."


@dataclass(frozen=True, slots=True)
class Asking:
    """People are to be asked: `change` asks them. What could run without them has run, as `progress` says."""

    change: Change
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUses:
    """The tools of one step, on their way."""

    store: Store
    hub: Hub
    toolbox: Toolbox
    clock: Clock
    lease: Lease
    progress: Progress
    approval_s: float
    _runs: dict[str, ToolRun] = field(default_factory=dict, init=False)
    """What was started here, by tool use; without content as long as it runs."""

    @property
    def left(self) -> Progress:
        """Where the turn stands if this is left now."""
        known = {run.tool_use_id: run for run in self.progress.runs} | self._runs
        return replace(self.progress, runs=tuple(known.values()))

    async def run(self) -> tuple[Change, Message] | Asking:
        """Run those that have no result yet; each start and each end is committed as it comes.

        Returns the message of results, to be committed with whatever comes next, unless people are to be
        asked first.
        """
        permissions = await self._permissions()
        results = finished(self.progress)
        left = [use for use in uses_of(self.progress) if use["id"] not in results]
        results |= {
            use["id"]: approving.refusal(permissions[use["id"]])
            for use in left
            if use["id"] in permissions and not permissions[use["id"]].granted
        }
        asking = [use for use in left if use["id"] not in permissions and self.toolbox.asks(use)]
        ready = [use for use in left if use["id"] not in results and use not in asking]
        results |= await self._run(ready, permissions)
        if asking:
            return self._asking(asking)
        return message_of(self.progress, results, self.lease.turn_id, self._now())

    async def _permissions(self) -> dict[str, Permission]:
        """What was decided, by tool use. A turn that goes on without a decision has waited long enough."""
        late = approving.undecided(self.progress.permissions)
        over = {
            permission.request.approval_id: approving.expired(permission, self._now()) for permission in late
        }
        await self._commit(*approving.resolves_of(over.values()))
        return approving.by_use(
            [over.get(each.request.approval_id, each) for each in self.progress.permissions]
        )

    async def _run(self, uses: list[Block], permissions: dict[str, Permission]) -> dict[str, ToolResult]:
        allowed = {use["id"]: approving.as_allowed(use, permissions.get(use["id"])) for use in uses}
        await self._commit(*(self._start(use) for use in allowed.values()))
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    id_: group.create_task(self._one(use, permissions.get(id_)))
                    for id_, use in allowed.items()
                }
        except ExceptionGroup as failures:  # the store's: tools fail in their results
            raise failures.exceptions[0] from None
        return {id_: task.result() for id_, task in tasks.items()}

    async def _one(self, use: Block, permission: Permission | None) -> ToolResult:
        run = ToolRun(tool_use_id=use["id"], name=str(use.get("name", "")), input=use.get("input"))
        self._runs[use["id"]] = run
        approved = permission is not None and permission.granted
        result = await self.toolbox.run(use, self._caller(), approved=approved)
        result = approving.with_note(result, permission)
        self._runs[use["id"]] = replace(run, is_error=result.is_error, content=result.content)
        end = e.ToolEnd(
            at=self._now(),
            step=self.progress.step,
            tool_use_id=use["id"],
            is_error=result.is_error,
            content=result.content,
        )
        await self._commit(end)
        return result

    def _asking(self, uses: list[Block]) -> Asking:
        step, at = self.progress.step, self._now()
        requests = [
            approving.request_for(use, self.lease.conversation_id, step, at, self.approval_s) for use in uses
        ]
        return Asking(Change(events=requests), self.left)

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


def uses_of(progress: Progress) -> list[Block]:
    """What the step has asked for."""
    assert progress.asked is not None
    return [block for block in progress.asked.content if block.get("type") == "tool_use"]


def finished(progress: Progress) -> dict[str, ToolResult]:
    """Results that are known already, by tool use."""
    return {
        run.tool_use_id: ToolResult(run.content, is_error=run.is_error)
        for run in progress.runs
        if run.content is not None
    }


def message_of(
    progress: Progress, results: dict[str, ToolResult], turn_id: str, at: int
) -> tuple[Change, Message]:
    """The message of all results, in the order in which they were asked for."""
    assert progress.asked is not None
    message = Message(
        id=new_id(),
        parent_id=progress.asked.id,
        role="user",
        content=tuple(results[use["id"]].block(use["id"]) for use in uses_of(progress)),
        turn_id=turn_id,
    )
    add = e.MessageAdd(
        at=at,
        message_id=message.id,
        turn_id=turn_id,
        content=message.content,
        parent_id=progress.asked.id,
    )
    return Change(events=[add], messages=[message]), message


def fate_unknown(progress: Progress, toolbox: Toolbox) -> bool:
    """Whether a tool that must not run twice was started, and nobody knows how it ended."""
    return any(run.content is None and toolbox.once(run.name) for run in progress.runs)


def left_whole(progress: Progress, turn_id: str, at: int) -> Progress:
    """A step whose tools are left: it stays, and Claude will read what became of each of them.

    Whoever is still asked need not answer any more.
    """
    withdrawn = [approving.withdrawn(each, at) for each in approving.undecided(progress.permissions)]
    asked = approving.by_use([each for each in progress.permissions if each.resolve is not None] + withdrawn)
    results = finished(progress)
    started = {run.tool_use_id for run in progress.runs}
    for use in uses_of(progress):
        permission = asked.get(use["id"])
        if use["id"] in results:
            continue
        if use["id"] in started or (permission is not None and permission.granted):
            results[use["id"]] = failed(UNKNOWN)
        elif permission is not None and not permission.granted:
            results[use["id"]] = approving.refusal(permission)
        else:
            results[use["id"]] = failed(NOT_RUN)
    change, message = message_of(progress, results, turn_id, at)
    change = replace(change, events=[*approving.resolves_of(withdrawn), *change.events])
    return after_tools(progress, change, message)
