"""What a file is, by its bytes alone: neither its name nor what its sender calls it counts.

Nothing is decoded that could do harm: of an image only the headers are read, of a PDF only how many pages it
has. Source of the kinds and limits: the Messages API reference, "Vision" and "PDF support".
"""

import struct
from typing import NamedTuple

from antiphon.domain.files import Media, MediaType
from antiphon.domain.pdf import read_pdf
from antiphon.errors import InvalidRequest, TooLarge

IMAGE_BASE64_MAX = 10 * 1024 * 1024
"""Characters of one image as base64."""
REQUEST_BASE64_MAX = 30_000_000
"""Characters of all files of a request as base64: some of its 32 MB is left for its text."""
PIXELS_MAX = 8_000
"""Of each side of an image."""
PAGES_MAX = 600

KINDS = "PNG, JPEG, GIF and WebP images, PDF, and text in UTF-8"

_TEXT_CONTROLS = frozenset("\t\n\r\f\x1b")


class Size(NamedTuple):
    width: int
    height: int


def read_media(data: bytes) -> Media:
    """Raises InvalidRequest: no file that Claude can read. TooLarge: more than Claude takes."""
    if not data:
        raise InvalidRequest("The file is empty. Nothing was stored; choose another.")
    kind = _image_kind(data)
    if kind is not None:
        return _image(data, kind)
    _check_size(data, REQUEST_BASE64_MAX, "a file")
    if data.startswith(b"%PDF-"):
        return _pdf(data)
    if _is_text(data):
        return Media(media_type="text/plain")
    raise InvalidRequest(
        f"This is no file that Claude can read: it takes {KINDS}. Nothing was stored; convert it first."
    )


def base64_length(size: int) -> int:
    return -(-size // 3) * 4


def _check_size(data: bytes, most: int, what: str) -> None:
    if base64_length(len(data)) > most:
        raise TooLarge(
            f"This file has {len(data) / 1e6:.1f} MB, and Claude takes {what} of at most "
            f"{most * 3 // 4 / 1e6:.1f} MB. Nothing was stored; make it smaller."
        )


def _pdf(data: bytes) -> Media:
    pages = read_pdf(data)
    if pages is not None and pages > PAGES_MAX:
        raise TooLarge(
            f"This PDF has {pages:,} pages, and Claude reads {PAGES_MAX} at most. Nothing was stored; split "
            "it."
        )
    return Media(media_type="application/pdf", pages=pages)


def _is_text(data: bytes) -> bool:
    """Text that a person could read: UTF-8 without NUL and other control characters."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return all(char >= " " or char in _TEXT_CONTROLS for char in set(text)) and bool(text.strip())


# Images


def _image_kind(data: bytes) -> MediaType | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _image(data: bytes, kind: MediaType) -> Media:
    _check_size(data, IMAGE_BASE64_MAX, "an image")
    try:
        size = _SIZES[kind](data)
    except (struct.error, IndexError):
        size = None
    if size is None or min(size) < 1:
        raise InvalidRequest(
            f"This {kind.partition('/')[2].upper()} image is damaged or cut off. Nothing was stored; choose "
            "another."
        )
    if max(size) > PIXELS_MAX:
        raise TooLarge(
            f"This image has {size.width:,} x {size.height:,} pixels, and Claude takes {PIXELS_MAX:,} on "
            "each side at most. Nothing was stored; make it smaller."
        )
    return Media(media_type=kind, width=size.width, height=size.height)


def _png(data: bytes) -> Size | None:
    """From the first chunk, if the chunks go on to the last one."""
    if data[12:16] != b"IHDR":
        return None
    at = 8
    while data[at + 4 : at + 8] != b"IEND":
        (length,) = struct.unpack_from(">I", data, at)
        at += 12 + length
    return Size(*struct.unpack_from(">II", data, 16)) if at + 12 <= len(data) else None


def _gif(data: bytes) -> Size | None:
    return Size(*struct.unpack_from("<HH", data, 6)) if len(data) > 13 else None


def _webp(data: bytes) -> Size | None:
    (length,) = struct.unpack_from("<I", data, 4)
    if len(data) < 30 or len(data) < length + 8:
        return None
    match data[12:16]:
        case b"VP8X":
            wide, high = data[24:27], data[27:30]
            return Size(int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1)
        case b"VP8L" if data[20] == 0x2F:
            bits = int.from_bytes(data[21:25], "little")
            return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 26)
            return Size(width & 0x3FFF, height & 0x3FFF)
        case _:
            return None


def _jpeg(data: bytes) -> Size | None:
    """From the first frame header (SOF0 to SOF15 without the tables C4, C8 and CC), if there is an end."""
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Size(width, height) if data.rfind(b"\xff\xd9") > at else None
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


_SIZES = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp}
