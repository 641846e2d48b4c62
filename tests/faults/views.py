"""Views of the evidence: what the log, the tree and the requests say, each in one form. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.domain import events as e
from antiphon.domain.messages import Block, Message, text_of
from antiphon.simulator.record import RecordedRequest
from antiphon.stores.frames import decode
from tests.faults.history import Attempt, Evidence, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt as the log has it: a request is about to go out."""

    turn_id: str
    step: int
    attempt: int
    at: int


def events_of(stored: Stored) -> list[e.Event]:
    return [decode(frame) for frame in stored.frames]


def path_to(stored: Stored, message_id: str | None) -> list[Message]:
    """From the root to a message; what is missing, or leads in a circle, ends it."""
    path: list[Message] = []
    while message_id is not None and (message := stored.messages.get(message_id)) and message not in path:
        path.append(message)
        message_id = message.parent_id
    return path[::-1]


def was_completed(stored: Stored, message: Message) -> bool:
    return stored.turns.get(message.turn_id) == "completed"


def questions(evidence: Evidence) -> dict[str, tuple[Stored, Message]]:
    """A person's messages by their text, which is unique."""
    return {
        text_of(message.content): (stored, message)
        for stored in evidence.stored.values()
        for message in stored.messages.values()
        if message.role == "user"
    }


def asked(request: RecordedRequest) -> str:
    messages = request.body["messages"] if isinstance(request.body, dict) else []
    return text_of(plain(messages[-1]["content"])) if messages else ""


def plain(content: Any) -> list[Block]:
    """Blocks without cache breakpoints, which are no part of what is said."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [{key: value for key, value in block.items() if key != "cache_control"} for block in blocks]


def further_attempts(stored: Stored) -> Iterator[tuple[Begun, Begun]]:
    """Each attempt that was not the first of its step, after the one before it."""
    turn_id, last = "", dict[tuple[str, int], Begun]()
    for event in events_of(stored):
        if isinstance(event, e.TurnStart):
            turn_id = event.turn_id
        elif isinstance(event, e.StepStart):
            begun = Begun(turn_id=turn_id, step=event.step, attempt=event.attempt, at=event.at)
            if (before := last.get((turn_id, event.step))) is not None:
                yield before, begun
            last[turn_id, event.step] = begun


def journal(stored: Stored) -> Sequence[Attempt]:
    """The attempts that the log tells of."""
    turn_id, told = "", dict[tuple[str, int, int], Attempt]()
    for event in events_of(stored):
        match event:
            case e.TurnStart():
                turn_id = event.turn_id
            case e.StepStart():
                told[turn_id, event.step, event.attempt] = _row(turn_id, event, "open", None, 0)
            case e.StepEnd():
                row = _row(turn_id, event, event.stop_reason, event.request_id, event.cost_nanodollars)
                told[turn_id, event.step, event.attempt] = row
            case e.AttemptError():
                row = _row(turn_id, event, event.error.name, event.request_id, event.cost_nanodollars)
                told[turn_id, event.step, event.attempt] = row
            case _:
                pass
    return list(told.values())


def _row(
    turn_id: str,
    event: e.StepStart | e.StepEnd | e.AttemptError,
    status: str,
    request_id: str | None,
    cost: int,
) -> Attempt:
    return Attempt(
        turn_id=turn_id,
        step=event.step,
        attempt=event.attempt,
        status=status,
        request_id=request_id,
        cost_nanodollars=cost,
    )


def place(attempt: Attempt) -> tuple[str, int, int]:
    return attempt.turn_id, attempt.step, attempt.attempt
