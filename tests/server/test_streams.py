"""Streams on a server: they behave the same within the application and outside it."""

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import structlog
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.server import sse
from antiphon.server.sse import CLOSING
from tests.server.streamed import (
    FAREWELL,
    FIRST,
    LARGE,
    PATIENCE_S,
    SECOND,
    SECRET,
    Running,
    ServerKind,
    Told,
    reader_of,
    served,
)

END = b"0\r\n\r\n"
"""Of a response that is whole."""

MOST_ON_THE_WAY = 200 * len(LARGE)
"""Above what the buffers of a connection hold, which are the operating system's."""


SERVERS: tuple[ServerKind, ...] = ("ours", "another")


@pytest.fixture(params=SERVERS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the server runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def running(told: Told, kind: ServerKind) -> AsyncGenerator[Running]:
    async with served(told, kind) as running:
        yield running


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


async def test_what_is_said_comes_at_once_and_the_end_last(told: Told, running: Running) -> None:
    async with reader_of(running) as reader:
        reader.ask("/events")
        head = await reader.until(b"\r\n\r\n")
        assert await reader.until(FIRST + b"\r\n") == b"%x\r\n%b\r\n" % (len(FIRST), FIRST)
        told.more.set()
        assert await reader.until(END) == b"%x\r\n%b\r\n%b" % (len(SECOND), SECOND, END)
        assert b"text/event-stream" in head
        assert b"no-transform" in head
        reader.ask("/other")
        assert (await reader.until(b"other")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("method", "version", "more"),
    [
        ("GET", "1.1", "Connection: close\r\n"),
        ("GET", "1.0", ""),
        ("HEAD", "1.1", "Connection: close\r\n"),
        ("GET", "1.1", "Connection: close\r\nExpect: 100-continue\r\n"),
    ],
)
async def test_a_reader_sees_no_difference_between_servers(
    told: Told, method: str, version: str, more: str
) -> None:
    told.more.set()
    answers = []
    for kind in SERVERS:
        async with served(told, kind) as running, reader_of(running) as reader:
            reader.ask("/events", method=method, version=version, more=more)
            answers.append(re.sub(rb"date: .*\r\n", b"", await reader.rest()))
    assert answers[0] == answers[1]
    assert (FIRST in answers[0]) == (SECOND in answers[0]) == (method == "GET")


async def test_outside_any_server_it_says_the_same(told: Told) -> None:
    told.more.set()
    messages = await called(told)
    assert messages[0]["type"] == "http.response.start"
    assert [message["body"] for message in messages[1:]] == [FIRST, SECOND, b""]
    assert [message["more_body"] for message in messages[1:]] == [True, True, False]


async def called(app: ASGIApp) -> list[Message]:
    """What an application sends to a reader that stays."""
    scope = {"type": "http", "method": "GET", "path": "/events", "headers": [], "query_string": b""}
    sent: list[Message] = []

    async def receive() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(PATIENCE_S):
        await app(scope, receive, send)
    return sent


async def test_nothing_of_the_application_is_kept_for_a_stream(told: Told) -> None:
    async with served(told, "ours") as running, reader_of(running) as reader:
        reader.ask("/events")
        await reader.until(FIRST)
        await soon(told.returned)
        assert not told.closed.is_set()


async def test_a_layer_may_answer_in_place_of_a_stream(told: Told) -> None:
    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        async def instead(_: Message) -> None:
            await PlainTextResponse("no", 403)(scope, receive, send)

        await told(scope, receive, instead)

    async with served(refusing, "ours") as running, reader_of(running) as reader:
        reader.ask("/events", more="Connection: close\r\n")
        answer = await reader.rest()
    assert answer.startswith(b"HTTP/1.1 403")
    assert answer.endswith(b"\r\n\r\nno")
    assert not told.closed.is_set()


# Readers


async def test_when_a_reader_leaves_its_stream_is_closed(told: Told, running: Running) -> None:
    async with reader_of(running) as reader:
        reader.ask("/events")
        await reader.until(FIRST)
        await reader.leave()
        await soon(told.closed)
        await soon(told.returned)
    assert not told.more.is_set()


async def test_a_reader_that_does_not_read_is_dropped_and_not_written_for(kind: ServerKind) -> None:
    told = Told(send_s=0.2)
    with structlog.testing.capture_logs() as log:
        async with served(told, kind) as running, reader_of(running) as reader:
            reader.ask("/large")
            await soon(told.closed)
            kept_for_it = await reader.rest()
    assert told.said < MOST_ON_THE_WAY
    assert len(kept_for_it) < told.said
    assert END not in kept_for_it
    assert [entry["event"] for entry in log] == ["reader_dropped"]


async def test_a_reader_that_goes_on_in_time_misses_nothing(told: Told, running: Running) -> None:
    async with reader_of(running) as reader:
        reader.ask("/large")
        await reader.until(b"\r\n\r\n")
        while told.said < MOST_ON_THE_WAY:
            assert (await reader.until(b"\r\n")) == b"%x\r\n" % len(LARGE)
            assert (await reader.exactly(len(LARGE) + 2)) == LARGE + b"\r\n"


async def test_a_request_behind_a_stream_is_answered_after_it(told: Told, running: Running) -> None:
    async with reader_of(running) as reader:
        reader.ask("/events")
        reader.ask("/events")
        reader.ask("/other")
        await reader.until(FIRST)
        told.more.set()
        await reader.until(END)
        assert SECOND in await reader.until(END)
        assert (await reader.until(b"other")).startswith(b"HTTP/1.1 200")


async def test_who_leaves_with_a_request_behind_the_stream_has_left(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """While a request waits the server reads nothing: it hears of it when it cannot write."""
    async with served(told, "ours") as running, reader_of(running) as reader:
        reader.ask("/large")
        await reader.until(b"\r\n\r\n")
        reader.ask("/other")
        await reader.leave()
        await running.idle()
        assert told.closed.is_set()
        assert [record.message for record in caplog.records if record.name.startswith("uvicorn")] == []


# The server


async def test_a_server_that_stops_lets_a_turn_say_farewell(told: Told, running: Running) -> None:
    async with reader_of(running) as reader:
        reader.ask("/events")
        await reader.until(FIRST + b"\r\n")
        await running.stop()
        assert await reader.rest() == b"%x\r\n%b\r\n%b" % (len(FAREWELL), FAREWELL, END)
    assert told.closed.is_set()


async def test_what_has_no_end_ends_when_the_server_begins_to_stop(told: Told, running: Running) -> None:
    last = b"%x\r\n%b\r\n%b" % (len(CLOSING), CLOSING, END)
    async with reader_of(running) as reader:
        reader.ask("/follow")
        await reader.until(FIRST + b"\r\n")
        told.streams.close()
        assert await reader.until(END) == last
        assert told.closed.is_set()
        reader.ask("/follow")
        assert (await reader.until(END)).endswith(last)


async def test_a_reader_that_does_not_read_hears_no_farewell(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "FAREWELL_S", 0.05)
    async with served(told, "ours") as running, reader_of(running) as reader:
        reader.ask("/large")
        await reader.until(b"\r\n\r\n")
        await running.stop()
        await running.idle()
        assert END not in await reader.rest()
    assert told.closed.is_set()


async def test_a_fault_in_a_stream_is_told_without_its_words(told: Told) -> None:
    with structlog.testing.capture_logs() as log:
        async with served(told, "ours") as running, reader_of(running) as reader:
            reader.ask("/broken")
            await reader.until(FIRST + b"\r\n")
            assert await reader.rest() == b""
    assert [entry["event"] for entry in log] == ["request_fault"]
    assert SECRET not in str(log)
