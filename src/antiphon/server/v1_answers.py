"""Conversations and models as `/v1` tells them. Times are milliseconds since the epoch."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from antiphon.domain.conversations import Header
from antiphon.domain.state import Conversation
from antiphon.money.facts import ModelFacts
from antiphon.service.news import ConversationNews, News
from antiphon.stores.base import Hit
from antiphon.stores.frames import Frame


class ConversationBody(BaseModel):
    id: str
    title: str
    system: str
    model: str
    options: dict[str, Any]
    head: str | None
    running: str | None = Field(description="The turn that runs now.")
    created_at: int
    updated_at: int
    as_of_seq: int = Field(description="Follow the events after this one.")


class SnapshotBody(ConversationBody):
    state: dict[str, Any] = Field(description="All that is shown, folded up to as_of_seq.")


class HitBody(BaseModel):
    """A message that was found."""

    conversation_id: str
    message_id: str
    at: int
    snippet: str
    marks: list[tuple[int, int]] = Field(description="Where matches lie in the snippet, in characters.")


class ListBody(BaseModel):
    conversations: list[ConversationBody]
    hits: list[HitBody] = Field(description="Of a search; else none.")
    cursor: str | None = Field(description="For the next page; null on the last.")


class TurnBody(BaseModel):
    turn_id: str
    seq: int = Field(description="The event that queued the turn.")


class CancelBody(BaseModel):
    turn_id: str


class ApprovalBody(BaseModel):
    approval_id: str
    decision: str


class ModelBody(BaseModel):
    id: str
    context: int = Field(description="Tokens that fit into a request.")
    max_output: int
    free: bool
    efforts: list[str] = Field(description="Accepted values of output_config.effort; none: it is rejected.")
    effort_default: str | None
    thinking: list[str] = Field(description="Accepted values of thinking.type.")


class ModelsBody(BaseModel):
    models: list[ModelBody]
    default: str


class DocumentBody(BaseModel):
    format: str
    id: str
    title: str
    events: list[dict[str, Any]]
    files: list[dict[str, Any]] = Field(description="What its messages refer to, with its bytes in base64.")


def hit_body(hit: Hit) -> dict[str, Any]:
    return {
        "conversation_id": hit.conversation_id,
        "message_id": hit.message_id,
        "at": hit.at,
        "snippet": hit.snippet,
        "marks": hit.marks,
    }


def conversation_body(header: Header) -> dict[str, Any]:
    return {
        "id": header.id,
        "title": header.title,
        "system": header.system,
        "model": header.model,
        "options": header.options,
        "head": header.head,
        "running": header.running,
        "created_at": header.created_at,
        "updated_at": header.updated_at,
        "as_of_seq": header.last_seq,
    }


def snapshot_body(header: Header, state: Conversation) -> dict[str, Any]:
    """All of one moment: what the log says as of `state.seq` wins over a header that was read before."""
    return {
        **conversation_body(header),
        "title": state.title,
        "system": state.system,
        "model": state.model,
        "options": state.options,
        "head": state.head,
        "running": state.running,
        "as_of_seq": state.seq,
        "state": state,
    }


def model_body(facts: ModelFacts) -> dict[str, Any]:
    return {
        "id": facts.name,
        "context": facts.context,
        "max_output": facts.max_out,
        "free": facts.free,
        "efforts": facts.efforts,
        "effort_default": facts.effort_default,
        "thinking": facts.thinking,
    }


# Server-sent events

PING = b": ping\n\n"
RESET = b"event: reset\ndata: {}\n\n"


def notice_text(news: Sequence[News]) -> bytes:
    """News as events without an id: nobody can ask for them again."""
    return b"".join(b"event: notice\ndata: %b\n\n" % msgspec.json.encode(_notice(each)) for each in news)


def _notice(news: News) -> dict[str, Any]:
    if not isinstance(news, ConversationNews):
        return {"type": "budget", **news.body()}
    told: dict[str, Any] = {"type": "conversation", "id": news.id}
    if news.header is None:
        return {**told, "deleted": True}
    header = news.header
    return {**told, "title": header.title, "updated_at": header.updated_at, "running": header.running}


PIECE_BYTES = 65_536
"""About how much goes to the server at once: it waits for a slow reader between pieces, not within one."""


def event_pieces(frames: Sequence[Frame]) -> Iterator[bytes]:
    """Frames as they stand in the store: `id` is the seq, `event` the type. One piece, unless it is large."""
    piece: list[bytes] = []
    size = 0
    for frame in frames:
        text = b"id: %d\nevent: %b\ndata: %b\n\n" % (frame.seq, frame.type.encode(), frame.data)
        piece.append(text)
        size += len(text)
        if size >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)
