"""`antiphon serve`: the page and the HTTP API, in one process or several."""

import signal
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from antiphon.cli.exits import Exit, say
from antiphon.cli.flags import Model, Store
from antiphon.cli.listening import bound, check_reach, greeting
from antiphon.cli.serving import Server, serve_on
from antiphon.cli.workers import check_workers, run_workers
from antiphon.errors import AntiphonError
from antiphon.model.credentials import has_credentials
from antiphon.settings import LOCAL, Settings, read_settings, with_lasting_store
from antiphon.telemetry import configure_logging


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default 127.0.0.1.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port; 0 takes a free one; default 8000.", min=0, max=65535, show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that share the port and the store; default 1.", min=1, show_default=False
        ),
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
        settings = with_lasting_store(
            read_settings(host=host, port=port, model=model, store=store, workers=workers)
        )
        if local_if_no_credentials and settings.model != LOCAL and not has_credentials():
            settings = settings.model_copy(update={"model": LOCAL})
        check_reach(settings.host, open_to_everyone=open_to_everyone)
        check_workers(settings)
        code = _served(settings)
    except AntiphonError as error:
        say(error.detail)
        raise typer.Exit(Exit.CONFIGURATION) from None
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    raise typer.Exit(code)


def _served(settings: Settings) -> int:
    """Serve until a signal comes; the exit code."""
    with bound(settings) as listener:
        listening = partial(print, greeting(settings, listener), flush=True)
        if settings.workers > 1:
            return run_workers(settings, listener, listening)
        stopped_by = serve_on(settings, listener, listening=listening, signals=_signals)
    return Exit.INTERRUPTED if stopped_by == signal.SIGINT else Exit.ANSWERED


def _signals(server: Server) -> dict[int, Callable[[int], None]]:
    return {signal.SIGINT: server.stop, signal.SIGTERM: server.stop}
