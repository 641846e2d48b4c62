"""What stands before every route, as plain ASGI: names, origins, the size of bodies, and faults."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.errors import TooLarge
from antiphon.server.hosts import Names, authority, is_foreign, is_ours
from antiphon.server.problems import error_problem, internal_problem, problem, stopping_problem
from antiphon.telemetry import fault_facts

log = structlog.get_logger()

DRAIN_BYTES = 32_000_000
DRAIN_S = 5.0
"""How much of a refused body is read and dropped, and for how long. Many clients cannot read an answer
before they have sent everything: closing on them would hide it.
"""


class Guard:
    """Takes requests for the server's own names, from its own pages and from clients that are no page."""

    def __init__(self, app: ASGIApp, names: Names) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(refusal, scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        host = authority(hosts[0]) if len(hosts) == 1 else None
        if host is None or not is_ours(host, self._names):
            return problem(
                "misdirected",
                "This server has another name",
                "This server does not answer under the name it was asked for. Whoever runs it can add a name "
                "to ANTIPHON_ALLOWED_HOSTS.",
            )
        if any(is_foreign(origin, host, self._names.origins) for origin in origins):
            return problem(
                "forbidden-origin",
                "This page may not use this server",
                "The request comes from a page of another site, and nothing was done. Whoever runs this "
                "server can allow that site in ANTIPHON_CORS_ORIGINS.",
            )
        return None


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request whose body nobody wants, and close its connection."""
    if not _values(scope, b"expect"):  # who asks before sending gets the answer first
        with suppress(TimeoutError, asyncio.CancelledError):  # a server that stops waits no longer either
            async with asyncio.timeout(DRAIN_S):
                await _drain(receive)
    response.headers["Connection"] = "close"
    await response(scope, receive, send)


async def _drain(receive: Receive) -> None:
    left = DRAIN_BYTES
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _values(scope: Scope, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key == name]


ENVELOPE = 4096
"""Bytes that a body may have beside a message of the full size."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The most bytes that a body may have, and the setting that says so."""

    size: int
    setting: str

    def exceeded(self) -> TooLarge:
        return TooLarge(
            f"The request is larger than {self.size:,} bytes. Nothing of it was stored; send less at a time, "
            f"or ask whoever runs this server to raise {self.setting}."
        )


class BodyLimit:
    """Refuses a body beyond its limit: by its Content-Length unread, else as soon as it is more."""

    def __init__(self, app: ASGIApp, limit: Limit, by_path: Mapping[str, Limit]) -> None:
        self._app = app
        self._limit = limit
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._by_path.get(scope["path"], self._limit)
        if any(length.isdecimal() and int(length) > limit.size + ENVELOPE for length in _lengths(scope)):
            await _refuse(error_problem(limit.exceeded()), scope, receive, send)
        else:
            counting = _Counting(scope, receive, send, limit)
            await self._app(scope, counting.receive, counting.send)


def _lengths(scope: Scope) -> list[str]:
    return [length[:20] for length in _values(scope, b"content-length")]


class _Counting:
    """One request whose body is counted. What the application makes of `TooLarge` does not matter: 413."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: Limit) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._left = limit.size + ENVELOPE
        self._limit = limit
        self._refused = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._limit.exceeded()
        return message

    async def send(self, message: Message) -> None:
        if self._left >= 0:
            await self._send(message)
        elif not self._refused:
            self._refused = True
            refusal = error_problem(self._limit.exceeded())
            await _refuse(refusal, self._scope, self._receive, self._send)


class Faults:
    """What nobody foresaw: told in the log without its words, and to the client as one sentence.

    And what the server, when it stops, waits for no longer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            pass  # who leaves while sending gets no answer
        except asyncio.CancelledError:
            if started or scope["type"] != "http":
                raise
            await stopping_problem()(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the last one who can turn it into an answer
            tell_fault(error)
            if not started and scope["type"] == "http":
                await internal_problem()(scope, receive, send)


def tell_fault(error: Exception) -> None:
    """Of one that nobody foresaw. Its words stay out of the log."""
    log.error("request_fault", **fault_facts(error))
