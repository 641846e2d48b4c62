"""What images and documents weigh, read from their own bytes.

Only the head of an image is read, and of a PDF only its number of pages: nothing is decoded that could do
harm. Source: the vision and PDF pages of the API reference.
"""

import binascii
import re
import struct
from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

PATCH = 28
"""Pixels: an image costs one token for each square of this width."""

MOST_IMAGE_TOKENS = 4784
TOKENS_PER_PAGE = 3_000
"""The upper end of what the reference says a page's text costs; its picture is taken to be within it."""

UNSEEN_TOKENS = 1_568
"""An image or document that lies elsewhere (a URL, a file) and is not fetched."""

PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")

HEAD_CHARS = 256 * 1024
"""Base64 characters in which the size of an image is looked for: JPEG may carry large metadata before it."""


class Size(NamedTuple):
    width: int
    height: int


def image_tokens(block: Mapping[str, Any]) -> int:
    size = image_size(block)
    if size is None:
        return UNSEEN_TOKENS
    return min(-(-size.width // PATCH) * -(-size.height // PATCH), MOST_IMAGE_TOKENS)


def image_size(block: Mapping[str, Any]) -> Size | None:
    """Width and height in pixels; None for what cannot be seen from here."""
    data = _base64_of(block)
    return None if data is None else _pixels(data[:HEAD_CHARS])


def pdf_pages(block: Mapping[str, Any]) -> int | None:
    """The number of pages; None for what is no PDF or lies elsewhere."""
    data = _base64_of(block)
    return None if data is None else _pages(data)


def document_tokens(block: Mapping[str, Any], bytes_per_token: int) -> int:
    match block.get("source"):
        case {"type": "text", "data": str(text)}:
            return -(-len(text.encode()) // bytes_per_token)
        case {"type": "content", "content": str(text)}:
            return -(-len(text.encode()) // bytes_per_token)
        case {"type": "base64"}:
            return (pdf_pages(block) or 1) * TOKENS_PER_PAGE
        case _:
            return UNSEEN_TOKENS


def _base64_of(block: Mapping[str, Any]) -> str | None:
    match block.get("source"):
        case {"type": "base64", "data": str(data)}:
            return data
        case _:
            return None


@lru_cache(maxsize=8)
def _pages(data: str) -> int:
    return len(PAGE.findall(_bytes(data)))


@lru_cache(maxsize=64)
def _pixels(head: str) -> Size | None:
    data = _bytes(head[: len(head) // 4 * 4])
    try:
        return _png(data) or _gif(data) or _webp(data) or _jpeg(data)
    except struct.error:
        return None  # cut short


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text)
    except binascii.Error:
        return b""


def _png(data: bytes) -> Size | None:
    return Size(*struct.unpack(">II", data[16:24])) if data.startswith(b"\x89PNG\r\n\x1a\n") else None


def _gif(data: bytes) -> Size | None:
    return Size(*struct.unpack("<HH", data[6:10])) if data[:6] in (b"GIF87a", b"GIF89a") else None


def _webp(data: bytes) -> Size | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    match data[12:16]:
        case b"VP8X":
            wide, high = data[24:27], data[27:30]
            return Size(int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1)
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case _:
            width, height = struct.unpack("<HH", data[26:30])
            return Size(width & 0x3FFF, height & 0x3FFF)


def _jpeg(data: bytes) -> Size | None:
    """The first frame header (SOF0 to SOF15 without the tables C4, C8 and CC)."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return Size(width, height)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
