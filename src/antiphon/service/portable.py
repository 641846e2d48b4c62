"""A conversation as a document: its whole log, to be read in elsewhere under a new id."""

from typing import Any

import msgspec

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.fold import fold
from antiphon.domain.messages import clean_json
from antiphon.domain.state import Conversation
from antiphon.errors import InvalidRequest
from antiphon.stores.base import Change
from antiphon.stores.frames import Frame, read_event

FORMAT = "antiphon-conversation-1"


def exported(header: Header, frames: list[Frame]) -> dict[str, Any]:
    """`{"format", "id", "title", "events": [{"seq", "type", "data"}, …]}`; deltas are left out.

    What a delta added stands in its block's end, and in what an interrupted turn kept.
    """
    return {
        "format": FORMAT,
        "id": header.id,
        "title": header.title,
        "events": [
            {"seq": frame.seq, "type": frame.type, "data": msgspec.json.decode(frame.data)}
            for frame in frames
            if frame.type != e.BlockDelta.type
        ],
    }


LEFT_OUT = (e.ContextCompact, e.RequestStart, e.RequestEnd)
"""Of an imported log: summaries name places in the log that they come from, and are made anew at need."""


def imported(document: Any, conversation_id: str, at: int) -> tuple[e.ConversationCreate, Change]:
    """What makes the conversation of an exported document again, with the ids of its messages.

    A turn that had not ended is ended: what it had finished stays.

    Raises:
        InvalidRequest: this is no such document, or its events do not fit together.
    """
    try:
        if document["format"] != FORMAT:
            raise InvalidRequest(f"The format must be {FORMAT}.")
        old = str(document["id"])
        read = [
            read_event(entry["type"], _renamed(entry["data"], old, conversation_id))
            for entry in document["events"]
        ]
        events = [event for event in read if event is not None and not isinstance(event, LEFT_OUT)]
        create, rest = events[0], events[1:]
        shown = fold(enumerate(events, 1))
        ending = _ended(shown, at)
        shown = fold(enumerate(ending, len(events) + 1), shown)
        path_is_whole = [shown.path(message_id) for message_id in shown.messages]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InvalidRequest("This is not a conversation that was exported from Antiphon.") from error
    if not isinstance(create, e.ConversationCreate) or len(path_is_whole) != len(shown.messages):
        raise InvalidRequest("An exported conversation begins with its creation.")
    messages = [message for message in shown.messages.values() if message.id != shown.head]
    messages += [message for message in shown.messages.values() if message.id == shown.head]
    move = e.HeadMove(at=at, message_id=shown.head)
    return create, Change(events=[*rest, *ending, move], messages=messages, imported=True)


def _renamed(data: Any, old: str, new: str) -> dict[str, Any]:
    """Ids of turns and approvals hold their conversation's."""
    renamed = {}
    for key, value in clean_json(data).items():
        of_turn = key in ("turn_id", "after_turn", "approval_id") and isinstance(value, str)
        renamed[key] = value.replace(old, new, 1) if of_turn else value
    return renamed


def _ended(shown: Conversation, at: int) -> list[e.Event]:
    """Ends for the turns that had none."""
    endings: list[e.Event] = []
    for turn in shown.turns.values():
        if turn.status == "queued":
            endings.append(
                e.TurnEnd(at=at, turn_id=turn.id, status="cancelled", kept=e.Kept(steps=0), head=e.HEAD)
            )
        elif turn.status in ("running", "waiting"):
            whole = len(turn.steps) - (turn.writing is not None)
            head = turn.steps[whole - 1][-1] if whole else turn.message_id or turn.parent_id
            endings.append(
                e.TurnEnd(at=at, turn_id=turn.id, status="interrupted", kept=e.Kept(steps=whole), head=head)
            )
    return endings
