"""What lies on the wire: chunks, connections, pace. Read with a bare socket, because clients hide it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anthropic import AsyncAnthropic

from antiphon.simulator import Chunks, Reply, Simulator


def request(body: dict[str, Any], **headers: str) -> bytes:
    data = json.dumps(body).encode()
    given = {"host": "x", "x-api-key": "any", "anthropic-version": "2026-10-21", **headers}
    lines = [f"{name}: {value}" for name, value in {**given, "content-length": str(len(data))}.items()]
    return "\r\n".join(["POST /v1/messages HTTP/1.1", *lines, "", ""]).encode() + data


@asynccontextmanager
async def connected(
    simulator: Simulator,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = simulator.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def read_chunks(reader: asyncio.StreamReader) -> list[bytes]:
    """The chunks of one response's body."""
    await reader.readuntil(b"\r\n\r\n")
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return chunks


async def chunks_of(simulator: Simulator, question: dict[str, Any], reply: Reply) -> list[bytes]:
    simulator.script(reply)
    async with connected(simulator) as (reader, writer):
        writer.write(request({**question, "stream": True}))
        return await read_chunks(reader)


async def test_an_event_is_a_chunk(simulator: Simulator, question: dict[str, Any]) -> None:
    chunks = await chunks_of(simulator, question, Reply(text="naïve ☃"))
    assert all(chunk.startswith(b"event: ") and chunk.endswith(b"}\n\n") for chunk in chunks)
    assert len(chunks) == 8


async def test_torn_chunks_end_within_characters_and_line_feeds(
    simulator: Simulator, question: dict[str, Any]
) -> None:
    chunks = await chunks_of(simulator, question, Reply(text="naïve ☃", chunks="torn"))
    whole = await chunks_of(simulator, question, Reply(text="naïve ☃"))
    ends = {chunk[-1:] for chunk in chunks}
    assert ends == {b"\n", "ï".encode()[:1], "☃".encode()[:1]}
    assert sum(chunk.startswith(b"\nevent:") for chunk in chunks) == len(whole) - 1
    assert b"".join(chunks).replace(b"000001", b"000002") == b"".join(whole)


@pytest.mark.parametrize(("chunks", "most"), [("whole", 1), ("byte", 10_000)])
async def test_all_can_be_one_chunk_or_each_byte(
    simulator: Simulator, question: dict[str, Any], chunks: Chunks, most: int
) -> None:
    got = await chunks_of(simulator, question, Reply(text="naïve ☃", chunks=chunks))
    body = b"".join(got)
    assert body.endswith(b'data: {"type":"message_stop"}\n\n')
    assert len(got) == min(len(body), most)


@pytest.mark.parametrize("chunks", ["event", "whole", "torn", "byte"])
async def test_the_sdk_reads_them_all(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any], chunks: Chunks
) -> None:
    simulator.script(Reply(text="naïve ☃\n\nÀ bientôt 👋", chunks=chunks))
    async with client.messages.stream(**question) as stream:
        assert await stream.get_final_text() == "naïve ☃\n\nÀ bientôt 👋"


async def test_one_connection_serves_many_requests_in_order(
    simulator: Simulator, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="first", pace=0.001), Reply(text="second"))
    async with connected(simulator) as (reader, writer):
        writer.write(request({**question, "stream": True}) * 2)
        for text in (b"first", b"second"):
            assert text in b"".join(await read_chunks(reader))


async def test_a_client_may_ask_before_it_sends_much(simulator: Simulator, question: dict[str, Any]) -> None:
    async with connected(simulator) as (reader, writer):
        head, _, body = request({**question, "stream": True}, expect="100-continue").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert await read_chunks(reader)


async def test_a_connection_closes_when_the_client_wants_it(
    simulator: Simulator, question: dict[str, Any]
) -> None:
    async with connected(simulator) as (reader, writer):
        writer.write(request(question, connection="close"))
        response = await reader.read()
    assert b"\r\nconnection: close\r\n" in response
    assert response.endswith(b"}")


async def test_what_is_no_http_gets_400_and_the_end(simulator: Simulator) -> None:
    async with connected(simulator) as (reader, writer):
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    assert simulator.requests == ()


async def test_deltas_come_at_their_pace(simulator: Simulator, question: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await chunks_of(simulator, question, Reply(text="one two three four", pace=0.02))
    assert loop.time() - begun >= 3 * 0.02


async def test_a_long_answer_waits_for_its_reader(simulator: Simulator, question: dict[str, Any]) -> None:
    more_than_sockets_hold = 40 * 1024 * 1024
    text = {"type": "text", "text": "x" * more_than_sockets_hold}
    simulator.script(Reply(content=(text,), delta_chars=100_000))
    async with connected(simulator) as (reader, writer):
        writer.write(request({**question, "stream": True}))
        await reader.readuntil(b"\r\n\r\n")
        assert simulator.requests[0].ended_at is None
    (seen,) = await simulator.until(lambda seen: seen[0].ended_at is not None)
    assert seen.client_left
