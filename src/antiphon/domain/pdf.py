"""How many pages a PDF has, found without following what it says of itself: hostile files lead in circles.

Objects are looked for in the bytes and in the compressed object streams (ISO 32000-2, 7.5.7), of which a
bounded number of bytes is unpacked, in one pass. Whoever needs to know exactly what it costs asks Claude.
"""

import re
import zlib
from collections.abc import Iterator

from antiphon.errors import InvalidRequest

UNPACKED_MAX = 64_000_000
"""Bytes of object streams that are unpacked of one file; with more, the number of pages is not known."""
PAGES_COUNTED = 10_000
"""More are as good as any number."""
END_BYTES = 65_536
"""Where the end mark is looked for, counted from the end: some programs write more behind it."""
DICTIONARY_BYTES = 2_000
"""How far a stream's own bytes may lie behind its type."""

_OBJECT_OR_PAGE = re.compile(
    rb"(\d{1,10})[ \r\n\t]{1,9}\d{1,5}[ \r\n\t]{1,9}obj\b|/Type\s{0,9}/Page(?![a-zA-Z])"
)
_PAGE = re.compile(rb"/Type\s{0,9}/Page(?![a-zA-Z])")
_LOCKED = re.compile(rb"/Encrypt\s{0,9}(?:<<|\d{1,10}\s{1,9}\d{1,5}\s{1,9}R)")


def read_pdf(data: bytes) -> int | None:
    """The number of pages; None if it cannot be seen. Raises InvalidRequest: cut off, or locked."""
    if b"%%EOF" not in data[-END_BYTES:]:
        raise InvalidRequest("This PDF is cut off: its end is missing. Nothing was stored; choose another.")
    if _LOCKED.search(data) is not None:
        raise InvalidRequest(
            "This PDF is locked, and Claude cannot open it. Nothing was stored; save it without a password."
        )
    pages, left = _pages_in_the_open(data), UNPACKED_MAX
    for packed in _object_streams(data):
        unpacked = _unpacked(packed, left)
        if (left := left - len(unpacked)) <= 0:
            return None
        pages += sum(1 for _ in _PAGE.finditer(unpacked))
    return pages or None


def _pages_in_the_open(data: bytes) -> int:
    """Objects that are pages: one that was written anew counts once."""
    number, found = b"", set[bytes]()
    for match in _OBJECT_OR_PAGE.finditer(data):
        if match[1] is not None:
            number = match[1]
        else:
            found.add(number)
            if len(found) >= PAGES_COUNTED:
                break
    return len(found)


def _object_streams(data: bytes) -> Iterator[memoryview]:
    """The packed bytes of each stream that holds objects."""
    at = 0
    while (at := data.find(b"/ObjStm", at)) >= 0:
        word = data.find(b"stream", at)
        if word < 0:
            return
        if data.rfind(b"/ObjStm", max(at, word - DICTIONARY_BYTES), word) < 0:
            at = word
            continue
        begin = word + len(b"stream")
        begin += 2 if data[begin : begin + 2] == b"\r\n" else 1
        end = data.find(b"endstream", begin)
        if end < 0:
            return
        yield memoryview(data)[begin:end]
        at = end


def _unpacked(packed: memoryview, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""
