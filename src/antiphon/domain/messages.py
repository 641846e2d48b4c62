"""Messages and blocks. A block is the wire's JSON object, kept exactly as the API spelled it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Block: TypeAlias = dict[str, Any]
"""One content block as a wire dict: `{"type": "text", "text": "…"}` and so on. Never changed in place."""

Role: TypeAlias = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One node of a conversation's tree."""

    id: str
    parent_id: str | None
    role: Role
    content: tuple[Block, ...]
    turn_id: str
    model: str | None = None
    """Who wrote it; None on the user's side."""


THINKING = ("thinking", "redacted_thinking")
SERVER_USES = ("server_tool_use", "mcp_tool_use")
TOOL_USES = ("tool_use", *SERVER_USES)


def text_block(text: str) -> Block:
    return {"type": "text", "text": text}


def text_of(content: Iterable[Block]) -> str:
    """The visible text: all text blocks, joined."""
    return "".join(block.get("text", "") for block in content if block.get("type") == "text")


def thinking_of(content: Iterable[Block]) -> str:
    """What can be read of the thinking: nothing of that which came without a summary, or redacted."""
    thoughts = (block.get("thinking") or "" for block in content if block.get("type") == "thinking")
    return "\n\n".join(filter(None, thoughts))


def without_thinking(content: Sequence[Block]) -> tuple[Block, ...]:
    return tuple(block for block in content if block.get("type") not in THINKING)


def clean_text(text: str) -> str:
    """Text that every store and the wire can hold: NUL and lone surrogates become U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if text.isascii():  # which a text knows of itself
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)
    return text


def clean_json(value: Any) -> Any:
    """`clean_text` for every string within a JSON value."""
    match value:
        case str():
            return clean_text(value)
        case dict():
            return {clean_text(key): clean_json(inner) for key, inner in value.items()}
        case list() | tuple():
            return [clean_json(inner) for inner in value]
        case _:
            return value
