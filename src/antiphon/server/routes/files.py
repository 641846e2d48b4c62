"""`/v1/files`: what people attach to messages. Nothing that is kept here can run on this server's pages."""

from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from antiphon.domain.files import FileFacts, MediaType, is_file_id
from antiphon.server import problems
from antiphon.server.routes.conversations import json_response
from antiphon.server.served import Served
from antiphon.service import LOCAL_PRINCIPAL
from antiphon.stores.projection import no_file

router = APIRouter(prefix="/v1/files", responses=problems.DOCUMENTATION)

PATH = "/v1/files"
NAME_HEADER = "X-File-Name"

MEDIA_TYPES: tuple[MediaType, ...] = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "text/plain",
)
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
"""A file is shown as what its bytes are, and whatever is in it runs nothing and loads nothing."""


class FileBody(BaseModel):
    """A file that is kept. Refer to it by its id in a block of a message."""

    file_id: str
    media_type: MediaType = Field(description="By its content.")
    size: int = Field(description="Bytes.")
    name: str
    sha256: str
    width: int | None = Field(None, description="Of an image, in pixels.")
    height: int | None = None
    pages: int | None = Field(None, description="Of a PDF, if they can be counted.")


UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of the file. What it is, is told by them, not by Content-Type.",
        "content": dict.fromkeys(("application/octet-stream", *MEDIA_TYPES), BINARY),
    },
    "parameters": [
        {
            "name": NAME_HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "The name of the file, percent-encoded.",
        }
    ],
}


@router.post("", status_code=201, response_model=FileBody, openapi_extra=UPLOAD)
async def upload(request: Request, service: Served) -> Response:
    """Keep a file for a day, and then as long as a conversation refers to it.

    The same bytes again are the same file.
    """
    name = unquote(request.headers.get(NAME_HEADER, ""), errors="replace")
    facts = await service.upload(LOCAL_PRINCIPAL, await request.body(), name)
    return json_response(file_body(facts), 201)


@router.get(
    "/{file_id}",
    response_class=Response,
    responses={
        200: {"description": "Its bytes.", "content": dict.fromkeys(MEDIA_TYPES, BINARY)},
        304: {"description": "The bytes are those that If-None-Match names."},
    },
)
async def download(
    file_id: Annotated[str, Path(description="As POST /v1/files gave it.")],
    request: Request,
    service: Served,
) -> Response:
    """The bytes of a file."""
    if not is_file_id(file_id):
        raise no_file()
    file = await service.file(LOCAL_PRINCIPAL, file_id)
    headers = {**HEADERS, "ETag": f'"{file.facts.sha256}"', "Content-Disposition": _disposition(file.facts)}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(file.data, headers=headers, media_type=file.facts.media.media_type)


def file_body(facts: FileFacts) -> dict[str, Any]:
    media = facts.media
    seen = {"width": media.width, "height": media.height, "pages": media.pages}
    return {
        "file_id": facts.id,
        "media_type": media.media_type,
        "size": facts.size,
        "name": facts.name,
        "sha256": facts.sha256,
        **{name: value for name, value in seen.items() if value is not None},
    }


def _disposition(facts: FileFacts) -> str:
    """Only images are shown in place. The name is told as RFC 6266 has it."""
    how = "inline" if facts.media.block_type == "image" else "attachment"
    return f"{how}; filename*=UTF-8''{quote(facts.name, safe='')}" if facts.name else how
