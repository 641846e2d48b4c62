"""What a message brings: a reply, or the error that stands for it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from antiphon.domain import events as e
from antiphon.domain.messages import Block
from antiphon.domain.usage import Usage
from antiphon.errors import (
    AnswerError,
    AnswerInterrupted,
    AnswerUnusable,
    AntiphonError,
    DeadlineExceeded,
    EmptyAnswer,
    InvalidRequest,
    NoRoom,
    OverBudget,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)
from antiphon.model.stops import CutShort, stop_of
from antiphon.money.dollars import dollars
from antiphon.service import Answer
from antiphon.stores.frames import Frame, piece_of

Written: TypeAlias = Literal["text", "thinking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Claude's answer to one message. `str(reply)` is its text."""

    text: str
    thinking: str
    """What can be read of Claude's thinking: a summary of it if `thinking="shown"` was asked for."""
    blocks: tuple[Block, ...]
    """The content as the API spelled it; empty for a refusal."""
    stop_reason: str
    usage: Usage
    cost_usd: Decimal
    model: str
    turn_id: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a conversation used and cost so far.

    `cache_hit_ratio` is cache reads over all input tokens; `saved_usd` is what the same requests would have
    cost without any cache, minus what they did cost.
    """

    session_id: str | None
    turns: int
    usage: Usage
    cost_usd: Decimal
    cache_hit_ratio: float
    saved_usd: Decimal


DELTAS: Mapping[str, Written] = {"text_delta": "text", "thinking_delta": "thinking"}


def written(frames: Iterable[Frame]) -> Iterator[tuple[Written, str]]:
    """What these frames add that can be read, piece by piece."""
    for frame in frames:
        piece = piece_of(frame) if frame.type == e.BlockDelta.type else None
        if piece is not None and (kind := DELTAS.get(piece.type)):
            yield kind, piece.text if kind == "text" else piece.thinking


def delta_text(frames: list[Frame]) -> str:
    """The visible text that these frames add."""
    pieces = [piece_of(frame) for frame in frames if frame.type == e.BlockDelta.type]
    return "".join([piece.text for piece in pieces if DELTAS.get(piece.type) == "text"])


def reply_of(answer: Answer) -> Reply:
    turn = answer.turn
    if turn.status not in ("completed", "refused"):
        raise error_of(answer)
    return Reply(
        text=answer.text,
        thinking=answer.thinking,
        blocks=answer.blocks,
        stop_reason=turn.stop_reason or "unknown",
        usage=turn.usage,
        cost_usd=dollars(turn.cost_nanodollars),
        model=turn.model or "",
        turn_id=turn.id,
    )


CUT = {
    "max_tokens": "it reached the most tokens that it may have. Allow more with max_tokens, or ask for less",
    "context_window": "the conversation fills the model's context window. Ask in a new conversation",
}


def whole_text(answer: Answer) -> str:
    """The text of an answer that came to its own end.

    Raises:
        AnswerUnusable: it was refused or cut short. AnswerError: there is none.
    """
    turn = answer.turn
    if turn.status not in ("completed", "refused"):
        raise error_of(answer)
    facts = {"stop_reason": turn.stop_reason or "unknown", "turn_id": turn.id}
    if turn.status == "refused":
        raise AnswerUnusable(answer.text, **facts)
    stop = stop_of(turn.stop_reason, answer.message.content if answer.message else ())
    if isinstance(stop, CutShort):
        sentence = f"The answer ended before it was whole: {CUT[stop.limit]}. The history is as it was."
        raise AnswerUnusable(sentence, text=answer.text, **facts)
    return answer.text


def unusable(answer: Answer, faults: str) -> AnswerUnusable:
    """The error for an answer that does not fit, though Claude was told what is wrong."""
    return AnswerUnusable(
        f"Claude's answer does not fit the schema, also after it was told what was wrong: {faults}. The "
        "history is as it was; ask in other words, or with another schema.",
        text=answer.text,
        stop_reason=answer.turn.stop_reason or "unknown",
        turn_id=answer.turn.id,
    )


_ERRORS: dict[str, type[AntiphonError]] = {
    kind.name: kind
    for kind in (
        DeadlineExceeded,
        EmptyAnswer,
        InvalidRequest,
        NoRoom,
        UpstreamAuth,
        UpstreamBusy,
        UpstreamFailed,
        UpstreamRejected,
    )
}


def error_of(answer: Answer) -> AntiphonError:
    """The error that ended a turn without a whole answer."""
    problem, turn_id = answer.turn.error, answer.turn.id
    if problem is None:
        return AnswerInterrupted("The answer was stopped.", partial=answer.text, turn_id=turn_id)
    if problem.name == OverBudget.name:
        return OverBudget(problem.detail, **{**(problem.facts or {}), "turn_id": turn_id})
    if answer.turn.status == "interrupted":
        return AnswerInterrupted(problem.detail, partial=answer.text, turn_id=turn_id)
    facts = {} if problem.retry_after_s is None else {"retry_after": problem.retry_after_s}
    return _ERRORS.get(problem.name, AnswerError)(problem.detail, turn_id=turn_id, **facts)
