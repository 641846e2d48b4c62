"""From frames to the writes on the socket: HTTP chunks, and where a fault strikes. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from antiphon.simulator.frames import MESSAGE_STOP, Frame
from antiphon.simulator.points import position
from antiphon.simulator.script import AnyFault, Chunks

LAST_CHUNK = b"0\r\n\r\n"

TEAR = re.compile(rb"\n(?=\n)|[\xc0-\xff](?=[\x80-\xbf])")
"""After the first of two line feeds, and after the first byte of a character that has several."""

FRAMES_PER_WRITE = 256
"""So that a long stream without pauses waits for its reader instead of lying in memory whole."""


def chunk(data: bytes) -> bytes:
    """One HTTP chunk. Empty data would end the body: it is no chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def writes(frames: Sequence[Frame], chunks: Chunks) -> Iterator[bytes]:
    """The frames as writes of whole chunks, each to be seen by the reader on its own if it can be."""
    for start in range(0, len(frames), FRAMES_PER_WRITE):
        batch = [each.data for each in frames[start : start + FRAMES_PER_WRITE]]
        match chunks:
            case "event":
                yield b"".join(map(chunk, batch))
            case "whole":
                yield chunk(b"".join(batch))
            case "torn":
                yield from map(chunk, _torn(b"".join(batch)))
            case "byte":
                yield from (chunk(bytes((byte,))) for byte in b"".join(batch))


def _torn(data: bytes) -> Iterator[bytes]:
    start = 0
    for tear in TEAR.finditer(data):
        yield data[start : tear.end()]
        start = tear.end()
    yield data[start:]


def paced(frames: Sequence[Frame]) -> list[Sequence[Frame]]:
    """Steps of one delta each. What is no delta travels with the next one, and the ending with the last."""
    ends = [index + 1 for index, each in enumerate(frames) if each.is_delta]
    bounds = [0, *ends[:-1], len(frames)]
    return [frames[start:end] for start, end in pairwise(bounds)]


def strike(frames: Sequence[Frame], fault: AnyFault) -> int:
    """How many frames go out before the fault."""
    if fault.at is not None:
        return position([each.data for each in frames], fault.at)
    if fault.of == "events":
        return min(fault.after, len(frames))
    deltas = _delta_positions(frames)
    if fault.after == 0 and deltas:
        return deltas[0]
    if 0 < fault.after <= len(deltas):
        return deltas[fault.after - 1] + 1
    return len(frames) - (bool(frames) and frames[-1] == MESSAGE_STOP)


def _delta_positions(frames: Iterable[Frame]) -> list[int]:
    return [index for index, each in enumerate(frames) if each.is_delta]
