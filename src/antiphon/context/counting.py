"""How many tokens a request can have at most, without asking anybody.

A tokenizer that works on bytes makes no token of less than one byte. Source of the sizes of images: the
Messages API reference, "Vision". PDFs, and documents that are cited, have no such bound: they are counted by
the API.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from antiphon.context.estimate import IMAGE_MOST, image_tokens
from antiphon.domain.plans import RequestPlan

PER_BLOCK = 16
"""Tokens that the API may add around a block; a message's own are among them."""
PER_REQUEST = 50
"""Tokens that the API may add to any request."""
PER_FEATURES = 1000
"""Tokens that it may add to a request with tools, or with options such as structured output."""
_SILENT = {
    *("thinking", "speed", "inference_geo", "stop_sequences", "metadata", "service_tier"),
    *("temperature", "top_p", "top_k"),
}
"""Options that set how an answer is made and are no part of the prompt. So is the effort, which every request
names: as features, they would make the bound of a short request three times what it can cost.
"""

_PLAIN = ("text", "thinking", "redacted_thinking", "tool_use", "tool_result")


def most_tokens(plan: RequestPlan) -> int | None:
    """An upper bound of the input tokens; None if something in the plan has none."""
    blocks: list[Any] = [*plan.system, *(block for message in plan.messages for block in message["content"])]
    sizes = [_most(block) for block in blocks]
    if any(size is None for size in sizes):
        return None
    rest, said = 0, _said(plan.options)
    if plan.tools or said:
        rest = PER_FEATURES + len(msgspec.json.encode([plan.tools, said]))
    return PER_REQUEST + rest + sum(size or 0 for size in sizes)


def _said(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that may be part of the prompt."""
    said = {name: value for name, value in options.items() if name not in _SILENT}
    if isinstance(config := said.pop("output_config", None), Mapping):
        config = {name: value for name, value in config.items() if name != "effort"}
    return {**said, "output_config": config} if config else said


def _most(block: Any) -> int | None:
    kind = block.get("type")
    if kind == "image":
        return image_tokens(block, unknown=IMAGE_MOST) + PER_BLOCK
    if kind == "document":
        return _document(block)
    if kind not in _PLAIN:
        return None
    inner = block.get("content") if kind == "tool_result" else None
    if isinstance(inner, list | tuple):
        sizes = [_most(part) for part in inner]
        return None if any(size is None for size in sizes) else PER_BLOCK + sum(size or 0 for size in sizes)
    if kind == "text":
        return len(block["text"].encode("utf-8", "replace")) + PER_BLOCK
    return len(msgspec.json.encode(block)) + PER_BLOCK


def _document(block: Any) -> int | None:
    """Text is a token for each byte at most, with its title and whatever else goes with it."""
    around = {name: value for name, value in block.items() if name != "source"}
    match block:
        case {"citations": {"enabled": True}}:
            return None
        case {"source": {"type": "file", "media_type": "text/plain", "bytes": int(size)}}:
            return size + len(msgspec.json.encode(around)) + PER_BLOCK
        case {"source": {"type": "text", "data": str(data)}}:
            return len(data.encode("utf-8", "replace")) + len(msgspec.json.encode(around)) + PER_BLOCK
        case _:
            return None
