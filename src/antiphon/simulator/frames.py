"""From an answer to the encoded frames of its event stream. Source: the Messages API streaming reference."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from antiphon.simulator.answer import Answer, generated_bytes
from antiphon.simulator.script import Block, Reply

WORD = re.compile(r"\s*\S+|\s+")
JSON_PART = re.compile(r"[^\s:,]+[\s:,]*|[\s:,]+")
"""A key, a value or a word of one."""


class Frame(NamedTuple):
    """One event, encoded: its `event:` and `data:` lines and the empty line."""

    data: bytes
    is_delta: bool = False
    generated: int = 0
    """Bytes that the model wrote for it."""


def frame(event: Mapping[str, Any], generated: int = 0) -> Frame:
    kind = str(event.get("type", "message"))
    data = b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"
    return Frame(data, kind == "content_block_delta", generated)


PING = frame({"type": "ping"})


def answer_frames(answer: Answer, reply: Reply) -> list[Frame]:
    """The stream of a whole answer, from `message_start` to `message_stop`."""
    extra = [frame(event) for event in reply.extra_events]
    blocks = [list(_block_frames(index, block, reply)) for index, block in enumerate(answer.content)]
    if blocks:
        blocks[0][1:1] = [PING, *extra]
    else:
        blocks = [[PING, *extra]]
    return [_start(answer), *(each for block in blocks for each in block), _ending(answer), MESSAGE_STOP]


def event_frames(events: Iterable[Mapping[str, Any]]) -> list[Frame]:
    return [frame(event) for event in events]


MESSAGE_STOP = frame({"type": "message_stop"})


def _start(answer: Answer) -> Frame:
    begun = {
        **answer.message(),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }
    begun["usage"] = {**answer.usage, "output_tokens": min(1, answer.usage["output_tokens"])}
    begun["usage"].pop("output_tokens_details", None)
    return frame({"type": "message_start", "message": begun})


UNCHANGED = ("cache_creation", "service_tier", "inference_geo", "speed")
"""Fields of usage that only `message_start` brings."""


def _ending(answer: Answer) -> Frame:
    """The usage here is cumulative; the split of cache writes by lifetime is only in `message_start`."""
    delta = {
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "stop_details": answer.stop_details,
        **({"container": answer.more["container"]} if "container" in answer.more else {}),
    }
    usage = {name: value for name, value in answer.usage.items() if name not in UNCHANGED}
    return frame({"type": "message_delta", "delta": delta, "usage": usage})


def _block_frames(index: int, block: Block, reply: Reply) -> Iterator[Frame]:
    match block:
        case {"type": "text", "text": str(text)}:
            yield _block_start(
                index, {**block, "text": "", **({"citations": []} if "citations" in block else {})}
            )
            yield from _text_deltas(index, "text_delta", "text", text, reply)
            for citation in block.get("citations") or ():
                yield _delta(index, {"type": "citations_delta", "citation": citation})
        case {"type": "thinking", "thinking": str(thinking)}:
            yield _block_start(index, {**block, "thinking": "", "signature": ""})
            yield from _text_deltas(index, "thinking_delta", "thinking", thinking, reply)
            hidden = generated_bytes(block) - len(thinking.encode())
            yield _delta(index, {"type": "signature_delta", "signature": block.get("signature", "")}, hidden)
        case {"type": "tool_use" | "server_tool_use" | "mcp_tool_use", "input": tool_input}:
            fragments = (
                tool_input if isinstance(tool_input, str) else msgspec.json.encode(tool_input).decode()
            )
            yield _block_start(index, {**block, "input": {}})
            yield _delta(index, {"type": "input_json_delta", "partial_json": ""})
            yield from _text_deltas(index, "input_json_delta", "partial_json", fragments, reply)
        case _:
            yield _block_start(index, block)
    yield frame({"type": "content_block_stop", "index": index})


def _block_start(index: int, block: Block) -> Frame:
    return frame({"type": "content_block_start", "index": index, "content_block": block})


def _delta(index: int, delta: Block, generated: int = 0) -> Frame:
    return frame({"type": "content_block_delta", "index": index, "delta": delta}, generated)


def _text_deltas(index: int, kind: str, field: str, text: str, reply: Reply) -> Iterable[Frame]:
    parts = index, kind, field, text, reply.deltas, reply.delta_chars
    return _made_up_deltas(*parts) if reply.made_up else _divided(*parts)


def _divided(
    index: int, kind: str, field: str, text: str, deltas: int | None, delta_chars: int | None
) -> tuple[Frame, ...]:
    return tuple(
        _delta(index, {"type": kind, field: each}, len(each.encode()))
        for each in pieces(text, deltas, delta_chars, JSON_PART if kind == "input_json_delta" else WORD)
    )


# A text that is there for its length comes again with every request: it is encoded once.
_made_up_deltas = lru_cache(maxsize=8)(_divided)


def pieces(text: str, deltas: int | None, delta_chars: int | None, word: re.Pattern[str] = WORD) -> list[str]:
    """The text in parts of `delta_chars` characters, else in as many parts as `deltas`, else word by word."""
    if delta_chars is not None:
        return [text[at : at + delta_chars] for at in range(0, len(text), delta_chars)]
    if deltas is not None:
        bounds = [len(text) * part // deltas for part in range(deltas + 1)]
        return [text[start:end] for start, end in pairwise(bounds) if end > start]
    return word.findall(text)
