"""A token count that is the same everywhere: four bytes are one token.

Text counts by its own bytes, any other block by its JSON without `cache_control`: neither the place of a
cache breakpoint nor a string instead of one text block changes the count.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

BYTES_PER_TOKEN = 4


def tokens(size: int) -> int:
    """The tokens of this many bytes."""
    return -(-size // BYTES_PER_TOKEN)


def input_tokens(body: Mapping[str, Any]) -> int:
    return tokens(sum(block_bytes(block) for block in prompt_blocks(body)))


def output_tokens(content: Iterable[Any]) -> int:
    return tokens(sum(block_bytes(block) for block in content))


def prompt_blocks(body: Mapping[str, Any]) -> Iterator[Any]:
    """Everything the model reads, in the order of the prompt's prefix: tools, system, messages."""
    yield from body.get("tools") or ()
    yield from blocks_of(body.get("system") or "")
    for message in body.get("messages") or ():
        yield from blocks_of(message["content"])


def blocks_of(content: Any) -> Iterable[Any]:
    """A string is shorthand for one text block."""
    return ({"type": "text", "text": content},) if isinstance(content, str) else content


def block_bytes(block: Any) -> int:
    match block:
        case {"type": "text", "text": str(text)}:
            return len(text.encode())
        case {"type": "thinking", "thinking": str(thinking)}:
            return len(thinking.encode())
        case _:
            return len(msgspec.json.encode(_without_breakpoints(block)))


def _without_breakpoints(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: _without_breakpoints(inner) for key, inner in value.items() if key != "cache_control"
            }
        case list() | tuple():
            return [_without_breakpoints(inner) for inner in value]
        case _:
            return value
