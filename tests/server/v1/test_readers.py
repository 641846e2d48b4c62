"""Readers: each gets every event after its cursor, once and in order, however often it comes and goes."""

import http.client
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog

from antiphon.settings import Settings
from antiphon.simulator import Reply, Simulator
from tests.server.client import PATIENCE_S, Client
from tests.server.serving import serving
from tests.server.v1.api import Api, Event, read_events, until_end_of

LONG_MESSAGES = 12
"""Of 900 kB: together more than the buffers of a connection hold, which are the operating system's."""

ANSWER = Reply(text=" ".join(f"word{number}" for number in range(60)), pace=0.005)


def test_from_every_cursor_the_missing_events_come_while_a_turn_streams(
    kept_api: Api, simulator: Simulator
) -> None:
    simulator.script(ANSWER)
    conversation = kept_api.conversation()
    turn_id = kept_api.sent(conversation)
    cursors = range(kept_api.snapshot(conversation)["as_of_seq"] + 1)

    def follow(cursor: int) -> list[Event]:
        with kept_api.events(conversation, cursor) as events:
            return until_end_of(turn_id, events)

    with ThreadPoolExecutor(len(cursors)) as pool:
        told = list(pool.map(follow, cursors))
    assert len(told[0]) > len(cursors)
    assert [event.seq for event in told[0]] == list(range(1, len(told[0]) + 1))
    for cursor in cursors:
        assert told[cursor] == told[0][cursor:]


def test_after_the_end_every_cursor_gets_the_rest(api: Api, conversation: str) -> None:
    whole = api.asked(conversation, "Hello.")
    for cursor in range(len(whole)):
        with api.events(conversation, cursor) as events:
            assert list(islice(events, len(whole) - cursor)) == whole[cursor:]


def test_whoever_comes_back_again_and_again_misses_nothing(kept_api: Api, simulator: Simulator) -> None:
    simulator.script(ANSWER)
    conversation = kept_api.conversation()
    turn_id = kept_api.sent(conversation)
    told: list[Event] = []
    while not told or told[-1].type != "turn_end":
        with kept_api.events(conversation, last_event_id=told[-1].seq if told else None) as events:
            told.append(next(event for event in events if event.seq is not None))
    with kept_api.events(conversation) as events:
        assert until_end_of(turn_id, events) == told


@pytest.fixture
def dropped() -> Iterator[threading.Event]:
    """Set when the server has dropped a reader."""
    told = threading.Event()

    def note(_logger: Any, _name: str, entry: Any) -> Any:
        if entry["event"] == "reader_dropped":
            told.set()
        raise structlog.DropEvent

    structlog.configure(processors=[note])
    yield told
    structlog.reset_defaults()


def test_a_reader_that_does_not_read_is_dropped_and_can_come_back(
    simulator: Simulator, dropped: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.script(*(Reply(text="Long.") for _ in range(LONG_MESSAGES)), ANSWER)
    with serving(Settings(store="memory://"), send_s=0.2) as served:
        api = Api(Client(served.url))
        conversation = api.conversation()
        for _ in range(LONG_MESSAGES):
            api.asked(conversation, "x" * 900_000, parent_id=None)
        turn_id = api.sent(conversation, parent_id=None)
        with unread(served.url, f"/v1/conversations/{conversation}/events") as stalled:
            with api.events(conversation) as events:
                whole = until_end_of(turn_id, events)
            assert dropped.wait(PATIENCE_S)
            kept_for_it = rest_of(stalled)
        assert len(kept_for_it) < LONG_MESSAGES * 900_000 / 2
        told = list(read_events(iter(kept_for_it.splitlines(keepends=True))))
        assert told == whole[: len(told)]
        with api.events(conversation, told[-1].seq or 0) as events:
            assert told + until_end_of(turn_id, events) == whole
    assert [record.message for record in caplog.records if record.name.startswith("uvicorn")] == []


class unread:  # noqa: N801 - reads as a verb
    """A response of which nothing is read, on a socket that takes little."""

    def __init__(self, url: str, path: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
        self._path = path

    def __enter__(self) -> http.client.HTTPResponse:
        connection = self._connection
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sock.settimeout(PATIENCE_S)
        connection.sock.connect((connection.host, connection.port))
        connection.request("GET", self._path)
        return connection.getresponse()

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def rest_of(response: http.client.HTTPResponse) -> bytes:
    """What was on its way to a reader when it was dropped."""
    try:
        whole = response.read()
    except http.client.IncompleteRead as cut:
        return cut.partial
    raise AssertionError(f"the stream ended as if all were well, after {len(whole)} bytes")
