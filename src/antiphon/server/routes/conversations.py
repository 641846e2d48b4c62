"""`/v1/conversations`: make, list, read, change, delete, export, import."""

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from antiphon.domain.ids import is_id
from antiphon.errors import InvalidRequest, NewerData
from antiphon.server import problems
from antiphon.server.reading import (
    EXPORTED_LEVELS,
    ConversationInPath,
    body_of,
    check_content_type,
    checked,
    documented,
    parse_json,
    refusal,
)
from antiphon.server.searching import found
from antiphon.server.served import Served
from antiphon.server.v1_answers import (
    ConversationBody,
    DocumentBody,
    ListBody,
    SnapshotBody,
    conversation_body,
    snapshot_body,
)
from antiphon.server.v1_bodies import ConversationChange, Document, HeadChange, NewConversation
from antiphon.service import DEFAULT_SYSTEM, LOCAL_PRINCIPAL

router = APIRouter(prefix="/v1/conversations", responses=problems.DOCUMENTATION)

IMPORT_PATH = "/v1/conversations/import"

PAGE = 50
QUERY_MAX = 500


@router.post("", status_code=201, response_model=ConversationBody, openapi_extra=documented(NewConversation))
async def create(
    asked: Annotated[NewConversation, body_of(NewConversation, default={})], service: Served
) -> Response:
    """Make a conversation."""
    header = await service.create(
        LOCAL_PRINCIPAL,
        title=asked.title,
        system=DEFAULT_SYSTEM if asked.system is None else asked.system,
        model=asked.model,
        options=asked.options.given(),
    )
    return json_response(conversation_body(header), 201)


@router.get("", response_model=ListBody)
async def recent(
    service: Served,
    query: Annotated[str, Query(max_length=QUERY_MAX, description="Words of the messages to find.")] = "",
    cursor: Annotated[str | None, Query(description="Of the page before this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
) -> Response:
    """The conversations, the one that changed last first; with a query, those with messages that have all
    its words, and these messages as `hits`, newest first.
    """
    if query.strip():
        return json_response(await found(service, query, cursor, limit))
    headers = await service.recent(LOCAL_PRINCIPAL, before=_read_cursor(cursor), limit=limit + 1)
    page, more = headers[:limit], len(headers) > limit
    last = f"{page[-1].updated_at}.{page[-1].id}" if more else None
    bodies = [conversation_body(header) for header in page]
    return json_response({"conversations": bodies, "cursor": last, "hits": []})


@router.post("/import", status_code=201, response_model=ConversationBody, openapi_extra=documented(Document))
async def import_(request: Request, service: Served) -> Response:
    """Make a conversation from an exported one, under a new id.

    Documents may be large, and are many times as large once they are read: so one is read at a time, in a
    thread, while other requests go on.
    """
    check_content_type(request)
    body = await request.body()
    async with request.app.state.importing:
        document = await asyncio.to_thread(lambda: checked(Document, parse_json(body, EXPORTED_LEVELS)))
        try:
            header = await service.import_(LOCAL_PRINCIPAL, document.model_dump())
        except NewerData as error:
            raise InvalidRequest(error.detail) from error  # it is the document's fault, not the store's
    return json_response(conversation_body(header), 201)


@router.get("/{conversation_id}", response_model=SnapshotBody)
async def snapshot(conversation_id: ConversationInPath, service: Served) -> Response:
    """All that is shown. Then follow its events after `as_of_seq`."""
    header = await service.get(LOCAL_PRINCIPAL, conversation_id)
    return json_response(snapshot_body(header, await service.snapshot(LOCAL_PRINCIPAL, conversation_id)))


@router.patch(
    "/{conversation_id}", response_model=ConversationBody, openapi_extra=documented(ConversationChange)
)
async def change(
    conversation_id: ConversationInPath,
    asked: Annotated[ConversationChange, body_of(ConversationChange)],
    service: Served,
) -> Response:
    """Change title, system prompt, model or options, from the next turn on."""
    header = await service.update(
        LOCAL_PRINCIPAL,
        conversation_id,
        title=asked.title,
        system=asked.system,
        model=asked.model,
        options=asked.options.given() if asked.options is not None else None,
    )
    return json_response(conversation_body(header))


@router.delete("/{conversation_id}", status_code=204)
async def delete(conversation_id: ConversationInPath, service: Served) -> Response:
    """Stop what runs in it and remove it, for good."""
    await service.delete(LOCAL_PRINCIPAL, conversation_id)
    return Response(status_code=204)


@router.get("/{conversation_id}/export", response_model=DocumentBody)
async def export(conversation_id: ConversationInPath, service: Served) -> Response:
    """The conversation as a document, with all branches."""
    return json_response(await service.export(LOCAL_PRINCIPAL, conversation_id))


@router.put("/{conversation_id}/head", response_model=ConversationBody, openapi_extra=documented(HeadChange))
async def move_head(
    conversation_id: ConversationInPath, asked: Annotated[HeadChange, body_of(HeadChange)], service: Served
) -> Response:
    """Show, and go on from, another branch."""
    header = await service.move_head(LOCAL_PRINCIPAL, conversation_id, asked.message_id)
    return json_response(conversation_body(header))


def json_response(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def _read_cursor(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    at, _, last_id = cursor.partition(".")
    if not (at.isascii() and at.isdecimal() and len(at) <= 15 and is_id(last_id)):
        raise refusal([{"parameter": "cursor", "detail": "is not one that a page of conversations gave"}])
    return int(at), last_id
