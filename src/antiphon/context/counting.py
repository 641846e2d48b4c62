"""How many tokens a request can have at most, without asking anybody.

A tokenizer that works on bytes makes no token of less than one byte. Source of the sizes of images: the
Messages API reference, "Vision". Documents have no such bound: they are counted by the API.
"""

from typing import Any

import msgspec

from antiphon.domain.plans import RequestPlan

PER_BLOCK = 16
"""Tokens that the API may add around a block; a message's own are among them."""
PER_REQUEST = 50
"""Tokens that the API may add to any request."""
PER_FEATURES = 1000
"""Tokens that it may add to a request with tools or options, such as structured output."""
IMAGE_MOST = 4784

_PLAIN = ("text", "thinking", "redacted_thinking", "tool_use", "tool_result")


def most_tokens(plan: RequestPlan) -> int | None:
    """An upper bound of the input tokens; None if something in the plan has none."""
    blocks: list[Any] = [*plan.system, *(block for message in plan.messages for block in message["content"])]
    sizes = [_most(block) for block in blocks]
    if any(size is None for size in sizes):
        return None
    rest = 0
    if plan.tools or plan.options:
        rest = PER_FEATURES + len(msgspec.json.encode([plan.tools, dict(plan.options)]))
    return PER_REQUEST + rest + sum(size or 0 for size in sizes)


def _most(block: Any) -> int | None:
    kind = block.get("type")
    if kind == "image":
        return IMAGE_MOST + PER_BLOCK
    if kind not in _PLAIN:
        return None
    inner = block.get("content") if kind == "tool_result" else None
    if isinstance(inner, list | tuple):
        sizes = [_most(part) for part in inner]
        return None if any(size is None for size in sizes) else PER_BLOCK + sum(size or 0 for size in sizes)
    if kind == "text":
        return len(block["text"].encode("utf-8", "replace")) + PER_BLOCK
    return len(msgspec.json.encode(block)) + PER_BLOCK
