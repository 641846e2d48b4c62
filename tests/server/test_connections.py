"""A connection between answers: what nobody takes is not kept, and what is no request spoils no answer."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial

import pytest
import structlog

from antiphon.server import protocol
from antiphon.server.protocol import Protocol
from tests.server.streamed import (
    FIRST,
    PART,
    PATIENCE_S,
    SECOND,
    WHOLE,
    Reader,
    Running,
    Told,
    reader_of,
    served,
)

END = b"0\r\n\r\n"
"""Of a response that is whole."""

GARBAGE = b"\x00 this is no request\r\n\r\n"
ENDLESS = b"GET /other HTTP/1.1\r\nX-Much: " + b"a" * 100_000


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the server runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def running(told: Told) -> AsyncGenerator[Running]:
    async with served(told, "ours") as running:
        yield running


@pytest.fixture
async def reader(running: Running) -> AsyncGenerator[Reader]:
    async with reader_of(running) as reader:
        yield reader


# Readers that do not read


@pytest.mark.parametrize("more", ["", "Connection: close\r\n"])
async def test_who_does_not_read_an_answer_is_dropped(
    running: Running, reader: Reader, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    monkeypatch.setattr(protocol, "SEND_S", 0.1)
    with structlog.testing.capture_logs() as log:
        reader.ask("/whole", more=more)
        await running.alone()
    assert [entry["event"] for entry in log] == ["reader_dropped"]
    assert len(await reader.rest()) < WHOLE


async def test_nothing_is_answered_to_who_does_not_read_the_answer_before(
    told: Told, running: Running, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SEND_S", 0.1)
    for _ in range(5):
        reader.ask("/whole")
    await running.alone()
    assert told.wholes == 1


async def test_who_asks_much_at_once_and_reads_gets_all(told: Told, reader: Reader) -> None:
    for _ in range(3):
        reader.ask("/whole")
    reader.ask("/body", method="POST", more="Content-Length: 4\r\n")
    reader.say(b"mine")
    for _ in range(3):
        assert b"content-length: %d" % WHOLE in await reader.until(b"\r\n\r\n")
        assert len(await reader.exactly(WHOLE)) == WHOLE
    await reader.until(b"\r\n\r\n")
    assert await reader.exactly(4) == b"mine"
    assert told.wholes == 3


async def test_who_reads_slowly_is_not_dropped(
    running: Running, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SEND_S", 0.5)
    reader.ask("/whole")
    await reader.until(b"\r\n\r\n")
    for _ in range(20):
        assert len(await reader.exactly(WHOLE // 20)) == WHOLE // 20
        await asyncio.sleep(0.06)


@pytest.mark.parametrize("kept_alive", [True, False])
async def test_who_leaves_the_end_of_an_answer_is_dropped_too(
    told: Told, running: Running, reader: Reader, monkeypatch: pytest.MonkeyPatch, *, kept_alive: bool
) -> None:
    """What is left is little enough for the connection to take more, so it waits for no reader."""
    await fill(told, running, reader)
    connection = running.connection
    monkeypatch.setattr(protocol, "SEND_S", 0.1)
    connection.timeout_keep_alive = 0
    reader.ask("/other", more="" if kept_alive else "Connection: close\r\n")
    await running.until(connection.transport.is_closing)
    assert not connection.flow.write_paused
    await running.alone()


async def fill(told: Told, running: Running, reader: Reader) -> None:
    """Ask until something is kept for the reader."""
    while told.wholes == 0 or not on_its_way(running.connection):
        asked = told.wholes + 1
        reader.ask("/part")
        await running.until(partial(told.has_said, asked))
        await running.idle()
    assert on_its_way(running.connection) <= PART


def on_its_way(connection: Protocol) -> int:
    return connection.transport.get_write_buffer_size()


# What is no request


@pytest.mark.parametrize("fault", [GARBAGE, ENDLESS], ids=["garbage", "endless"])
async def test_an_answer_under_way_comes_to_its_end_before_a_fault_closes(
    told: Told, running: Running, reader: Reader, fault: bytes
) -> None:
    reader.ask("/events")
    await reader.until(FIRST + b"\r\n")
    reader.say(fault)
    reader.say(fault)
    reader.ask("/other")
    await running.until(lambda: not running.connection.cycle.keep_alive)
    told.more.set()
    assert await reader.rest() == b"%x\r\n%b\r\n%b" % (len(SECOND), SECOND, END)


async def test_requests_before_a_fault_are_answered(told: Told, reader: Reader) -> None:
    reader.ask("/events")
    reader.ask("/other")
    reader.say(GARBAGE)
    await reader.until(FIRST + b"\r\n")
    told.more.set()
    await reader.until(END)
    answer = await reader.rest()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nother")


async def test_a_fault_alone_is_told(reader: Reader) -> None:
    reader.say(GARBAGE)
    assert (await reader.rest()).startswith(b"HTTP/1.1 400")


CHUNKS = "Transfer-Encoding: chunked\r\n"


async def test_a_fault_in_a_body_is_told_to_its_request(reader: Reader) -> None:
    reader.ask("/body", method="POST", more=CHUNKS)
    reader.say(b"2\r\n{}\r\nxyz\r\n")
    assert (await reader.rest()).count(b"HTTP/1.1 400") == 1


async def test_a_fault_in_a_body_behind_an_answer_cuts_that(told: Told, reader: Reader) -> None:
    """Its request would wait for the rest of it."""
    reader.ask("/events")
    await reader.until(FIRST + b"\r\n")
    reader.ask("/body", method="POST", more=CHUNKS)
    reader.say(b"2\r\n{}\r\nxyz\r\n")
    assert await reader.rest() == b""
    async with asyncio.timeout(PATIENCE_S):
        await told.closed.wait()
