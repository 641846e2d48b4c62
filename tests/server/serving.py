"""A server in a thread: uvicorn as `antiphon serve` sets it up, on a free port."""

import asyncio
import socket
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop

from antiphon.bootstrap import open_service
from antiphon.server import create_app
from antiphon.server.protocol import SEND_S, configuration
from antiphon.settings import Settings
from antiphon.stores.base import Store

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Served:
    url: str
    stop: Callable[[], None]
    """Begins to stop: answers under way may take a second to end."""


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, listening: "Future[None]", stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._listening = listening
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set_result(None)


@contextmanager
def serving(
    settings: Settings, *, store: Store | None = None, send_s: float = SEND_S, page: Path | None = None
) -> Generator[Served]:
    """Serve in a thread. With a `store` of one's own, that one is used."""
    listener = socket.create_server(("127.0.0.1", 0))
    listening: Future[None] = Future()
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        service = await open_service(settings, store=store)
        app = create_app(settings, service=service, send_s=send_s, page=page)
        servers.append(_Server(configuration(app, grace_s=1), listening, app.state.streams.close))
        await servers[0].serve(sockets=[listener])
        await service.close()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve())
        except BaseException as error:
            if listening.done():
                raise
            listening.set_exception(RuntimeError(f"the server did not start: {error!r}"))

    thread = threading.Thread(target=run, name="server", daemon=True)

    def stop() -> None:
        servers[0].should_exit = True

    with listener:
        thread.start()
        listening.result(PATIENCE_S)
        try:
            yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", stop)
        finally:
            stop()
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "the server did not stop"
