"""A Messages API of canned bytes: as light as can be, so that the servers beside it get the cores.

Each event travels in an HTTP chunk of its own, as the Messages API sends them.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import uvloop

from bench.load import DELTA, Load, load_in
from bench.raw_http import LAST_CHUNK, chunk, take_request

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"request-id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n"
)
USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def _event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, separators=(",", ":"))
    return chunk(f"event: {kind}\ndata: {data}\n\n".encode())


@lru_cache(maxsize=16)
def steps(load: Load) -> Sequence[bytes]:
    """The response in as many writes as it has deltas; in one, if they come without a pause."""
    message: dict[str, Any] = {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**USAGE, "output_tokens": 1},
    }
    begin = HEAD + _event("message_start", message=message)
    begin += _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    delta = _event("content_block_delta", index=0, delta={"type": "text_delta", "text": DELTA})
    end = _event("content_block_stop", index=0)
    end += _event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage={**USAGE, "output_tokens": load.deltas},
    )
    end += _event("message_stop") + LAST_CHUNK
    if not load.pace_ms or load.deltas == 1:
        return (begin + delta * load.deltas + end,)
    between = [delta] * (load.deltas - 2)
    return (begin + delta, *between, delta + end)


class Answering(asyncio.Protocol):
    """One connection. Steps are timed by the clock, so that a late one does not delay those after it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        closing = b"\r\nConnection: close\r\n" in self._received
        if (body := take_request(self._received)) is not None:
            self._closing = closing
            load = load_in(body)
            self._step(steps(load), 0, self._loop.time(), load.pace_ms / 1000)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._transport = None

    def _step(self, answer: Sequence[bytes], number: int, begun: float, pace_s: float) -> None:
        if self._transport is None:
            return
        self._transport.write(answer[number])
        if (following := number + 1) < len(answer):
            at = begun + following * pace_s
            self._loop.call_at(at, self._step, answer, following, begun, pace_s)
        elif self._closing:
            self._transport.close()


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
