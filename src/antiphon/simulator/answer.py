"""From a reply of the script and a request to the whole answer. Pure: the same input, the same answer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from antiphon.simulator.cache import Accounted
from antiphon.simulator.points import cut
from antiphon.simulator.script import Block, Reply
from antiphon.simulator.server_tools import server_tool_use, tokens_of_results
from antiphon.simulator.shape import Call
from antiphon.simulator.signatures import THINKING, Sealer, seal_of
from antiphon.simulator.structured import example
from antiphon.simulator.tokens import BYTES_PER_TOKEN, block_bytes, blocks_of, encode, tokens

QUOTED_CHARS = 200
"""How much of a message the default answer repeats."""

NOTHING = Accounted(0, 0, 0, 0)
"""A summary on demand is charged by `usage.iterations` alone."""

FILLER = "The quick brown fox jumps over the lazy dog. "


class Answer(NamedTuple):
    id: str
    model: str
    content: tuple[Block, ...]
    stop_reason: str
    stop_sequence: str | None
    stop_details: dict[str, Any] | None
    usage: dict[str, Any]
    more: dict[str, Any]
    """Further fields of the message: container, diagnostics."""

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
            **self.more,
            "usage": self.usage,
        }

    @property
    def is_free(self) -> bool:
        """A refusal before any output is not charged."""
        return self.stop_reason == "refusal" and not self.usage["output_tokens"]


def _whole(block: Block) -> Block:
    """A tool's input that was cut short is no JSON, so an answer that is not streamed has none."""
    return {**block, "input": {}} if isinstance(block.get("input"), str) else block


class _Said(NamedTuple):
    content: tuple[Block, ...]
    ending: str
    sequence: str | None = None


def answer(
    reply: Reply, call: Call, accounted: Accounted, number: int, more: Mapping[str, Any] | None = None
) -> Answer:
    """The answer to the request that arrived as this number and whose prompt is paid like this."""
    said = _said(reply, call, accounted, number)
    return Answer(
        id=f"msg_sim_{number:06}",
        model=call.body["model"],
        content=said.content,
        stop_reason=reply.stop_reason or said.ending,
        stop_sequence=reply.stop_sequence or said.sequence,
        stop_details=reply.stop_details,
        usage={**_usage(call.body, accounted, said.content), **reply.usage},
        more=dict(more or {}),
    )


def _said(reply: Reply, call: Call, accounted: Accounted, number: int) -> _Said:
    body = call.body
    if body["max_tokens"] == 0 and reply.stop_reason is None:
        return _Said((), "max_tokens")
    if body.get("compaction") and reply.content is None:
        return _Said(({"type": "compaction", "content": _text(reply, body)},), "compaction")
    if reply.content is not None:
        given = reply.content if reply.ends is None else cut(reply.content, reply.ends)
        blocks = _sealed([_with_id(block, number, index) for index, block in enumerate(given)], call)
        asks = any(block.get("type") == "tool_use" for block in blocks)
        return _Said(tuple(blocks), _ending(reply) or ("tool_use" if asks else "end_turn"))
    thinks = reply.thinking is not None and _thinks(call)
    thought: list[Block] = [{"type": "thinking", "thinking": reply.thinking}] if thinks else []
    spoken: list[Block] = [*thought, {"type": "text", "text": _text(reply, body)}]
    if reply.ends is not None:
        spoken = cut(spoken, reply.ends)
    return _fitted(spoken, _ending(reply), call, accounted)


def _ending(reply: Reply) -> str | None:
    """Why it ends where the script says."""
    return None if reply.ends in (None, "after_deltas") else "max_tokens"


def _fitted(spoken: Sequence[Block], ending: str | None, call: Call, accounted: Accounted) -> _Said:
    """As much of thinking and text as may come, and why it ends there if it does not all come."""
    most, window = call.body["max_tokens"], call.model.max_input_tokens - accounted.prompt_tokens
    room = max(min(most, window), 0) * BYTES_PER_TOKEN
    content: list[Block] = []
    for block in spoken:
        kind = block["type"]
        kept = block[kind].encode()[:room].decode(errors="ignore")
        sequence = _first_of(call.body.get("stop_sequences") or (), kept) if kind == "text" else None
        said = kept if sequence is None else kept[: kept.index(sequence)]
        if said:
            content.append(_thinking(said, call) if kind == "thinking" else {"type": "text", "text": said})
        if sequence is not None:
            return _Said(tuple(content), "stop_sequence", sequence)
        if kept != block[kind]:
            full = "max_tokens" if most <= window else "model_context_window_exceeded"
            return _Said(tuple(content), full)
        room -= len(kept.encode())
    return _Said(tuple(content), ending or "end_turn")


def _first_of(sequences: Sequence[str], text: str) -> str | None:
    found = [(text.index(each), each) for each in sequences if each in text]
    return min(found)[1] if found else None


def _text(reply: Reply, body: Mapping[str, Any]) -> str:
    if reply.text is not None:
        return reply.text
    if reply.deltas is not None and reply.delta_chars is not None:
        length = reply.deltas * reply.delta_chars
        return (FILLER * (length // len(FILLER) + 1))[:length]
    wanted = (body.get("output_config") or {}).get("format")
    if wanted:
        return encode(example(wanted.get("schema") or {})).decode()
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


def _thinks(call: Call) -> bool:
    wanted = (call.body.get("thinking") or {}).get("type") or call.model.thinking_default
    return bool(wanted != "disabled")


def _thinking(thinking: str, call: Call) -> Block:
    """Its text shows only if the request wants a summary, as budgeted thinking does."""
    wanted = call.body.get("thinking") or {}
    default = "summarized" if wanted.get("type") == "enabled" else "omitted"
    shown = thinking if wanted.get("display", default) == "summarized" else ""
    signature = Sealer(call.body, call.model, call.organization).sign(thinking, shown)
    return {"type": "thinking", "thinking": shown, "signature": signature}


def _sealed(blocks: list[Block], call: Call) -> list[Block]:
    """Thinking that the script left unsigned is signed for its place."""
    if not any(block.get("type") in THINKING for block in blocks):
        return blocks
    sealer, sealed = Sealer(call.body, call.model, call.organization), []
    for block in blocks:
        match block:
            case {"type": "thinking"} if "signature" not in block:
                shown = str(block.get("thinking", ""))
                sealed.append({**block, "signature": sealer.sign(shown, shown)})
            case {"type": "redacted_thinking"} if "data" not in block:
                sealed.append({**block, "data": sealer.sign("", "")})
            case _:
                sealed.append(block)
                if block.get("type") not in THINKING:
                    sealer.add(block)
    return sealed


def _usage(body: Mapping[str, Any], accounted: Accounted, content: Sequence[Block]) -> dict[str, Any]:
    thought = sum(generated_bytes(block) for block in content if block.get("type") in THINKING)
    written = sum(generated_bytes(block) for block in content)
    usage = accounted.usage(tokens(written), tokens(thought))
    if any(block.get("type") == "compaction" for block in content):
        return {**NOTHING.usage(), "iterations": [{"type": "compaction", **usage}]}
    usage["input_tokens"] += tokens_of_results(content)
    searched = server_tool_use(content)
    if searched:
        usage["server_tool_use"] = searched
    return {**usage, **{name: body[name] for name in ("speed", "inference_geo") if body.get(name)}}


def generated_bytes(block: Block) -> int:
    """What the model wrote of a block: all of its thinking, shown or not, and nothing of a result."""
    kind = str(block.get("type"))
    if kind in THINKING:
        seal = seal_of(str(block.get("signature") or block.get("data") or ""))
        if seal is not None:
            return seal.size
    return 0 if kind.endswith("_tool_result") else block_bytes(block)
