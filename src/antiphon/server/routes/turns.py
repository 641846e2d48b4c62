"""`/v1` turns and events: send, follow, stop, and say whether a tool may run."""

import time
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from antiphon.domain.ids import conversation_of
from antiphon.errors import AntiphonError, NotFound
from antiphon.server import problems
from antiphon.server.reading import (
    CURSOR_DOCUMENTATION,
    ConversationInPath,
    CursorInRequest,
    RequiredKey,
    body_of,
    documented,
    key_documentation,
)
from antiphon.server.routes.conversations import json_response
from antiphon.server.served import EventStreams, Served
from antiphon.server.telling import PING_GAP_S
from antiphon.server.v1_answers import (
    PING,
    RESET,
    ApprovalBody,
    CancelBody,
    ModelsBody,
    TurnBody,
    event_pieces,
    model_body,
    notice_text,
)
from antiphon.server.v1_bodies import ApprovalDecision, Cancel, NewTurn
from antiphon.service import LOCAL_PRINCIPAL, Service
from antiphon.service.news import Listener
from antiphon.stores.frames import Frame

router = APIRouter(prefix="/v1", responses=problems.DOCUMENTATION)

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `id` is the seq, `event` the type, `data` the event as JSON.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/conversations/{conversation_id}/turns",
    status_code=202,
    response_model=TurnBody,
    responses=STREAM,
    openapi_extra={**documented(NewTurn), **key_documentation(required=True)},
)
async def send(
    conversation_id: ConversationInPath,
    asked: Annotated[NewTurn, body_of(NewTurn)],
    key: RequiredKey,
    request: Request,
    service: Served,
    streams: EventStreams,
) -> Response:
    """Accept a message. Its turn runs by itself from here on, whoever listens.

    With `Accept: text/event-stream` the answer is the turn's events, from `turn_queue` to `turn_end`.
    """
    accepted = await service.send(LOCAL_PRINCIPAL, conversation_id, asked.ask(key))
    if "text/event-stream" in request.headers.get("accept", ""):
        return streams.to_its_end(_told(service.follow_turn(accepted)))
    return json_response({"turn_id": accepted.turn_id, "seq": accepted.seq}, 202)


@router.get(
    "/conversations/{conversation_id}/events",
    response_class=Response,
    responses=STREAM,
    openapi_extra=CURSOR_DOCUMENTATION,
)
async def events(
    conversation_id: ConversationInPath, cursor: CursorInRequest, service: Served, streams: EventStreams
) -> Response:
    """Follow a conversation: every event after the cursor, then each as it is committed.

    A cursor beyond the last event gets one `reset` event: read the conversation again. Between the events
    may stand `notice` events, which have no id: what changed in your other conversations, and what is left
    of the budgets.
    """
    header = await service.get(LOCAL_PRINCIPAL, conversation_id)
    beyond = cursor > header.last_seq
    news = service.news(LOCAL_PRINCIPAL, conversation_id)
    told = _reset() if beyond else _told(_conversation(service, conversation_id, cursor), news)
    return streams.without_end(told)


@router.post(
    "/turns/{turn_id}/cancel",
    status_code=202,
    response_model=CancelBody,
    openapi_extra=documented(Cancel, required=False),
)
async def cancel(
    turn_id: str, asked: Annotated[Cancel, body_of(Cancel, default={})], service: Served
) -> Response:
    """Stop a turn; what you have seen of its answer stays. One that has ended stays as it is."""
    if conversation_of(turn_id) is None:
        raise NotFound("There is no such turn.")
    await service.cancel(LOCAL_PRINCIPAL, turn_id, asked.seen_seq)
    return json_response({"turn_id": turn_id}, 202)


@router.post(
    "/approvals/{approval_id}", response_model=ApprovalBody, openapi_extra=documented(ApprovalDecision)
)
async def approve(
    approval_id: str, asked: Annotated[ApprovalDecision, body_of(ApprovalDecision)], service: Served
) -> Response:
    """Say whether a tool may run, by the id of its `approval_request`.

    The first decision wins: the same one again changes nothing, another one is a conflict.
    """
    if conversation_of(approval_id) is None:
        raise NotFound("There is no such approval.")
    await service.approve(LOCAL_PRINCIPAL, approval_id, asked.decided())
    return json_response({"approval_id": approval_id, "decision": asked.decision})


@router.get("/models", response_model=ModelsBody)
async def models(request: Request, service: Served) -> Response:
    """The models that can be asked."""
    known = [model_body(service.models.get(name)) for name in service.models.names()]
    return json_response({"models": known, "default": request.app.state.settings.model})


async def _reset() -> AsyncGenerator[bytes, None]:
    yield RESET


async def _told(
    followed: AsyncGenerator[list[Frame], None],
    news: AbstractContextManager[Listener | None] = nullcontext(),  # noqa: B008 - it holds nothing
) -> AsyncGenerator[bytes, None]:
    """Events, news and signs of life as they go to a reader.

    It ends where the conversation does, and where the store fails: the reader comes back with its cursor.
    """
    pinged = 0.0
    try:
        async with aclosing(followed) as batches:
            with news as listener:
                async for batch in batches:
                    for piece in event_pieces(batch):
                        yield piece
                    if listener is not None and listener.pending:
                        yield notice_text(listener.take())
                    elif not batch and (now := time.monotonic()) - pinged >= PING_GAP_S:
                        pinged = now
                        yield PING
    except AntiphonError:
        return


async def _conversation(
    service: Service, conversation_id: str, cursor: int
) -> AsyncGenerator[list[Frame], None]:
    """Every batch, until the conversation is deleted."""
    async with aclosing(service.follow(conversation_id, cursor)) as batches:
        async for batch in batches:
            if not batch and service.is_gone(conversation_id):
                return
            yield batch
