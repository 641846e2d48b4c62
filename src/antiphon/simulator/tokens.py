"""A token count that is the same everywhere: four bytes are one token.

Text counts by its own bytes, images and documents by what they show, any other block by its JSON without
`cache_control`: neither the place of a cache breakpoint nor a string instead of one text block changes the
count.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from antiphon.simulator.media import document_tokens, image_tokens

BYTES_PER_TOKEN = 4

encode = msgspec.json.Encoder().encode


def tokens(size: int) -> int:
    """The tokens of this many bytes."""
    return -(-size // BYTES_PER_TOKEN)


def output_tokens(content: Iterable[Any]) -> int:
    return tokens(sum(block_bytes(block) for block in content))


def blocks_of(content: Any) -> Iterable[Any]:
    """A string is shorthand for one text block."""
    return ({"type": "text", "text": content},) if isinstance(content, str) else content


def block_bytes(block: Any) -> int:
    match block:
        case {"type": "text", "text": str(text)}:
            return len(text.encode())
        case {"type": "thinking", "thinking": str(thinking)}:
            return len(thinking.encode())
        case {"type": "image"}:
            return image_tokens(block) * BYTES_PER_TOKEN
        case {"type": "document"}:
            return document_tokens(block, BYTES_PER_TOKEN) * BYTES_PER_TOKEN
        case {"type": "tool_result", "content": [*inner]} if any(_is_media(each) for each in inner):
            frame = {**block, "content": [each for each in inner if not _is_media(each)]}
            return len(spelled(frame)) + sum(block_bytes(each) for each in inner if _is_media(each))
        case _:
            return len(spelled(block))


def spelled(block: Any) -> bytes:
    """The JSON of a block without any `cache_control`."""
    raw = encode(block)
    return encode(without_breakpoints(block)) if b'"cache_control"' in raw else raw


def without_breakpoints(value: Any) -> Any:
    match value:
        case dict():
            return {key: without_breakpoints(inner) for key, inner in value.items() if key != "cache_control"}
        case list() | tuple():
            return [without_breakpoints(inner) for inner in value]
        case _:
            return value


def _is_media(block: Any) -> bool:
    return isinstance(block, Mapping) and block.get("type") in ("image", "document")
