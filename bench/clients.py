"""Readers of `/chat/stream` on raw sockets: cheap, so that the servers get the cores."""

import asyncio
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Read:
    """One answer as a client saw it. `first_s` is the time to its first text, in seconds."""

    first_s: float
    text_chars: int
    done: bool


async def read_answer(port: int, session: str, *, within_s: float = 120.0) -> Read:
    async with asyncio.timeout(within_s):
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = json.dumps({"session_id": session, "message": "go"}).encode()
        start = loop.time()
        writer.write(
            b"POST /chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        received, first = bytearray(), 0.0
        while piece := await reader.read(65536):
            if not first and b'"text"' in piece:
                first = loop.time() - start
            received += piece
        writer.close()
        await writer.wait_closed()
    return _counted(bytes(received), first)


def _counted(received: bytes, first_s: float) -> Read:
    """Text is counted from the frames; chunk sizes between them are no JSON and are passed over."""
    chars, done = 0, False
    for line in received.split(b"\n"):
        if line.startswith(b"data: {"):
            frame = json.loads(line[6:])
            chars += len(frame.get("text", ""))
            done = done or bool(frame.get("done"))
    return Read(first_s, chars, done)


async def read_many(port: int, clients: int, label: str) -> list[Read]:
    return list(await asyncio.gather(*(read_answer(port, f"{label}-{n}") for n in range(clients))))
