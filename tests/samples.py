"""Files as small as they can be, made here: each is whole, and what it says it is."""

import struct
import zlib


def png(width: int = 3, height: int = 2, shade: int = 0) -> bytes:
    """A grey image; another shade makes another file."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([shade]) * width) * height
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


def png_that_says(width: int, height: int) -> bytes:
    """Its header says so; there is hardly a pixel in it."""
    return png(1, 1).replace(struct.pack(">II", 1, 1), struct.pack(">II", width, height), 1)


def jpeg(width: int = 3, height: int = 2) -> bytes:
    """The headers of one, as a camera writes them, and its end."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return (
        b"\xff\xd8"
        + _segment(0xE1, b"Exif\0\0" + b"\xff\xd9" * 8)
        + _segment(0xC4, b"\0" * 20)
        + _segment(0xC0, frame)
        + _segment(0xDA, b"\x01\x01\0\0?\0")
        + b"\x55\xff\x00\x55\xff\xd9"
    )


def _segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def gif(width: int = 3, height: int = 2) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0,\0\0\0\0\1\0\1\0\0\2\2\x44\1\0;"


def webp(width: int = 3, height: int = 2, kind: str = "VP8X") -> bytes:
    match kind:
        case "VP8X":
            body = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        case "VP8L":
            body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\0" * 8
        case _:
            body = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 8
    chunk = kind.ljust(4).encode() + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def pdf(pages: int = 1, *, packed: bool = False, more: bytes = b"") -> bytes:
    """With its pages in the open, or in a compressed stream of objects; `more` stands in the trailer."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count %d >>" % pages]
    each = [b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"] * pages
    if packed:
        stream = zlib.compress(b"\n".join(each))
        head = b"<< /Type /ObjStm /N %d /First 0 /Filter /FlateDecode /Length %d >>" % (pages, len(stream))
        objects.append(head + b"\nstream\r\n" + stream + b"\nendstream")
    else:
        objects += each
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (n, one) for n, one in enumerate(objects, 1))
    trailer = b"trailer\n<< /Root 1 0 R /Size %d %b>>\nstartxref\n9\n%%%%EOF" % (len(objects) + 1, more)
    return b"%PDF-1.7\n" + body + trailer
