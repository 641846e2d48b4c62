"""One server process: from its service to its end, which is asked for by signals."""

import asyncio
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

import uvicorn

from antiphon.bootstrap import make_upstream, open_service
from antiphon.cli.listening import no_listener
from antiphon.cli.local_answer import ready_local
from antiphon.model.local.upstream import LocalUpstream
from antiphon.server.app import create_app
from antiphon.server.protocol import configuration
from antiphon.service import Service
from antiphon.settings import LOCAL, Settings

if sys.platform == "win32":
    new_event_loop = asyncio.new_event_loop
else:
    from uvloop import new_event_loop

GRACE_S = 5
"""Seconds that answers under way may take to end when the server stops."""

YOUNG_MAX = 50_000
"""How many objects more than before make the collector look for cycles, of which answers leave hardly any.

A thousand answers under way hold hundreds of thousands of objects: with Python's own 700 it would go through
all of them again and again, and everybody would wait for it.
"""


class Server(uvicorn.Server):
    """Says when it listens. Signals are heard by the loop: uvicorn's own way would end the process early."""

    def __init__(
        self, config: uvicorn.Config, *, listening: Callable[[], None], stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.stopped_by = 0
        self._stopped_at = 0.0
        self._listening = listening
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    def drain(self, number: int) -> None:
        """Let answers end. Idempotent."""
        if not self.should_exit:
            self.should_exit = True
            self.stopped_by = number
            self._stopped_at = time.monotonic()
            self._stopping()

    def leave(self, number: int) -> None:
        """Let nothing end."""
        self.drain(number)
        self.force_exit = True

    def stop(self, number: int) -> None:
        """Let answers end; at the second signal, do not."""
        if self.should_exit:
            self.leave(number)
        else:
            self.drain(number)

    def grace_left(self) -> float:
        """Seconds that answers which nobody reads may still take."""
        return 0.0 if self.force_exit else max(0.0, self._stopped_at + GRACE_S - time.monotonic())


Signals: TypeAlias = Callable[[Server], Mapping[int, Callable[[int], None]]]
"""What a server is to do at which signal."""


def serve_on(
    settings: Settings, listener: socket.socket, *, listening: Callable[[], None], signals: Signals
) -> int:
    """Serve until one of the signals comes, which is returned. `listening` is called when it does.

    Raises:
        MissingCredentials, ConfigurationError, StoreUnavailable, NewerData: it cannot begin.
    """
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_serve(settings, listener, listening, signals))


async def _serve(
    settings: Settings, listener: socket.socket, listening: Callable[[], None], signals: Signals
) -> int:
    local = await ready_local(settings) if settings.model == LOCAL else None
    service = await _opened(settings, local)
    grace_s = 0.0
    try:
        app = create_app(settings, service=service, local=local)
        server = Server(configuration(app, GRACE_S), listening=listening, stopping=app.state.streams.close)
        for number, do in signals(server).items():
            _on_signal(number, do)
        try:
            await server.serve(sockets=[listener])
        except OSError as error:
            raise no_listener(settings, error) from error
        grace_s = server.grace_left()
        return server.stopped_by
    finally:
        await service.close(grace_s)


def _on_signal(number: int, do: Callable[[int], None]) -> None:
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, do, number)
    except NotImplementedError:  # Windows: Ctrl-C arrives as KeyboardInterrupt
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(do, number))


async def _opened(settings: Settings, local: LocalUpstream | None) -> Service:
    upstream = local or make_upstream(settings)
    try:
        service = await open_service(settings, upstream=upstream)
    except BaseException:
        await upstream.close()
        raise
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not look through it for every answer
    gc.set_threshold(YOUNG_MAX)
    return service
