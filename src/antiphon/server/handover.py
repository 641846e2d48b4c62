"""What answers for long goes on outside the application.

The frames, the exit stacks and the request that FastAPI and Starlette hold while they wait for a response
take more memory than a stream itself, and each of their layers costs time for each piece that is sent. A
stream needs none of them once its headers have passed them.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.server.guard import tell_fault

HAND_OVER = "antiphon.hand_over"
"""The extension of a request's scope that takes over a stream."""


class Stream(Protocol):
    """A response that begins with `start`."""

    start: Message | None

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None: ...


def hand_over(scope: Scope, stream: Stream) -> bool:
    """Let `stream` go on outside, with the `http.response.start` that is sent next. False: it cannot."""
    take = extension(scope, HAND_OVER)
    if take is None:
        return False
    cast("Callable[[Stream], None]", take)(stream)
    return True


def extension(scope: Scope, name: str) -> Any | None:
    return (scope.get("extensions") or {}).get(name)


class HandOver:
    """The outermost layer: runs what the application has handed over, when nothing of that is left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stream = await self._answer(scope, receive, send)
        if stream is None:
            return
        try:
            await stream.run(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the last one who can tell of it
            tell_fault(error)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Stream | None:
        desk = _Desk(send)
        extensions = {**(scope.get("extensions") or {}), HAND_OVER: desk.take}
        await self._app({**scope, "extensions": extensions}, receive, desk.send)
        return desk.stream


class _Desk:
    """Where one request's stream is handed over, with the start of its response as all layers made it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.stream: Stream | None = None

    def take(self, stream: Stream) -> None:
        self.stream = stream

    async def send(self, message: Message) -> None:
        if self.stream is None:
            await self._send(message)
        elif self.stream.start is None:
            self.stream.start = message
        else:  # a layer answers something else in its place
            start, self.stream = self.stream.start, None
            await self._send(start)
            await self._send(message)
