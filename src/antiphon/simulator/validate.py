"""What the API refuses with status 400 although the shape is right: one small function per rule.

A rule takes the call and returns what is wrong as one sentence, or None. The sentences are for people.
Source: the Messages API reference, its tool use, prompt caching and error pages.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from antiphon.simulator.errors import ApiError
from antiphon.simulator.models import Model
from antiphon.simulator.shape import Call, Turn, all_blocks, check_fields, check_shape, turns

Rule: TypeAlias = Callable[[Call], str | None]

MAX_BREAKPOINTS = 4

CONTINUED = ("server_tool_use", "mcp_tool_use", "fallback", "compaction")
"""Blocks after which an answer may be continued although the assistant spoke last."""


def check(body: Any, *, models: Mapping[str, Model], version: str, betas: str, counting: bool) -> Call:
    """The call that a request's body stands for.

    Raises:
        ApiError: 400 for what the API refuses, 404 for a model it does not have.
    """
    check_shape(body, counting=counting)
    check_fields(body, counting=counting, version=version, betas=betas)
    model = models.get(body["model"])
    if model is None:
        raise ApiError(404, f"model: {body['model']}")
    call = Call(body, turns(body), model)
    for rule in RULES:
        problem = rule(call)
        if problem is not None:
            raise ApiError(400, problem)
    return call


def empty_message(call: Call) -> str | None:
    for index, message in enumerate(call.body["messages"]):
        if not message["content"]:
            return f"messages.{index}: all messages must have non-empty content"
    return None


def empty_text_block(call: Call) -> str | None:
    for place, block in all_blocks(call.body):
        if block.get("type") == "text" and not str(block.get("text", "")).strip():
            return f"{place}: text content blocks must contain non-whitespace text"
    return None


def too_many_breakpoints(call: Call) -> str | None:
    marked = [block for _, block in all_blocks(call.body) if block.get("cache_control")]
    marked += [tool for tool in call.body.get("tools") or () if tool.get("cache_control")]
    found = len(marked) + bool(call.body.get("cache_control"))
    if found > MAX_BREAKPOINTS:
        return f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {found}."
    return None


def prefill(call: Call) -> str | None:
    last = call.turns[-1]
    if last.role != "assistant" or call.model.prefill or _may_be_continued(last):
        return None
    return (
        "This model does not support assistant message prefill. "
        "The conversation must end with a user message."
    )


def _may_be_continued(turn: Turn) -> bool:
    kinds = [str(block.get("type")) for block in turn.blocks]
    return any(kind in CONTINUED or kind.endswith("_tool_result") for kind in kinds)


def warming_with_output(call: Call) -> str | None:
    """`max_tokens` 0 fills the cache and writes nothing, so nothing may be asked about what is written."""
    body = call.body
    if body.get("max_tokens") != 0:
        return None
    forbidden = {
        "stream": body.get("stream"),
        "thinking": (body.get("thinking") or {}).get("type") == "enabled",
        "output_config.format": (body.get("output_config") or {}).get("format"),
        "tool_choice": (body.get("tool_choice") or {}).get("type") in ("any", "tool"),
    }
    named = [name for name, is_set in forbidden.items() if is_set]
    return f"max_tokens: 0 cannot be combined with {named[0]}" if named else None


def tool_block_role(call: Call) -> str | None:
    for turn in call.turns:
        if turn.role != "assistant" and _ids(turn, "tool_use"):
            return f"messages.{turn.first}: `tool_use` blocks can only be in `assistant` messages"
        if turn.role != "user" and _ids(turn, "tool_result"):
            return f"messages.{turn.first}: `tool_result` blocks can only be in `user` messages"
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


RULES: tuple[Rule, ...] = (
    empty_message,
    empty_text_block,
    too_many_breakpoints,
    warming_with_output,
    tool_block_role,
    tool_use_repeated,
    tool_result_without_use,
    tool_use_without_result,
    prefill,
)
"""Checked in this order; the first that objects is the answer."""
