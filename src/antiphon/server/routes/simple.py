"""The simple API: a message, an answer, and a name for the conversation."""

import asyncio

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from antiphon.errors import AnswerInterrupted, NotFound
from antiphon.server import problems
from antiphon.server.answers import STOPPING, ChatAnswer, answer_body, error_frame, failure_of
from antiphon.server.bodies import BODY_DOCUMENTATION, Asked, SessionInPath, read_asked
from antiphon.server.direct import Direct
from antiphon.server.served import Served, service_of, streams_of
from antiphon.server.telling import tell
from antiphon.service import DEFAULT_SYSTEM, LOCAL_PRINCIPAL, Ask, Service
from antiphon.stores.base import Accepted

router = APIRouter(responses=problems.DOCUMENTATION, route_class=Direct)

EVENT_SCHEMA = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "string", "contentMediaType": "application/json"}},
}

DELETED_MEANWHILE = 3
"""How often a name may be deleted under a message before that is told."""


@router.post("/chat", response_model=ChatAnswer, openapi_extra=BODY_DOCUMENTATION)
async def chat(request: Request) -> Response:
    """Send a message and wait for the whole answer."""
    asked, service = await read_asked(request), await service_of(request)
    accepted = await _accept(service, asked, _ask(asked, stream=False))
    try:
        answer = await service.answer(accepted)
    except asyncio.CancelledError:
        raise AnswerInterrupted(STOPPING.detail, turn_id=accepted.turn_id) from None
    if failure := failure_of(answer):
        return problems.turn_problem(failure, accepted.turn_id)
    return _json(answer_body(answer, asked.chat.session_id))


@router.post(
    "/chat/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": EVENT_SCHEMA}}}},
    openapi_extra=BODY_DOCUMENTATION,
)
async def chat_stream(request: Request) -> Response:
    """Send a message and read the answer as it is written, as server-sent events.

    Frames are `data: {"text": "…"}`, and last `data: {"done": true, …}` or `data: {"error": {…}}`.
    """
    asked, service = await read_asked(request), await service_of(request)
    accepted = await _accept(service, asked, _ask(asked, stream=True))
    streams, turn_id = await streams_of(request), accepted.turn_id
    events = tell(service, accepted, asked.chat.session_id)
    return streams.to_its_end(events, lambda: error_frame(STOPPING, turn_id))


@router.delete("/session/{session_id}", response_model=dict[str, str])
async def clear_session(session_id: SessionInPath, service: Served) -> Response:
    """Remove a conversation and its name. A name that nobody has is no error."""
    await service.forget(LOCAL_PRINCIPAL, session_id)
    return _json({"status": "cleared"})


def _ask(asked: Asked, *, stream: bool) -> Ask:
    """Who reads a stream cannot take text back; who waits for the whole has no use for a part."""
    prompt = asked.chat.system_prompt
    return Ask(
        content=asked.chat.message,
        settings={} if prompt is None else {"system": prompt},
        key=asked.key,
        restart="never" if stream else "allowed",
        keep_partial=stream,
    )


async def _accept(service: Service, asked: Asked, ask: Ask) -> Accepted:
    """Accept the message in the conversation of that name, which is started if there is none."""
    name, prompt = asked.chat.session_id, asked.chat.system_prompt
    system = DEFAULT_SYSTEM if prompt is None else prompt
    for _ in range(DELETED_MEANWHILE):
        header = await service.find(LOCAL_PRINCIPAL, name)
        if header is None:
            header = await service.create(LOCAL_PRINCIPAL, system=system, name=name)
        try:
            return await service.send(LOCAL_PRINCIPAL, header.id, ask, header=header)
        except NotFound:
            continue
    raise NotFound("This conversation is being deleted again and again. Nothing was stored; try again.")


def _json(body: dict[str, object]) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
