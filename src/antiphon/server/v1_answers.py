"""Conversations and models as `/v1` tells them. Times are milliseconds since the epoch."""

from typing import Any

import msgspec
from pydantic import BaseModel, Field

from antiphon.domain.conversations import Header
from antiphon.domain.state import Conversation
from antiphon.money.facts import ModelFacts
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


class ListBody(BaseModel):
    conversations: list[ConversationBody]
    cursor: str | None = Field(description="For the next page; null on the last.")


class TurnBody(BaseModel):
    turn_id: str
    seq: int = Field(description="The event that queued the turn.")


class ModelBody(BaseModel):
    id: str
    context: int = Field(description="Tokens that fit into a request.")
    max_output: int
    free: bool


class ModelsBody(BaseModel):
    models: list[ModelBody]
    default: str


class DocumentBody(BaseModel):
    format: str
    id: str
    title: str
    events: list[dict[str, Any]]


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
    return {**conversation_body(header), "as_of_seq": state.seq, "state": msgspec.to_builtins(state)}


def model_body(facts: ModelFacts) -> dict[str, Any]:
    return {"id": facts.name, "context": facts.context, "max_output": facts.max_out, "free": facts.free}


# Server-sent events

PING = b": ping\n\n"
RESET = b"event: reset\ndata: {}\n\n"


def event_frames(frames: list[Frame]) -> bytes:
    """Frames as they stand in the store: `id` is the seq, `event` the type."""
    return b"".join(
        b"id: %d\nevent: %b\ndata: %b\n\n" % (frame.seq, frame.type.encode(), frame.data) for frame in frames
    )
