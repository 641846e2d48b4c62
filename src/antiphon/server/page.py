"""The page: files that run nothing and load nothing but themselves.

`static` holds what is built from `web/` and is not there in a checkout that has not built it; then `plain` is
served, a page that needs no building.
"""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

BUILT = Path(__file__).with_name("static")
PLAIN = Path(__file__).with_name("plain")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""`no-cache`: the browser asks whether its copy is still the newest, by ETag."""

TRUSTED_TYPES = "; require-trusted-types-for 'script'; trusted-types dompurify antiphon"
"""The built page writes markup only through its sanitizer; a browser that knows these types sees to it."""

HASHED = "assets"
"""Files here carry a hash of their content in their name: they never change."""


def page_folder() -> Path:
    return BUILT if (BUILT / "index.html").is_file() else PLAIN


def add_page(app: FastAPI, folder: Path) -> None:
    """Serve the page at `/`, and at `/c/<id>` with a conversation open; its files are under `/static`."""

    async def page(_request: Request) -> Response:
        return FileResponse(folder / "index.html", headers=headers_of(folder))

    app.add_route("/", page, include_in_schema=False)
    app.add_route("/c/{conversation_id}", page, include_in_schema=False)
    app.mount("/static", _Files(folder))


def headers_of(folder: Path) -> dict[str, str]:
    if folder == PLAIN:
        return HEADERS
    return {**HEADERS, "Content-Security-Policy": HEADERS["Content-Security-Policy"] + TRUSTED_TYPES}


class _Files(StaticFiles):
    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        self._headers = headers_of(folder)

    def file_response(self, full_path: Any, *args: Any, **options: Any) -> Response:
        response = super().file_response(full_path, *args, **options)
        response.headers.update(self._headers)
        if Path(full_path).parent.name == HASHED:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
