"""How uvicorn is set up here, and what ASGI lacks for a stream: see `Protocol`."""

import asyncio
from collections.abc import Callable
from typing import Any

import httptools
import structlog
import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from antiphon.server.handover import HandOver, extension
from antiphon.server.problems import problem

log = structlog.get_logger()

CONNECTION = "antiphon.connection"
"""The extension of a request's scope that holds its `Protocol`."""

SEND_S = 30.0
"""Seconds for which a reader that is waited for may take nothing; then it is dropped."""

HEAD_MAX = 65_536
"""Bytes of a request's line and headers: the parser, which keeps them, has no limit of its own."""

HEAD_TOO_LONG = (
    f"The address and the headers of this request have more than {HEAD_MAX // 1024} KB. Nothing was stored; "
    "send it again with less of them."
)


class HeadTooLong(Exception):
    pass


class Protocol(HttpToolsProtocol):
    """A connection that a response may be broken off on, written to at once, and told the end of.

    All this is about the request that is answered now. A next one may have been read already: it waits, also
    for a reader that has yet to take the answer before. One that takes nothing is dropped.
    """

    __slots__ = ("_answering", "_dropping", "_held", "_lost", "_on_its_way", "_refused", "_unread")
    """In the dict, they would be too many for one that shares its keys."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self._answering: RequestResponseCycle | None = None
        self._lost: Callable[[], None] | None = None
        self._unread = 0
        """Bytes that came since a request began, or since a piece of its body: the parser may keep them."""
        self._refused = False
        """Whether something came that was no request. What follows it cannot be told apart."""
        self._held: tuple[RequestResponseCycle, Any] | None = None
        """The next request, while the reader is waited for."""
        self._dropping: asyncio.TimerHandle | None = None
        self._on_its_way = 0
        """Bytes that the reader had yet to take when it was last looked at."""

    def abort(self) -> None:
        """Close the connection at once, whatever was sent: what is cut must not look complete."""
        self.transport.abort()

    def when_lost(self, call: Callable[[], None] | None) -> None:
        """Call this as soon as the connection is gone, or nothing any more."""
        self._lost = call
        if call is not None and self._answering is None:
            call()

    def write(self, data: bytes) -> bool:
        """Put a piece of the body on its way. False where that is for `send`: it waits for a slow reader."""
        answer = self._answering
        if (
            answer is None
            or not answer.chunked_encoding  # not begun, or without a body as for HEAD
            or answer.response_complete
            or self.flow.write_paused
            or not data
        ):
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        return True

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unset_keepalive_if_required()
        left = memoryview(data)
        self._unread += len(data)
        try:
            while left:
                left = left[self._read(left) :]
            if self._unread > HEAD_MAX:
                self._refuse(self._answer_431)
        except httptools.HttpParserError as error:
            too_long = isinstance(error.__context__, HeadTooLong)
            self._refuse(self._answer_431 if too_long else self._answer_400)

    def _refuse(self, answer: Callable[[], None]) -> None:
        """Answer what is no request, and close; where others are answered, the last of them is the answer."""
        self._refused = True
        last = self.cycle
        if last is not None and not last.response_complete and not last.more_body:
            last.keep_alive = False
        elif last is None or last.response_complete or self._is_unanswered(last):
            answer()
            self._wait_for_reader()
        else:
            self.abort()

    def _is_unanswered(self, cycle: RequestResponseCycle) -> bool:
        """Whether nothing was said to it, and nothing is to be said before."""
        return cycle is self._answering and not cycle.response_started

    def _answer_400(self) -> None:
        said = "Invalid HTTP request received."
        self.logger.warning(said)
        self.send_400_response(said)

    def _answer_431(self) -> None:
        said = problem("headers-too-large", "The headers are too large", HEAD_TOO_LONG)
        headers = [*self.server_state.default_headers, *said.raw_headers, (b"connection", b"close")]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[said.status_code], lines, bytes(said.body)))
        self.transport.close()

    def _read(self, data: memoryview) -> int:
        """Parse; how much of it was taken.

        The parser stops after a head that offers another protocol, and would take a body for the next
        request. None is spoken here, so such a request is one like any other: it begins anew, without offer.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            head = self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)  # the old one may be through with this connection
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
            self.parser.feed_data(head)
            return int(stop.args[0])
        return len(data)

    def _head_without_offer(self) -> bytes:
        """Raises HttpParserError: what was asked for is a tunnel, and nothing here."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise httptools.HttpParserInvalidMethodError("no tunnels")
        headers = (b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(headers))

    def on_headers_complete(self) -> None:
        self._unread = 0
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_MAX:
            raise HeadTooLong
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unread = 0
        extensions: dict[str, Any] = {CONNECTION: self}
        self.scope["extensions"] = extensions

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self.flow.write_paused:
            self._held = cycle, app
            self.flow.pause_reading()
            return
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._wait_no_more()
        if self._held is not None:
            held, self._held = self._held, None
            self._start_asgi_task(*held)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait_for_reader()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._wait_for_reader()

    def _wait_for_reader(self) -> None:
        """That a connection is to be closed is not enough: it is not before all that was sent is taken."""
        self._wait_no_more()
        self._on_its_way = self.transport.get_write_buffer_size()
        self._dropping = self.loop.call_later(SEND_S, self._drop)

    def _wait_no_more(self) -> None:
        if self._dropping is not None:
            self._dropping.cancel()
            self._dropping = None

    def _drop(self) -> None:
        if self.transport.get_write_buffer_size() < self._on_its_way:
            self._wait_for_reader()
        else:
            log.info("reader_dropped", waited_s=SEND_S)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is answered: uvicorn tells only the one that was read last."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn does, but for a connection that was reset
        self._wait_no_more()
        self._held = None
        answer, lost = self._answering, self._lost
        self._answering = self._lost = None
        self.cycle = self.scope = None  # type: ignore[assignment]  # as it begins; they hold this object
        if answer is not None and not answer.response_complete:
            answer.disconnected = True
            answer.message_event.set()
        if lost is not None:
            lost()


def connection_of(scope: Scope) -> Protocol | None:
    """None on other servers."""
    found = extension(scope, CONNECTION)
    return found if isinstance(found, Protocol) else None


def configuration(app: ASGIApp, grace_s: int) -> uvicorn.Config:
    """For an application whose service is opened before and closed after; signals are not uvicorn's."""
    return uvicorn.Config(
        HandOver(app),
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=grace_s,
    )
