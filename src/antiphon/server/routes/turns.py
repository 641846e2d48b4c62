"""`/v1` turns and events: send, follow, stop."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from antiphon.domain.ids import conversation_of
from antiphon.errors import AntiphonError, InvalidRequest, NotFound
from antiphon.server.reading import (
    ConversationInPath,
    RequiredKey,
    body_of,
    documented,
    key_documentation,
)
from antiphon.server.routes.conversations import json_response
from antiphon.server.served import Served
from antiphon.server.sse import EventStream
from antiphon.server.v1_answers import PING, RESET, ModelsBody, TurnBody, event_frames, model_body
from antiphon.server.v1_bodies import Cancel, NewTurn
from antiphon.service import LOCAL_PRINCIPAL, Service
from antiphon.stores.base import Accepted

router = APIRouter(prefix="/v1")


@router.post(
    "/conversations/{conversation_id}/turns",
    status_code=202,
    response_model=TurnBody,
    openapi_extra={**documented(NewTurn), **key_documentation(required=True)},
)
async def send(
    conversation_id: ConversationInPath,
    asked: Annotated[NewTurn, body_of(NewTurn)],
    key: RequiredKey,
    request: Request,
    service: Served,
) -> Response:
    """Accept a message. Its turn runs by itself from here on, whoever listens.

    With `Accept: text/event-stream` the answer is the turn's events, from `turn_queue` to `turn_end`.
    """
    accepted = await service.send(LOCAL_PRINCIPAL, conversation_id, asked.ask(key))
    if "text/event-stream" in request.headers.get("accept", ""):
        return EventStream(_turn_events(service, accepted), lambda: b"")
    return json_response({"turn_id": accepted.turn_id, "seq": accepted.seq}, 202)


@router.get(
    "/conversations/{conversation_id}/events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    conversation_id: ConversationInPath,
    service: Served,
    after: Annotated[int, Query(ge=0, le=2**53, description="The last event you have.")] = 0,
    last_event_id: Annotated[str | None, Header(description="The same; it wins over `after`.")] = None,
) -> Response:
    """Follow a conversation: every event after the cursor, then each as it is committed.

    A cursor beyond the last event gets one `reset` event: read the conversation again.
    """
    cursor = _cursor(last_event_id) if last_event_id is not None else after
    header = await service.get(LOCAL_PRINCIPAL, conversation_id)
    if cursor > header.last_seq:
        return EventStream(_reset(), lambda: b"")
    return EventStream(_events(service, conversation_id, cursor), lambda: b"")


@router.post("/turns/{turn_id}/cancel", status_code=202, openapi_extra=documented(Cancel, required=False))
async def cancel(
    turn_id: str, asked: Annotated[Cancel, body_of(Cancel, default={})], service: Served
) -> Response:
    """Stop a turn; what you have seen of its answer stays. One that has ended stays as it is."""
    if conversation_of(turn_id) is None:
        raise NotFound("There is no such turn.")
    await service.cancel(LOCAL_PRINCIPAL, turn_id, asked.seen_seq)
    return json_response({"turn_id": turn_id}, 202)


@router.get("/models", response_model=ModelsBody)
async def models(request: Request, service: Served) -> Response:
    """The models that can be asked."""
    known = [model_body(service.models.get(name)) for name in service.models.names()]
    return json_response({"models": known, "default": request.app.state.settings.model})


def _cursor(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 16):
        raise InvalidRequest("Last-Event-ID must be the seq of an event: a whole number from 0 on.")
    return int(text)


async def _reset() -> AsyncGenerator[bytes, None]:
    yield RESET


async def _events(service: Service, conversation_id: str, cursor: int) -> AsyncGenerator[bytes, None]:
    async with aclosing(service.follow(conversation_id, cursor)) as batches:
        async for batch in batches:
            if not batch and not await service.exists(conversation_id):
                return
            yield event_frames(batch) if batch else PING


async def _turn_events(service: Service, accepted: Accepted) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(service.follow_turn(accepted)) as batches:
            async for batch in batches:
                yield event_frames(batch) if batch else PING
    except AntiphonError:
        return  # deleted meanwhile, or the store is gone: the reader comes back with its cursor
