"""How uvicorn is set up here, and the one thing that ASGI lacks: to break off a response."""

from typing import Any

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT = "antiphon.abort"
"""The extension of a request's scope that closes its connection at once, whatever was sent."""


class Protocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {ABORT: self.transport.abort}
        self.scope["extensions"] = extensions


def abort(scope: Scope) -> bool:
    """Close the connection of a response that will not be completed. False if this server cannot."""
    close = (scope.get("extensions") or {}).get(ABORT)
    if close is None:
        return False
    close()
    return True


def configuration(app: Any, grace_s: int) -> uvicorn.Config:
    """For an application whose service is opened before and closed after; signals are not uvicorn's."""
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=grace_s,
    )
