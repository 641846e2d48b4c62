"""Where a server listens: an address that may be had, held from the beginning."""

import socket
import sys

from antiphon.errors import ConfigurationError
from antiphon.server.hosts import bracketed, is_loopback
from antiphon.settings import Settings


def check_reach(host: str, *, open_to_everyone: bool) -> None:
    """Raises ConfigurationError: others could reach this, and that was not asked for."""
    if not open_to_everyone and not is_loopback(host):
        raise ConfigurationError(
            f"Listening on {host} would let everyone who can reach this machine read and continue every "
            "conversation, at your cost: nobody has to sign in. Leave --host out to serve this machine only, "
            "or add --open-to-everyone if that is what you want."
        )


def bound(settings: Settings) -> socket.socket:
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
        raise no_listener(settings, error) from error
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise no_listener(settings, error) from error
    return listener


def no_listener(settings: Settings, error: OSError) -> ConfigurationError:
    where = f"{bracketed(settings.host)}:{settings.port}"
    return ConfigurationError(
        f"{where} cannot be listened on ({error.strerror or error}). Stop what uses it, or choose another "
        "port with --port; --port 0 takes a free one."
    )


def greeting(settings: Settings, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    workers = f", {settings.workers} workers" if settings.workers > 1 else ""
    return f"Antiphon on http://{bracketed(settings.host)}:{port} (model {settings.model}{workers})"
