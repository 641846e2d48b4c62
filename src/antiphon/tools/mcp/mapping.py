"""What an MCP server says, in our words: its tools, and their results. Pure."""

import re
from collections.abc import Sequence
from typing import Any

import structlog
from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]  # it has none
from mcp import Tool as McpTool
from mcp.types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from antiphon.domain.messages import Block, clean_json, text_block, text_of
from antiphon.errors import ToolError
from antiphon.tools.results import json_text
from antiphon.tools.tool import Effect, Tool, ToolCall

log = structlog.get_logger()

TOOLS_MAX = 200
"""Of one server; their definitions are sent, and paid for, with every request."""
DESCRIPTION_CHARS = 4000
SCHEMA_BYTES_MAX = 50_000
NAME_CHARS = 128

_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
"""Source: the Messages API reference, which refuses a request with another name of a property."""
_REFUSED_ON_TOP = ("anyOf", "oneOf", "allOf")
"""Likewise. What they would have said, the server checks itself."""


def tool_of(
    server: str, offered: McpTool, call: ToolCall, timeout_s: float, *, approval: bool = False
) -> Tool | None:
    """The tool under its namespaced name; None if Claude would refuse its definition."""
    name = f"{server}__{re.sub(r'[^a-zA-Z0-9_-]', '_', offered.name)}"
    schema = {key: value for key, value in offered.input_schema.items() if key not in _REFUSED_ON_TOP}
    schema["type"] = "object"
    if len(name) > NAME_CHARS or not _can_be_sent(schema):
        log.warning("mcp_tool_left_out", server=server, tool=offered.name[:NAME_CHARS])
        return None
    return Tool(
        name=name,
        schema=clean_json(schema),
        call=call,
        description=clean_json((offered.description or offered.title or offered.name)[:DESCRIPTION_CHARS]),
        effect=effect_of(offered),
        timeout_s=timeout_s,
        approval=approval,
    )


def _can_be_sent(schema: dict[str, Any]) -> bool:
    """Whether Claude takes it: one schema that it does not take would make every request fail."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    small = len(json_text(schema)) <= SCHEMA_BYTES_MAX
    return small and all(map(_PROPERTY.fullmatch, schema.get("properties") or {}))


def effect_of(offered: McpTool) -> Effect:
    """By its annotations; they are hints, and whoever gives none may do harm."""
    hints = offered.annotations
    if hints is not None and hints.read_only_hint:
        return "pure"
    return "idempotent" if hints is not None and hints.idempotent_hint else "once"


def result_of(result: CallToolResult) -> list[Block]:
    """Its content as blocks. Raises ToolError: the tool says that it failed."""
    blocks = [_block(part) for part in result.content]
    if result.is_error:
        raise ToolError(_joined(blocks) or "The tool failed, and does not say why.")
    if not blocks and result.structured_content is not None:
        return [text_block(json_text(result.structured_content))]
    return blocks


def _joined(blocks: Sequence[Block]) -> str:
    return text_of({**block, "text": block.get("text", "") + "\n"} for block in blocks).strip()


def _block(part: ContentBlock) -> Block:
    match part:
        case TextContent():
            return text_block(part.text)
        case ImageContent():
            source: dict[str, Any] = {"type": "base64", "media_type": part.mime_type, "data": part.data}
            return {"type": "image", "source": source}
        case ResourceLink():
            about = f": {part.description}" if part.description else ""
            return text_block(f"[{part.title or part.name}]({part.uri}){about}")
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return text_block(f"{resource.uri}:\n{resource.text}")
        case EmbeddedResource():
            return text_block(f"[left out: {part.resource.uri}, which is not text]")
        case AudioContent():
            return text_block("[left out: audio, which cannot be heard]")
