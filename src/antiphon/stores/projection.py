"""What events change outside the log. Pure: every store applies the same changes in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.domain import events as e
from antiphon.domain.messages import Message
from antiphon.domain.usage import Usage
from antiphon.stores.base import Change

SETTINGS_BACK = "settings_back"
"""In place of `settings_seq`: how many events lie between the last one and the one that changed settings."""


def header_changes(change: Change) -> dict[str, Any]:
    """Fields of `Header` that change with the events, `last_seq` apart, which only the store knows."""
    changes: dict[str, Any] = {}
    if change.messages:
        changes["head"] = change.messages[-1].id
    for back, event in zip(range(len(change.events) - 1, -1, -1), change.events, strict=True):
        changes.update(_of_event(event, back))
        if (at := getattr(event, "at", None)) is not None:
            changes["updated_at"] = at
    return changes


def _of_event(event: e.Event, back: int) -> dict[str, Any]:
    match event:
        case e.SettingsChange():
            names = ("system", "model", "options", "tools")
            given = {name: getattr(event, name) for name in names if getattr(event, name) is not None}
            breaks_prefix = given.keys() & {"system", "model", "tools"}
            return {**given, SETTINGS_BACK: back} if breaks_prefix else given
        case e.TitleChange():
            return {"title": event.title}
        case e.HeadMove():
            return {"head": event.message_id}
        case e.TurnStart() if event.message_id is None:
            return {"head": event.parent_id}
        case e.TurnEnd() if event.head != e.HEAD:
            return {"head": event.head}
        case _:
            return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptChange:
    """One row of the attempt journal: made by `step_start`, completed by its end or its error."""

    step: int
    attempt: int
    status: str
    at: int
    model: str | None = None
    usage: Usage = Usage()
    cost_nanodollars: int = 0
    saved_nanodollars: int = 0
    request_id: str | None = None


def message_of(event: e.MessageAdd) -> Message:
    """The message as it stands in the tree before its turn starts."""
    return Message(
        id=event.message_id,
        parent_id=event.parent_id,
        role=event.role,
        content=event.content,
        turn_id=event.turn_id,
    )


def attempt_changes(events: Sequence[e.Event]) -> list[AttemptChange]:
    return [row for event in events if (row := _attempt(event)) is not None]


def _attempt(event: e.Event) -> AttemptChange | None:
    match event:
        case e.StepStart():
            return AttemptChange(
                step=event.step, attempt=event.attempt, status="open", at=event.at, model=event.model
            )
        case e.StepEnd():
            return AttemptChange(
                step=event.step,
                attempt=event.attempt,
                status=event.stop_reason,
                at=event.at,
                usage=event.usage,
                cost_nanodollars=event.cost_nanodollars,
                saved_nanodollars=event.saved_nanodollars,
                request_id=event.request_id,
            )
        case e.AttemptError():
            return AttemptChange(
                step=event.step,
                attempt=event.attempt,
                status=event.error.name,
                at=event.at,
                usage=event.usage,
                cost_nanodollars=event.cost_nanodollars,
                request_id=event.request_id,
            )
        case _:
            return None


def turn_ends(events: Sequence[e.Event]) -> dict[str, tuple[int, int]]:
    """By turn that ends here: when (milliseconds), and how many events follow its `turn_end`."""
    last = len(events) - 1
    return {
        event.turn_id: (event.at, last - n) for n, event in enumerate(events) if isinstance(event, e.TurnEnd)
    }


def turn_changes(events: Sequence[e.Event], turn_id: str | None) -> dict[str, str]:
    """New status by turn id. `turn_id` is the turn that the events belong to, where they do not say."""
    statuses: dict[str, str] = {}
    for event in events:
        match event:
            case e.TurnStart():
                statuses[event.turn_id] = "running"
            case e.ApprovalRequest() if turn_id:
                statuses[turn_id] = "waiting"
            case e.ApprovalResolve() if turn_id:
                statuses[turn_id] = "running"
            case e.TurnEnd():
                statuses[event.turn_id] = event.status
            case _:
                pass
    return statuses
