"""What a tool gave back, as blocks that Claude accepts within a `tool_result`. Pure.

A block that Claude refuses would make the whole conversation unsendable, so each is checked before.
Source of the kinds and limits: the Messages API reference, "Tool use" and "Vision".
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from antiphon.domain.messages import Block, clean_json, clean_text, text_block

TEXT_BYTES_MAX = 100_000
"""All text of a result, about 25,000 tokens; what is longer is cut, and says so."""
IMAGE_CHARS_MAX = 5_000_000
"""One image as base64; the API takes 10 MB, but each is stored and sent again with every step."""
IMAGES_MAX = 20
"""More of them would have to be smaller than 2,000 pixels."""

CUT = "\n[cut: the result was longer]"

_MAGIC: Mapping[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_MAGIC_CHARS = 64


def blocks_of(value: Any) -> list[Block]:
    """Text as it is, content blocks as they are, bytes of an image as an image, all else as JSON.

    Raises:
        ValueError, TypeError (pydantic's serialization errors among them): it is none of these.
    """
    match value:
        case None:
            return []
        case str():
            return [text_block(value)]
        case bytes():
            return [_image(value)]
        case dict() if _is_block(value):
            return [value]
        case list() | tuple() if value and all(_is_block(part) for part in value):
            return list(value)
        case _:
            return [text_block(json_text(value))]


def json_text(value: Any) -> str:
    """Raises ValueError, TypeError: it cannot be JSON."""
    try:
        return to_json(value, inf_nan_mode="strings").decode()
    except PydanticSerializationError:  # perhaps only a lone surrogate
        return to_json(clean_json(to_jsonable_python(value)), inf_nan_mode="strings").decode()


def bounded(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """What may be kept of a result: valid blocks within the limits, a sentence where something is missing."""
    kept: list[Block] = []
    room, images = TEXT_BYTES_MAX, 0
    for block in blocks:
        if block.get("type") == "text":
            text, room, whole = _text_within(str(block.get("text", "")), room)
            kept += [text_block(text)] if text.strip() else []
            if not whole:
                break
        elif (problem := _image_problem(block)) is None and images < IMAGES_MAX:
            images += 1
            kept.append({"type": "image", "source": dict(block["source"])})
        else:
            kept.append(text_block(f"[left out: {problem or 'there were more images than can be shown'}]"))
    return tuple(kept) or (text_block("(no output)"),)


def _text_within(text: str, room: int) -> tuple[str, int, bool]:
    """Clean text of at most `room` bytes, the room left, and whether it is whole."""
    clean = clean_text(text[: room + 1])
    data = clean.encode()
    if len(data) <= room:
        return clean, room - len(data), True
    return data[:room].decode(errors="ignore") + CUT, 0, False


def _is_block(value: Any) -> bool:
    match value:
        case {"type": "text", "text": str()}:
            return True
        case {"type": "image", "source": dict()}:
            return True
        case _:
            return False


def _image(data: bytes) -> Block:
    kind = next((kind for kind, starts in _MAGIC.items() if data.startswith(starts)), None)
    if kind is None:
        raise ValueError("bytes that are no PNG, JPEG, GIF or WebP image")
    source = {"type": "base64", "media_type": kind, "data": base64.b64encode(data).decode()}
    return {"type": "image", "source": source}


def _image_problem(block: Block) -> str | None:
    """Why Claude would not accept it as an image; None if nothing is known against it."""
    source = block.get("source")
    if block.get("type") != "image" or not isinstance(source, dict):
        return "content of a kind that cannot be shown"
    data, starts = source.get("data"), _MAGIC.get(str(source.get("media_type")))
    if source.get("type") != "base64" or not isinstance(data, str) or starts is None:
        return "an image that is not given as base64 of a PNG, JPEG, GIF or WebP file"
    if len(data) > IMAGE_CHARS_MAX:
        return f"an image of {len(data) / 1e6:.0f} MB, which is too large"
    try:
        begin = base64.b64decode(data[:_MAGIC_CHARS], validate=True)
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return "an image that is not valid base64"
    return None if begin.startswith(starts) else "an image that is not what it says it is"
