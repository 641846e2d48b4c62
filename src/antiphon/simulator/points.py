"""Where a point of a script lies: in the frames of a stream, and in the blocks of an answer. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from antiphon.simulator.tokens import encode

PART_OF: Mapping[str, str] = {
    "mid_thinking": "thinking",
    "mid_text": "text",
    "mid_tool_input": "tool input",
}
"""What a block must have for a point to lie in it."""


def part_of(block: Mapping[str, Any]) -> str:
    kind = str(block.get("type"))
    return "tool input" if kind.endswith("tool_use") else kind


def cut(blocks: Iterable[Mapping[str, Any]], ends: str) -> list[dict[str, Any]]:
    """The blocks of an answer that ends here."""
    if ends == "after_deltas":
        return [dict(block) for block in blocks]
    kept: list[dict[str, Any]] = []
    for block in blocks:
        if part_of(block) == PART_OF.get(ends):
            return [*kept, _half(block)]
        kept.append(dict(block))
    return []


def _half(block: Mapping[str, Any]) -> dict[str, Any]:
    match block:
        case {"type": "text", "text": str(text)}:
            return {**block, "text": text[: max(len(text) // 2, 1)]}
        case {"thinking": str(thinking)}:
            return {**block, "thinking": thinking[: max(len(thinking) // 2, 1)]}
        case {"input": str(partial)}:
            return {**block, "input": partial[: len(partial) // 2]}
        case _:
            spelled = encode(block.get("input") or {}).decode()
            return {**block, "input": spelled[: len(spelled) // 2]}


class _Event(msgspec.Struct):
    type: str = ""
    index: int | None = None
    content_block: dict[str, Any] = {}
    delta: dict[str, Any] = {}

    @property
    def says_something(self) -> bool:
        """True for a delta that shows some of a block: not a signature, nor the empty first of an input."""
        said = (self.delta.get(name) for name in ("text", "thinking", "partial_json"))
        return self.type == "content_block_delta" and any(said)


def position(frames: Sequence[bytes], point: str) -> int:
    """How many of the encoded frames of a stream go out before this point."""
    events = [_event(data) for data in frames]
    match point:
        case "before_headers" | "before_events":
            return 0
        case "before_end":
            return len(events) - (bool(events) and events[-1].type == "message_stop")
        case "after_deltas":
            deltas = [number for number, event in enumerate(events) if event.type == "content_block_delta"]
            return deltas[-1] + 1 if deltas else _first(events)
        case "before_deltas":
            return _first(events)
        case _:
            return _middle(events, PART_OF[point])


def _event(data: bytes) -> _Event:
    try:
        return msgspec.json.decode(data.partition(b"\ndata: ")[2], type=_Event)
    except msgspec.ValidationError:
        return _Event()  # an event of a script that is as wrong as it is meant to be


def _first(events: Sequence[_Event]) -> int:
    ends = ("content_block_delta", "message_delta", "message_stop")
    return next((number for number, event in enumerate(events) if event.type in ends), len(events))


def _middle(events: Sequence[_Event], part: str) -> int:
    """After half of the first such block: some of a text or a thought, and never all of a tool's input."""
    starts = [
        number
        for number, event in enumerate(events)
        if event.type == "content_block_start" and part_of(event.content_block) == part
    ]
    if not starts:
        return _first(events)
    index, start = events[starts[0]].index, starts[0]
    said = [number for number, event in enumerate(events) if event.index == index and event.says_something]
    if not said:
        return start + 1
    half = len(said) // 2
    return said[half] if part == "tool input" else said[max(half, 1) - 1] + 1
