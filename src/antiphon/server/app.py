"""The application: `create_app` puts guard, routes and page around one `Service`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from antiphon.bootstrap import open_service
from antiphon.model.local.upstream import LocalUpstream
from antiphon.server.about import local_model
from antiphon.server.guard import BodyLimit, Faults, Guard, Limit
from antiphon.server.hosts import names_of
from antiphon.server.page import add_page, page_folder
from antiphon.server.problems import add_problem_handlers
from antiphon.server.protocol import SEND_S
from antiphon.server.reading import KEY_HEADER
from antiphon.server.routes import conversations, files, health, simple, turns, usage
from antiphon.server.sse import Streams
from antiphon.service import Service
from antiphon.settings import Settings, read_settings, with_lasting_store

PREFLIGHT_S = 600
"""Seconds for which a browser need not ask again whether a page of another site may."""


def create_app(
    settings: Settings | None = None,
    *,
    service: Service | None = None,
    local: LocalUpstream | None = None,
    send_s: float = SEND_S,
    page: Path | None = None,
) -> FastAPI:
    """The ASGI application. It opens a service by the settings, and closes it; one that is given it leaves.

    Without a store in the settings, conversations are kept in SQLite in the user's data folder. A reader of a
    stream that takes nothing for `send_s` seconds is dropped. `local` is the local model that the service
    asks, if it does. `page` is the folder of the page's files; it is
    that of the built page if none is given, or else of the plain one.

    Raises:
        ConfigurationError: a setting cannot be used. Starting raises what `open_service` does.
    """
    settings = with_lasting_store(settings or read_settings())
    local = local or local_model(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        if service is not None:
            yield
            return
        app.state.service = opened = await open_service(settings, upstream=local)
        try:
            yield
        finally:
            await opened.close()

    app = FastAPI(
        title="Antiphon",
        summary="A chatbot on the Claude API.",
        lifespan=lifespan,
        docs_url=None,  # these pages load their scripts from another host
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.settings = settings
    app.state.limit = Limit(settings.max_body, "ANTIPHON_MAX_BODY")
    app.state.streams = Streams(send_s)
    app.state.importing = asyncio.Lock()
    app.state.local = local
    app.include_router(simple.router)
    app.include_router(conversations.router)
    app.include_router(turns.router)
    app.include_router(files.router)
    app.include_router(usage.router)
    app.include_router(health.router)
    add_page(app, page or page_folder())
    add_problem_handlers(app)
    _add_middleware(app, settings)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last that is added comes first. CORS stands before what refuses, so that its pages can read why."""
    names = names_of(settings)
    app.add_middleware(Faults)
    imported = Limit(max(settings.max_import, settings.max_body), "ANTIPHON_MAX_IMPORT")
    attached = Limit(settings.max_file, "ANTIPHON_MAX_FILE")
    by_path = {conversations.IMPORT_PATH: imported, files.PATH: attached}
    app.add_middleware(BodyLimit, limit=app.state.limit, by_path=by_path)
    if names.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=tuple(names.origins),
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=(KEY_HEADER, "Last-Event-ID", files.NAME_HEADER),
            expose_headers=("Retry-After",),
            max_age=PREFLIGHT_S,
        )
    app.add_middleware(Guard, names=names)
