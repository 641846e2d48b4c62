"""The floor: read Claude's bytes, write our frames, and nothing else: no log, no API around it.

Like Antiphon it joins what arrived together into one frame.
"""

import asyncio
import sys
from typing import cast

import msgspec
import uvloop

from bench.load import load_in
from bench.raw_http import LAST_CHUNK, chunk, request, take_request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
MARK = b'data: {"type":"content_block_delta"'
END = b'data: {"type":"message_stop"'


class Text(msgspec.Struct):
    text: str


class Delta(msgspec.Struct):
    delta: Text


_decode = msgspec.json.Decoder(Delta).decode
_encode = msgspec.json.Encoder().encode


class Upstream(asyncio.Protocol):
    """Reads an answer and writes it on to a reader."""

    def __init__(self, reader: asyncio.Transport, asked: bytes) -> None:
        self._reader = reader
        self._asked = asked
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._asked)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        said, done = [], False
        for line in lines:
            if line.startswith(MARK):
                said.append(_decode(line[6:]).delta.text)
            elif line.startswith(END):
                done = True
        if said:
            self._reader.write(chunk(b"data: " + _encode({"text": "".join(said)}) + b"\n\n"))
        if done:
            self._reader.write(chunk(b'data: {"done": true}\n\n') + LAST_CHUNK)
            self._reader.close()


class Passing(asyncio.Protocol):
    """One reader's connection."""

    def __init__(self, upstream_port: int) -> None:
        self._port = upstream_port
        self._received = bytearray()
        self._asking: asyncio.Task[object] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        body = take_request(self._received)
        if body is not None and self._transport is not None:
            self._transport.write(HEAD)
            self._asking = asyncio.create_task(self._ask(self._transport, load_in(body).message))

    async def _ask(self, reader: asyncio.Transport, message: str) -> None:
        asked = request("POST", "/v1/messages", {"messages": [{"role": "user", "content": message}]})
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Upstream(reader, asked), "127.0.0.1", self._port)


async def serve(port: int, upstream_port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Passing(upstream_port), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
