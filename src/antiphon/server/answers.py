"""A turn's end as the simple API says it: one body, or the last frame of a stream."""

from dataclasses import asdict, replace
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from antiphon.domain import problems
from antiphon.domain.events import Problem
from antiphon.errors import AntiphonError
from antiphon.money.dollars import dollars_text
from antiphon.server.problems import problem_type, told
from antiphon.service import Answer

ENDED_WITH_AN_ANSWER = ("completed", "refused")

STOPPED = Problem(
    name="upstream-failed",
    title="The answer was stopped",
    detail="The answer was stopped before it was complete. Send the message again to get a whole one.",
    retryable=True,
)
STOPPING = Problem(
    name="upstream-failed",
    title="The server was stopped",
    detail="The server was stopped before the answer was complete. Send the message again once it is back.",
    retryable=True,
)


class UsageBody(BaseModel):
    """Tokens by kind. `input_tokens` counts what was neither read from the cache nor written to it."""

    input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    cache_read_tokens: int
    output_tokens: int
    thinking_tokens: int = Field(description="Part of output_tokens.")
    web_search_requests: int


class ChatAnswer(BaseModel):
    """The answer to a message. For a refusal, `response` says so and `stop_reason` is `refusal`."""

    response: str
    session_id: str
    turn_id: str
    model: str
    stop_reason: str
    usage: UsageBody
    cost_usd: str = Field(description="US dollars as a decimal number.")


def failure_of(answer: Answer) -> Problem | None:
    """Why a turn ended without a whole answer; None if it ended with one."""
    return None if answer.turn.status in ENDED_WITH_AN_ANSWER else answer.turn.error or STOPPED


def answer_body(answer: Answer, session_id: str) -> dict[str, Any]:
    """The body of `POST /chat` for a turn that ended with an answer."""
    return {"response": answer.text, **facts_of(answer, session_id)}


def facts_of(answer: Answer, session_id: str) -> dict[str, Any]:
    turn = answer.turn
    return {
        "session_id": session_id,
        "turn_id": turn.id,
        "model": turn.model or "",
        "stop_reason": turn.stop_reason or "unknown",
        "usage": asdict(turn.usage),
        "cost_usd": dollars_text(turn.cost_nanodollars),
    }


# Frames of `POST /chat/stream`. What a client compares byte by byte is spelled with a space after the colon.

PING = b": ping\n\n"


def text_frame(text: str) -> bytes:
    return b'data: {"text": %b}\n\n' % msgspec.json.encode(text)


def done_frame(answer: Answer, session_id: str) -> bytes:
    rest = msgspec.json.encode(facts_of(answer, session_id))
    return b'data: {"done": true, %b\n\n' % rest[1:]


def error_frame(failure: Problem, turn_id: str) -> bytes:
    error = {
        "type": problem_type(failure.name),
        "title": failure.title,
        "detail": failure.detail,
        "retryable": failure.retryable,
        "turn_id": turn_id,
        **told(failure.facts or {}),
    }
    return b'data: {"error": %b}\n\n' % msgspec.json.encode(error)


def problem_of(error: AntiphonError) -> Problem:
    """As the last frame of a stream tells it."""
    return replace(problems.problem_of(error), facts=told(error.facts, but="turn_id"))
