"""Tools: their definitions, the choice among them, and the pairs of use and result."""

import re
from collections.abc import Mapping
from typing import Any

from antiphon.simulator.shape import Call, Turn, placed_blocks

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")

ANTHROPIC_TOOLS = re.compile(
    r"(?:web_search|web_fetch|code_execution|tool_search_tool_(?:regex|bm25)|bash|text_editor|memory|computer"
    r"|computer_toolset|browser_toolset|advisor)_\d{8}|mcp_toolset"
)
"""The types of tools that the API defines itself."""

USES = ("tool_use", "server_tool_use", "mcp_tool_use")

FORCED = ("any", "tool")

MOST_STRICT = 20


def definition(call: Call) -> str | None:
    for index, tool in enumerate(call.body.get("tools") or ()):
        problem = _definition_problem(tool)
        if problem is not None:
            return f"tools.{index}.{problem}"
    return None


def _definition_problem(tool: Mapping[str, Any]) -> str | None:
    kind = tool.get("type") or "custom"
    if kind != "custom":
        return None if ANTHROPIC_TOOLS.fullmatch(str(kind)) else f"type: no tool has the type '{kind}'"
    if not NAME.fullmatch(str(tool.get("name", ""))):
        return f"custom.name: String should match pattern '^{NAME.pattern}$'"
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        return "custom.input_schema: Field required"
    return None if schema.get("type") == "object" else "custom.input_schema.type: Input should be 'object'"


def names_repeated(call: Call) -> str | None:
    names = [tool["name"] for tool in call.body.get("tools") or () if tool.get("name")]
    return "tools: Tool names must be unique." if len(set(names)) < len(names) else None


def too_many_strict(call: Call) -> str | None:
    strict = sum(bool(tool.get("strict")) for tool in call.body.get("tools") or ())
    return (
        f"tools: at most {MOST_STRICT} tools may be strict. Found {strict}." if strict > MOST_STRICT else None
    )


def choice(call: Call) -> str | None:
    wanted = call.body.get("tool_choice")
    if wanted is None:
        return None
    kind = wanted.get("type")
    if kind not in ("auto", "none", *FORCED):
        return "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'"
    tools = call.body.get("tools") or ()
    if not tools and kind in FORCED:
        return "tool_choice may only be specified while providing tools"
    if kind == "tool" and wanted.get("name") not in {tool.get("name") for tool in tools}:
        return f"tool_choice.name: tool '{wanted.get('name')}' not found in provided tools"
    return _forced_problem(call) if kind in FORCED else None


def _forced_problem(call: Call) -> str | None:
    if not call.model.forced_tools:
        return "tool_choice: this model does not support `any` and `tool`. Use `auto`."
    if (call.body.get("thinking") or {}).get("type") == "enabled":
        return "Thinking may not be enabled when tool_choice forces tool use."
    return None


def tool_block_role(call: Call) -> str | None:
    for turn in call.turns:
        if turn.role != "assistant" and _ids(turn, "tool_use"):
            return f"messages.{turn.first}: `tool_use` blocks can only be in `assistant` messages"
        if turn.role != "user" and _ids(turn, "tool_result"):
            return f"messages.{turn.first}: `tool_result` blocks can only be in `user` messages"
    return None


def input_of_use(call: Call) -> str | None:
    for place, block in placed_blocks(call.body):
        kind = block.get("type")
        if kind in USES and not isinstance(block.get("input"), dict):
            problem = "Input should be a valid dictionary" if "input" in block else "Field required"
            return f"{place}.{kind}.input: {problem}"
    return None


def tool_use_repeated(call: Call) -> str | None:
    seen: set[str] = set()
    for turn in call.turns:
        ids = _ids(turn, "tool_use")
        if len(set(ids)) < len(ids) or not seen.isdisjoint(ids):
            return f"messages.{turn.first}: `tool_use` ids must be unique"
        seen.update(ids)
    return None


def tool_use_without_result(call: Call) -> str | None:
    """All results stand in the next message, before anything else there."""
    for turn, after in zip(call.turns, [*call.turns[1:], None], strict=True):
        missing = set(_ids(turn, "tool_use")) - set(_leading_results(after))
        if missing:
            return (
                f"messages.{turn.first}: `tool_use` ids were found without `tool_result` blocks immediately "
                f"after: {', '.join(sorted(missing))}. Each `tool_use` block must have a corresponding "
                "`tool_result` block in the next message."
            )
    return None


def tool_result_without_use(call: Call) -> str | None:
    for before, turn in zip([None, *call.turns[:-1]], call.turns, strict=True):
        results = _ids(turn, "tool_result")
        unexpected = set(results) - set(_ids(before, "tool_use") if before else ())
        if unexpected:
            return (
                f"messages.{turn.first}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{', '.join(sorted(unexpected))}. Each `tool_result` block must have a corresponding "
                "`tool_use` block in the previous message."
            )
        if len(set(results)) < len(results):
            return f"messages.{turn.first}: each tool_use must have a single result"
    return None


def _ids(turn: Turn, kind: str) -> list[str]:
    name = "id" if kind == "tool_use" else "tool_use_id"
    return [str(block.get(name, "")) for block in turn.blocks if block.get("type") == kind]


def _leading_results(turn: Turn | None) -> list[str]:
    found: list[str] = []
    for block in turn.blocks if turn else ():
        if block.get("type") != "tool_result":
            break
        found.append(str(block.get("tool_use_id", "")))
    return found


RULES = (
    definition,
    names_repeated,
    too_many_strict,
    choice,
    tool_block_role,
    input_of_use,
    tool_use_repeated,
    tool_result_without_use,
    tool_use_without_result,
)
