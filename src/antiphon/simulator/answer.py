"""From a reply of the script and a request to the whole answer. Pure: the same input, the same answer."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from antiphon.simulator.script import Block, Reply
from antiphon.simulator.tokens import BYTES_PER_TOKEN, block_bytes, blocks_of, input_tokens, tokens

QUOTED_CHARS = 200
"""How much of a message the default answer repeats."""

FILLER = "The quick brown fox jumps over the lazy dog. "


class Answer(NamedTuple):
    id: str
    model: str
    content: tuple[Block, ...]
    stop_reason: str
    stop_sequence: str | None
    stop_details: dict[str, Any] | None
    usage: dict[str, Any]

    def message(self) -> dict[str, Any]:
        """The JSON of an answer that is not streamed."""
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [_whole(block) for block in self.content],
            "stop_reason": self.stop_reason,
            "stop_sequence": self.stop_sequence,
            "stop_details": self.stop_details,
            "usage": self.usage,
        }


def _whole(block: Block) -> Block:
    """A tool's input that was cut short is no JSON, so an answer that is not streamed has none."""
    return {**block, "input": {}} if isinstance(block.get("input"), str) else block


def answer(reply: Reply, body: Mapping[str, Any], number: int) -> Answer:
    """The answer to the request that arrived as this number."""
    content, fitted = _content(reply, body, number)
    shown = tuple(_displayed(block, body) for block in content) if reply.content is None else content
    return Answer(
        id=f"msg_sim_{number:06}",
        model=body["model"],
        content=shown,
        stop_reason=reply.stop_reason or _stop_reason(content, fitted=fitted),
        stop_sequence=reply.stop_sequence,
        stop_details=reply.stop_details,
        usage={**_usage(body, content), **reply.usage},
    )


def _content(reply: Reply, body: Mapping[str, Any], number: int) -> tuple[tuple[Block, ...], bool]:
    """The blocks, thinking still complete, and whether all fitted into `max_tokens`."""
    if body["max_tokens"] == 0 and reply.stop_reason is None:
        return (), False
    if reply.content is not None:
        return tuple(_with_id(block, number, index) for index, block in enumerate(reply.content)), True
    blocks: list[Block] = []
    if reply.thinking is not None and (body.get("thinking") or {}).get("type") != "disabled":
        signature = sign(reply.thinking)
        blocks.append({"type": "thinking", "thinking": reply.thinking, "signature": signature})
    room = body["max_tokens"] * BYTES_PER_TOKEN - sum(map(block_bytes, blocks))
    text = _text(reply, body)
    kept = text.encode()[: max(room, 0)].decode(errors="ignore")
    if kept:
        blocks.append({"type": "text", "text": kept})
    return tuple(blocks), kept == text


def _text(reply: Reply, body: Mapping[str, Any]) -> str:
    if reply.text is not None:
        return reply.text
    if reply.deltas is not None and reply.delta_chars is not None:
        length = reply.deltas * reply.delta_chars
        return (FILLER * (length // len(FILLER) + 1))[:length]
    messages = body["messages"]
    said = last_user_text(messages)
    quoted = said if len(said) <= QUOTED_CHARS else f"{said[:QUOTED_CHARS]}…"
    return f'You said: "{quoted}". That was message {len(messages)}.'


def last_user_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text of the last user message, or of the tool results it brings."""
    last = next((message for message in reversed(messages) if message["role"] == "user"), None)
    return "" if last is None else " ".join(_texts(last["content"]))


def _texts(content: Any) -> list[str]:
    texts: list[str] = []
    for block in blocks_of(content):
        match block:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "tool_result", "content": inner} if inner:
                texts.extend(_texts(inner))
    return texts


def _with_id(block: Block, number: int, index: int) -> Block:
    if block.get("type") == "tool_use" and "id" not in block:
        return {"type": "tool_use", "id": f"toolu_sim_{number:06}_{index}", **block}
    return block


def _displayed(block: Block, body: Mapping[str, Any]) -> Block:
    """A thinking block shows its text only if the request wants a summary, as budgeted thinking does."""
    if block["type"] != "thinking":
        return block
    wanted = body.get("thinking") or {}
    default = "summarized" if wanted.get("type") == "enabled" else "omitted"
    return block if wanted.get("display", default) == "summarized" else {**block, "thinking": ""}


def sign(thinking: str) -> str:
    """A signature that is the same for the same thinking."""
    return b64encode(hashlib.sha256(thinking.encode()).digest()).decode()


def _stop_reason(content: Sequence[Block], *, fitted: bool) -> str:
    if not fitted:
        return "max_tokens"
    return "tool_use" if any(block.get("type") == "tool_use" for block in content) else "end_turn"


def _usage(body: Mapping[str, Any], content: Sequence[Block]) -> dict[str, Any]:
    sizes = [(block.get("type"), block_bytes(block)) for block in content]
    thought = sum(size for kind, size in sizes if kind == "thinking")
    return {
        "input_tokens": input_tokens(body),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": tokens(sum(size for _, size in sizes)),
        "output_tokens_details": {"thinking_tokens": tokens(thought)},
        "service_tier": "standard",
    }
