"""Readers on raw sockets: cheap, so that the servers get the cores."""

import asyncio
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.load import Load
from bench.raw_http import body_of, request

WITHIN_S = 600.0


def chat_request(session: str, load: Load) -> bytes:
    """For `/chat/stream`, which Antiphon, the bare app and the floor have."""
    return request("POST", "/chat/stream", {"session_id": session, "message": load.message})


def claude_request(load: Load) -> bytes:
    """For the Messages API itself, and for nginx before it."""
    messages = [{"role": "user", "content": load.message}]
    body = {"model": "claude-sonnet-5-5", "max_tokens": 8192, "stream": True, "messages": messages}
    return request("POST", "/v1/messages", body)


def turn_request(conversation_id: str, load: Load, *, stream: bool = True) -> bytes:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    if stream:
        headers["Accept"] = "text/event-stream"
    return request("POST", f"/v1/conversations/{conversation_id}/turns", {"content": load.message}, headers)


def events_request(conversation_id: str, after: int = 0) -> bytes:
    return request("GET", f"/v1/conversations/{conversation_id}/events?after={after}")


@dataclass(frozen=True, slots=True)
class Read:
    """One answer as a client saw it. `first_s` is the time to its first text, in seconds."""

    first_s: float
    text_chars: int
    done: bool


async def read_answer(port: int, asked: bytes) -> Read:
    """Ask, and read to the end. The clock starts when the connection stands."""
    async with asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        start = time.perf_counter()
        writer.write(asked)
        received, first = bytearray(), 0.0
        while piece := await reader.read(2**18):
            if not first and b'"text":"w' in piece.replace(b'": "', b'":"'):
                first = time.perf_counter() - start
            received += piece
        writer.close()
    return counted(bytes(received), first)


def counted(response: bytes, first_s: float) -> Read:
    """Text is counted from the frames, whichever API they are of."""
    chars, done = 0, False
    for line in body_of(response).split(b"\n"):
        if line.startswith(b"data: {"):
            frame = msgspec.json.decode(line[6:])
            chars += len(frame.get("text") or frame.get("delta", {}).get("text", ""))
            done = done or is_last(frame)
    return Read(first_s, chars, done)


def is_last(frame: Mapping[str, Any]) -> bool:
    return bool(
        frame.get("done") or frame.get("type") == "message_stop" or frame.get("status") == "completed"
    )


async def read_all(port: int, asked: Iterable[bytes], load: Load) -> list[Read]:
    """Ask all at once. Raises ValueError: an answer was incomplete."""
    reads = list(await asyncio.gather(*(read_answer(port, each) for each in asked)))
    if not all(read.done and read.text_chars == load.chars for read in reads):
        raise ValueError(f"an answer was incomplete: {[r for r in reads if r.text_chars != load.chars][:3]}")
    return reads


async def call(port: int, asked: bytes) -> Any:
    """A request whose answer is JSON."""
    async with asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked)
        answer = body_of(await reader.read())
        writer.close()
    return msgspec.json.decode(answer)


async def new_conversation(port: int) -> str:
    return str((await call(port, request("POST", "/v1/conversations", {})))["id"])
