"""Server-sent events out of raw bytes, however the network cut them.

Source: the HTML standard, section "Server-sent events", whose rules for an event stream this follows.
"""

from typing import TypeAlias

BOM = b"\xef\xbb\xbf"

Frame: TypeAlias = tuple[bytes, bytes]
"""One server-sent event: the value of its last `event` field (empty if none), and its data."""


class Splitter:
    """Give it the bytes as they come; it gives back the frames that are complete.

    The time is linear in the bytes, also for a frame of many megabytes. Comments and unknown fields are
    dropped, and so is what follows the last blank line: an event that was not finished never happened.
    """

    __slots__ = ("_after_cr", "_data", "_name", "_pieces", "_started")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._after_cr = False
        self._started = False

    def feed(self, raw: bytes) -> list[Frame]:
        if self._after_cr or b"\r" in raw:
            raw = self._newlines_only(raw)
        lines = raw.split(b"\n")
        if len(lines) == 1:
            self._pieces.append(raw)
            return []
        if self._pieces:
            lines[0] = b"".join(self._pieces) + lines[0]
        self._pieces = [rest] if (rest := lines.pop()) else []
        if not self._started:
            self._started = True
            lines[0] = lines[0].removeprefix(BOM)
        return self._frames(lines)

    def _frames(self, lines: list[bytes]) -> list[Frame]:
        frames: list[Frame] = []
        for line in lines:
            if line[:6] == b"data: ":
                self._data.append(line[6:])
            elif line[:7] == b"event: ":
                self._name = line[7:]
            elif line:
                self._unusual(line)
            else:
                if self._data:
                    frames.append((self._name, b"\n".join(self._data)))
                    self._data.clear()
                self._name = b""
        return frames

    def _unusual(self, line: bytes) -> None:
        """Comments, unknown fields, and known ones without the space or without a value."""
        field, _, value = line.partition(b":")
        if field == b"event":
            self._name = value
        elif field == b"data":
            self._data.append(value)

    def _newlines_only(self, raw: bytes) -> bytes:
        """All line ends as a newline; a pair that was cut in half counts once."""
        if not raw:
            return raw
        cut_pair = self._after_cr and raw[:1] == b"\n"
        self._after_cr = raw[-1:] == b"\r"
        return raw[cut_pair:].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
