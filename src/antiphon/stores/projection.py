"""What events change outside the log. Pure: every store applies the same changes in its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.files import file_ids
from antiphon.domain.messages import Message
from antiphon.errors import Conflict, NotFound
from antiphon.money.ledger import OPEN, EntryChange
from antiphon.stores.base import Change

SETTINGS_BACK = "settings_back"
"""In place of `settings_seq`: how many events lie between the last one and the one that changed settings."""
COMPACT_BACK = "compact_back"
"""The same in place of `compact_seq`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalChange:
    """An approval that is asked for, or resolved: then `decided` says how."""

    id: str
    turn_id: str
    decided: bytes | None = None


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
        case e.ContextCompact():
            return {COMPACT_BACK: back}
        case e.TitleChange():
            return {"title": event.title}
        case _:
            return _head(event)


def _head(event: e.Event) -> dict[str, Any]:
    match event:
        case e.HeadMove():
            return {"head": event.message_id}
        case e.TurnStart() if event.message_id is None:
            return {"head": event.parent_id}
        case e.TurnEnd() if event.head != e.HEAD:
            return {"head": event.head}
        case _:
            return {}


def header_after(header: Header, changes: Mapping[str, Any], last_seq: int) -> Header:
    """The header once these changes were committed, with events up to `last_seq`."""
    seqs = {SETTINGS_BACK: "settings_seq", COMPACT_BACK: "compact_seq"}
    fields = {name: value for name, value in changes.items() if name not in seqs}
    fields |= {seqs[name]: last_seq - back for name, back in changes.items() if name in seqs}
    return replace(header, last_seq=last_seq, **fields)


def message_of(event: e.MessageAdd) -> Message:
    """The message as it stands in the tree before its turn starts."""
    return Message(
        id=event.message_id,
        parent_id=event.parent_id,
        role=event.role,
        content=event.content,
        turn_id=event.turn_id,
    )


def files_of(events: Sequence[e.Event]) -> list[str]:
    """The files that messages on the user's side refer to, each once, in the order of their ids."""
    return sorted(
        {found for event in events if isinstance(event, e.MessageAdd) for found in file_ids(event.content)}
    )


def no_file() -> NotFound:
    return NotFound("There is no such file: it was deleted, or is someone else's. Attach it again.")


def ledger_changes(events: Sequence[e.Event], turn_id: str | None) -> list[EntryChange]:
    """What events say of the ledger's entries. `turn_id` is the turn that they belong to."""
    return [change for event in events if (change := _entry(event, turn_id)) is not None]


def _entry(event: e.Event, turn_id: str | None) -> EntryChange | None:
    match event:
        case e.StepStart():
            place = f"{turn_id}/{event.step}/{event.attempt}"
            held = event.held_nanodollars
            return EntryChange(
                id=place, status=OPEN, at=event.at, turn_id=turn_id, model=event.model, held_nanodollars=held
            )
        case e.RequestStart():
            return EntryChange(
                id=event.id,
                status=OPEN,
                at=event.at,
                turn_id=turn_id,
                purpose=event.purpose,
                model=event.model,
                held_nanodollars=event.held_nanodollars,
            )
        case e.StepEnd():
            return _closed(event, f"{turn_id}/{event.step}/{event.attempt}", event.stop_reason)
        case e.AttemptError():
            return _closed(event, f"{turn_id}/{event.step}/{event.attempt}", event.error.name)
        case e.RequestEnd():
            return _closed(event, event.id, event.error.name if event.error else event.stop_reason)
        case _:
            return None


def _closed(event: e.StepEnd | e.AttemptError | e.RequestEnd, place: str, status: str) -> EntryChange:
    return EntryChange(
        id=place,
        status=status,
        at=event.at,
        usage=event.usage,
        cost_nanodollars=event.cost_nanodollars,
        saved_nanodollars=getattr(event, "saved_nanodollars", 0),
        estimate_nanodollars=getattr(event, "estimate_nanodollars", 0),
        request_id=event.request_id,
        prices=getattr(event, "prices", {}),
    )


def approval_changes(events: Sequence[e.Event], turn_id: str | None) -> list[ApprovalChange]:
    """What events say of approvals. `turn_id` is the turn that asks; None: these are no events of a turn."""
    changes: list[ApprovalChange] = []
    for event in events:
        match event:
            case e.ApprovalRequest() if turn_id:
                changes.append(ApprovalChange(id=event.approval_id, turn_id=turn_id))
            case e.ApprovalResolve() if turn_id:
                decided = decided_as(event)
                changes.append(ApprovalChange(id=event.approval_id, turn_id=turn_id, decided=decided))
            case _:
                pass
    return changes


def decided_as(event: e.ApprovalResolve) -> bytes:
    """What makes two decisions the same: what was decided, and the input that was given with it."""
    return msgspec.json.encode([event.decision, event.input], order="sorted")


def check_decision(stored: bytes | None, event: e.ApprovalResolve, *, waits: bool) -> bool:
    """Whether a decision is to be written: False if it was made before. `waits`: its turn still does.

    Raises:
        Conflict: another one was made, or it comes too late.
    """
    if stored is None and waits:
        return True
    if stored is None:
        raise Conflict(
            "This approval cannot be decided any more: its time is over, or the answer was stopped. "
            "Nothing was changed."
        )
    if stored != decided_as(event):
        decision = msgspec.json.decode(stored)[0]
        raise Conflict(f"This approval was decided before ({decision}). Nothing was changed.")
    return False


def stopped_turns(events: Sequence[e.Event]) -> list[str]:
    """Turns that these events ask to stop."""
    return [event.turn_id for event in events if isinstance(event, e.CancelRequest)]


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
