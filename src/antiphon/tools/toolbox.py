"""Running tools: whatever one does, the turn gets a result that Claude can read."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from antiphon.domain.messages import Block, clean_json, text_block
from antiphon.tools.tool import Tool

log = structlog.get_logger()

RESULT_BYTES_MAX = 100_000
"""About 25,000 tokens; what is longer is cut, and says so."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    content: tuple[Block, ...]
    is_error: bool = False

    def block(self, tool_use_id: str) -> Block:
        """The `tool_result` block that answers a `tool_use`."""
        result: Block = {"type": "tool_result", "tool_use_id": tool_use_id, "content": list(self.content)}
        return {**result, "is_error": True} if self.is_error else result


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools on offer, in the order in which they are sent."""

    tools: Mapping[str, Tool] = field(default_factory=dict)

    def wire(self, names: Sequence[str]) -> tuple[dict[str, Any], ...]:
        """The definitions of those of `names` that are here, always in one order: the prefix stays equal."""
        return tuple(self.tools[name].wire() for name in sorted(names) if name in self.tools)

    def once(self, name: str) -> bool:
        """Whether it must not run twice."""
        return name in self.tools and self.tools[name].effect == "once"

    async def run(self, use: Block) -> ToolResult:
        """Run what a `tool_use` block asks for. Raises nothing but cancellation."""
        tool = self.tools.get(use.get("name", ""))
        if tool is None:
            return _failed("There is no such tool.")
        if "invalid_json" in use:
            return _failed("The input is not a valid JSON object. Nothing was run; try again.")
        try:
            async with asyncio.timeout(tool.timeout_s):
                return _bounded(await tool.call(use.get("input") or {}))
        except TimeoutError:
            return _failed(f"The tool did not finish within {tool.timeout_s:g} s; what it did is not known.")
        except Exception:
            log.exception("tool_fault", tool=tool.name)
            return _failed("The tool failed.")


def _failed(sentence: str) -> ToolResult:
    return ToolResult((text_block(sentence),), is_error=True)


def _bounded(output: str | Sequence[Block]) -> ToolResult:
    blocks = [text_block(output)] if isinstance(output, str) else list(output)
    kept: list[Block] = []
    room = RESULT_BYTES_MAX
    for block in clean_json(blocks):
        text = block.get("text")
        if isinstance(text, str) and len(data := text.encode()) > room:
            kept.append(text_block(data[:room].decode(errors="ignore") + "\n[cut: the result was longer]"))
            break
        room -= len(data) if isinstance(text, str) else 0
        kept.append(block)
    return ToolResult(tuple(kept) or (text_block("(no output)"),))
