"""How messages must look and end. Source: the Messages API reference, Errors."""

from antiphon.simulator.shape import Call, Turn, all_blocks

CONTINUED = ("server_tool_use", "mcp_tool_use", "fallback", "compaction")
"""Blocks after which an answer may be continued although the assistant spoke last."""


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


def system_message(call: Call) -> str | None:
    """Instructions in the middle of a conversation follow what a user said, and are text."""
    for before, turn in zip([None, *call.turns[:-1]], call.turns, strict=True):
        if turn.role != "system":
            continue
        place = f"messages.{turn.first}"
        if not call.model.system_messages:
            return f"{place}.role: this model does not support messages with the role `system`"
        if before is None or before.role != "user":
            return f"{place}.role: a `system` message must follow a `user` message"
        if any(block.get("type") != "text" for block in turn.blocks):
            return f"{place}.content: a `system` message holds text blocks only"
    return None


RULES = (empty_message, empty_text_block, system_message)
