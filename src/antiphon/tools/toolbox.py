"""Running tools: whatever one does, the turn gets a result that Claude can read."""

import asyncio
import contextvars
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import structlog

from antiphon.domain.messages import Block, clean_text, text_block
from antiphon.errors import ConfigurationError, ToolError
from antiphon.telemetry import fault_facts
from antiphon.tools.caller import Caller, set_caller
from antiphon.tools.results import blocks_of, bounded
from antiphon.tools.server_tool import ServerTool
from antiphon.tools.tool import Tool

log = structlog.get_logger()

MARK = "@"
"""Between a tool's name and the fingerprint of its definition. No name may hold it."""
GRACE_S = 0.5
"""For a tool that is stopped to clean up; one that takes longer goes on alone."""
DEFINITIONS_MAX = 2000
"""Earlier definitions that are remembered, for turns that began with them."""


class Source(Protocol):
    """Tools that come and go. `tools` is replaced, never changed in place."""

    @property
    def tools(self) -> Mapping[str, Tool]: ...

    async def open(self) -> None:
        """Begin; returns when the first tools are there, or after a bounded time. Raises nothing."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ToolResult:
    content: tuple[Block, ...]
    is_error: bool = False

    def block(self, tool_use_id: str) -> Block:
        """The `tool_result` block that answers a `tool_use`."""
        result: Block = {"type": "tool_result", "tool_use_id": tool_use_id, "content": list(self.content)}
        return {**result, "is_error": True} if self.is_error else result


class Toolbox:
    """The tools on offer. What is offered is an entry, `name@fingerprint`, so that a conversation knows when
    the definition of a tool has changed: with it changes the prefix of every request.
    """

    def __init__(
        self,
        tools: Sequence[Tool | ServerTool] = (),
        sources: Sequence[Source] = (),
        approve: Collection[str] = (),
    ) -> None:
        """`approve`: names of tools that ask a person first, beside those that do so by themselves.

        Raises:
            ConfigurationError: two tools have one name.
        """
        self._fixed = {tool.name: tool for tool in tools}
        if len(self._fixed) < len(tools):
            names = [tool.name for tool in tools]
            twice = ", ".join(sorted({name for name in names if names.count(name) > 1}))
            raise ConfigurationError(f"Two tools have the same name: {twice}. Give one another name.")
        self._sources = tuple(sources)
        self._approve = frozenset(approve)
        self._seen: tuple[Mapping[str, Tool], ...] | None = None
        self._tools: dict[str, Tool | ServerTool] = {}
        self._entries: tuple[str, ...] = ()
        self._definitions: dict[str, dict[str, Any]] = {}
        self._left: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        await asyncio.gather(*(source.open() for source in self._sources))

    async def close(self) -> None:
        await asyncio.gather(*(source.close() for source in self._sources), return_exceptions=True)

    def entries(self) -> tuple[str, ...]:
        """What is on offer now, always in one order."""
        self._refresh()
        return self._entries

    def wire(self, entries: Sequence[str]) -> tuple[dict[str, Any], ...]:
        """Their definitions: each as it was when it was offered, if that is known here, or as it is now.

        Always in one order: the prefix stays equal. What is not here any more is left out.
        """
        self._refresh()
        found = (self._definition(entry) for entry in sorted(entries))
        return tuple(definition for definition in found if definition is not None)

    def once(self, name: str) -> bool:
        """Whether it must not run twice. Nothing is known of a tool that is not here (yet)."""
        self._refresh()
        tool = self._tools.get(name)
        return not isinstance(tool, Tool) or tool.effect == "once"

    def asks(self, use: Block) -> bool:
        """Whether a person must allow what a `tool_use` block asks for. What cannot run asks nobody."""
        self._refresh()
        tool = self._tools.get(use.get("name", ""))
        return isinstance(tool, Tool) and self._needs_approval(tool) and _has_input(use)

    def _needs_approval(self, tool: Tool) -> bool:
        return tool.approval or tool.name in self._approve

    async def run(self, use: Block, caller: Caller | None = None, *, approved: bool = False) -> ToolResult:
        """Run what a `tool_use` block asks for; `approved`, if a person has allowed it.

        Raises nothing but cancellation.
        """
        self._refresh()
        tool = self._tools.get(use.get("name", ""))
        if not isinstance(tool, Tool):
            return failed("There is no such tool.")
        if not _has_input(use):
            return failed("The input is not a valid JSON object. Nothing was run; try again.")
        if self._needs_approval(tool) and not approved:  # it came back, or began to ask, only just now
            return failed("This tool needs approval, and nobody was asked. Nothing was run; try again.")
        context = contextvars.copy_context()
        if caller is not None:
            context.run(set_caller, caller)
        task = asyncio.create_task(_result_of(tool, dict(use.get("input") or {})), context=context)
        try:
            done, _ = await asyncio.wait({task}, timeout=tool.timeout_s)
        except asyncio.CancelledError:
            await self._leave(task)
            raise
        if done:
            return task.result()
        await self._leave(task)
        return failed(f"The tool did not finish within {tool.timeout_s:g} s; what it did is not known.")

    async def _leave(self, task: asyncio.Task[Any]) -> None:
        """Stop it, and wait for no longer than it may take to clean up."""
        self._left.add(task)
        task.add_done_callback(self._left.discard)
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE_S)

    def _refresh(self) -> None:
        current = tuple(source.tools for source in self._sources)
        if self._seen is not None and all(a is b for a, b in zip(current, self._seen, strict=True)):
            return
        self._seen = current
        theirs = {name: tool for tools in reversed(current) for name, tool in tools.items()}
        self._tools = {**theirs, **self._fixed}
        definitions = {name: tool.wire() for name, tool in self._tools.items()}
        named = {f"{name}{MARK}{_fingerprint(wire)}": wire for name, wire in definitions.items()}
        self._entries = tuple(sorted(named))
        earlier = list(self._definitions.items())[-DEFINITIONS_MAX:]
        self._definitions = {**{entry: wire for entry, wire in earlier if entry not in named}, **named}

    def _definition(self, entry: str) -> dict[str, Any] | None:
        if (known := self._definitions.get(entry)) is not None:
            return known
        tool = self._tools.get(entry.partition(MARK)[0])
        return tool.wire() if tool else None


def _has_input(use: Block) -> bool:
    return "invalid_json" not in use and isinstance(use.get("input") or {}, dict)


def _fingerprint(wire: dict[str, Any]) -> str:
    return hashlib.blake2b(msgspec.json.encode(wire), digest_size=6).hexdigest()


async def _result_of(tool: Tool, tool_input: dict[str, Any]) -> ToolResult:
    """Everything that a tool may raise ends here, except that it was stopped from outside."""
    try:
        return ToolResult(bounded(blocks_of(await tool.call(tool_input))))
    except ToolError as error:
        return failed(_told(error))
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        log.warning("tool_fault", tool=tool.name, error="CancelledError")
    except GeneratorExit:
        raise
    except BaseException as error:  # noqa: BLE001 - also what would end the event loop
        log.warning("tool_fault", tool=tool.name, **fault_facts(error))
    return failed("The tool failed.")


def _told(error: ToolError) -> str:
    kind = "" if type(error) is ToolError else f"{type(error).__name__}: "
    return clean_text(kind + error.detail) or "The tool failed."


def failed(sentence: str) -> ToolResult:
    """A result that says what went wrong."""
    return ToolResult(bounded([text_block(sentence)]), is_error=True)
