"""`antiphon serve`: the page and the HTTP API in one process."""

import asyncio
import gc
import signal
import socket
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer
import uvicorn

from antiphon.bootstrap import make_upstream, open_service
from antiphon.cli.exits import Exit, say
from antiphon.cli.fetching import FetchBar
from antiphon.cli.flags import Model, Store
from antiphon.errors import AntiphonError, ConfigurationError
from antiphon.model.credentials import has_credentials
from antiphon.model.local.catalogue import DEFAULT
from antiphon.model.local.upstream import LocalUpstream
from antiphon.model.upstream import Upstream
from antiphon.server.app import create_app, with_lasting_store
from antiphon.server.hosts import bracketed, is_loopback
from antiphon.service import Service
from antiphon.settings import LOCAL, Settings, read_settings
from antiphon.telemetry import configure_logging

if sys.platform == "win32":
    new_event_loop = asyncio.new_event_loop
else:
    from uvloop import new_event_loop

GRACE_S = 5
"""Seconds that answers under way may take to end when the server stops."""


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default 127.0.0.1.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port; 0 takes a free one; default 8000.", min=0, max=65535, show_default=False),
    ] = None,
    model: Model = None,
    store: Store = None,
    open_to_everyone: Annotated[
        bool,
        typer.Option("--open-to-everyone", help="Listen beyond this machine although nobody has to sign in."),
    ] = False,
    local_if_no_credentials: Annotated[
        bool,
        typer.Option(
            "--local-if-no-credentials",
            help="Without credentials for Claude, answer with a small model on this machine.",
        ),
    ] = False,
) -> None:
    """Serve the chat page and the HTTP API."""
    configure_logging()
    try:
        settings = with_lasting_store(read_settings(host=host, port=port, model=model, store=store))
        if local_if_no_credentials and settings.model != LOCAL and not has_credentials():
            settings = settings.model_copy(update={"model": LOCAL})
        _check_reach(settings.host, open_to_everyone=open_to_everyone)
        with _bound(settings) as listener, asyncio.Runner(loop_factory=new_event_loop) as runner:
            stopped_by = runner.run(_serve(settings, listener))
    except AntiphonError as error:
        say(error.detail)
        raise typer.Exit(Exit.CONFIGURATION) from None
    except KeyboardInterrupt:
        stopped_by = signal.SIGINT
    if stopped_by == signal.SIGINT:
        raise typer.Exit(Exit.INTERRUPTED)


async def _serve(settings: Settings, listener: socket.socket) -> int:
    """Serve until a signal comes, which is returned."""
    service = await _opened(settings)
    grace_s = 0.0
    try:
        app = create_app(settings, service=service)
        server = _Server(_configuration(app), _greeting(settings, listener))
        for number in (signal.SIGINT, signal.SIGTERM):
            _on_signal(number, server)
        try:
            await server.serve(sockets=[listener])
        except OSError as error:
            raise _no_listener(settings, error) from error
        grace_s = server.grace_left()
        return server.stopped_by
    finally:
        await service.close(grace_s)


async def _opened(settings: Settings) -> Service:
    upstream = await _ready_upstream(settings)
    try:
        service = await open_service(settings, upstream=upstream)
    except BaseException:
        await upstream.close()
        raise
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not look through it for every answer
    return service


async def _ready_upstream(settings: Settings) -> Upstream:
    """Who answers; the local model is fetched and started first, so that no question waits for it."""
    if settings.model != LOCAL:
        return make_upstream(settings)
    with FetchBar() as bar:
        local = LocalUpstream(settings.local_model or DEFAULT.name, progress=bar.show)
        say(local.describe())
        await local.start()
    return local


class _Server(uvicorn.Server):
    """Says when it listens. Signals are heard by the loop: uvicorn's own way would end the process early."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self.stopped_by = 0
        self._stopped_at = 0.0
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._greeting, flush=True)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    def stop(self, number: int) -> None:
        """Let answers end; at the second signal, do not."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self.stopped_by = self.stopped_by or number
        self._stopped_at = self._stopped_at or time.monotonic()

    def grace_left(self) -> float:
        """Seconds that answers which nobody reads may still take."""
        return 0.0 if self.force_exit else max(0.0, self._stopped_at + GRACE_S - time.monotonic())


def _on_signal(number: int, server: _Server) -> None:
    try:
        asyncio.get_running_loop().add_signal_handler(number, server.stop, number)
    except NotImplementedError:  # Windows: Ctrl-C arrives as KeyboardInterrupt
        signal.signal(number, lambda *_: server.stop(number))


def _configuration(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="httptools" if sys.platform != "win32" else "auto",
        ws="none",
        lifespan="off",  # the service is opened before and closed after
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )


def _check_reach(host: str, *, open_to_everyone: bool) -> None:
    """Raises ConfigurationError: others could reach this, and that was not asked for."""
    if not open_to_everyone and not is_loopback(host):
        raise ConfigurationError(
            f"Listening on {host} would let everyone who can reach this machine read and continue every "
            "conversation, at your cost: nobody has to sign in. Leave --host out to serve this machine only, "
            "or add --open-to-everyone if that is what you want."
        )


def _bound(settings: Settings) -> socket.socket:
    """A socket that holds the address, so that a taken port is told before anything else is done.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _no_listener(settings, error) from error
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _no_listener(settings, error) from error
    return listener


def _no_listener(settings: Settings, error: OSError) -> ConfigurationError:
    where = f"{bracketed(settings.host)}:{settings.port}"
    return ConfigurationError(
        f"{where} cannot be listened on ({error.strerror or error}). Stop what uses it, or choose another "
        "port with --port; --port 0 takes a free one."
    )


def _greeting(settings: Settings, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"Antiphon on http://{bracketed(settings.host)}:{port} (model {settings.model})"
