"""As much of HTTP/1.1 as canned servers and raw readers need. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LAST_CHUNK = b"0\r\n\r\n"


def request(
    method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, *, close: bool = True
) -> bytes:
    """A request with a JSON body, or none."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Connection: {'close' if close else 'keep-alive'}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def take_request(received: bytearray) -> bytes | None:
    """Take the first whole request off the buffer and return its body; None if it is not whole yet."""
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return None
    length = _LENGTH.search(received, 0, head)
    end = head + 4 + (int(length[1]) if length else 0)
    if len(received) < end:
        return None
    body = bytes(received[head + 4 : end])
    del received[:end]
    return body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def body_of(response: bytes) -> bytes:
    """The body of a whole response. Raises ValueError: the status is not one of success."""
    head, _, rest = response.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise ValueError(f"an answer was refused: {response[:300].decode(errors='replace')}")
    if b"transfer-encoding: chunked" not in head.lower():
        return rest
    body, at = [], 0
    while (line := rest.find(b"\r\n", at)) > 0 and (size := int(rest[at:line], 16)):
        body.append(rest[line + 2 : line + 2 + size])
        at = line + size + 4
    return b"".join(body)
