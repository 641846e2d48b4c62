"""A conversation as a document: its whole log, to be read in elsewhere under a new id."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Any

import msgspec

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.files import File, FileFacts, file_ids, with_files
from antiphon.domain.fold import fold
from antiphon.domain.messages import Block, clean_json
from antiphon.domain.state import Conversation
from antiphon.errors import InvalidRequest, NotFound
from antiphon.service.attaching import Attaching, referred
from antiphon.stores.base import Change, Store
from antiphon.stores.frames import Frame, decode, read_event

FORMAT = "antiphon-conversation-1"
NOT_EXPORTED = "This is not a conversation that was exported from Antiphon."

LEFT_OUT = (e.ContextCompact, e.RequestStart, e.RequestEnd)
"""Of an imported log: summaries name places in the log that they come from, and are made anew at need."""

NUMBER_MAX = 2**53
"""Every store and every reader can hold smaller ones: to a page in JavaScript, greater ones are not exact."""


async def export_from(store: Store, header: Header) -> dict[str, Any]:
    """The whole conversation as a document, with its files."""
    frames = await store.read(header.id, 0, header.last_seq, deltas_after=header.last_seq)
    added = (decode(frame) for frame in frames if frame.type == e.MessageAdd.type)
    wanted = dict.fromkeys(
        found for event in added if isinstance(event, e.MessageAdd) for found in file_ids(event.content)
    )
    return exported(header, frames, [await store.file(header.principal, file_id) for file_id in wanted])


async def files_from(document: Any, attaching: Attaching, principal: str) -> dict[str, FileFacts]:
    """Keep the files of an exported document; what is known of each, by the id it had there.

    Raises:
        InvalidRequest, TooLarge.
    """
    found = {}
    try:
        for entry in document.get("files") or ():
            data = base64.b64decode(entry["data"], validate=True)
            found[str(entry["file_id"])] = await attaching.upload(principal, data, str(entry.get("name", "")))
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise InvalidRequest(NOT_EXPORTED) from error
    return found


def exported(header: Header, frames: Sequence[Frame], files: Sequence[File] = ()) -> dict[str, Any]:
    """`{"format", "id", "title", "events": [{"seq", "type", "data"}, …], "files"}`; deltas are left out.

    `files` are `{"file_id", "name", "media_type", "data"}`, the bytes in base64. What a delta added stands in
    its block's end, and in what an interrupted turn kept.
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
        "files": [
            {
                "file_id": file.facts.id,
                "name": file.facts.name,
                "media_type": file.facts.media.media_type,
                "data": base64.b64encode(file.data).decode(),
            }
            for file in files
        ],
    }


def imported(
    document: Any, conversation_id: str, at: int, files: Mapping[str, FileFacts]
) -> tuple[e.ConversationCreate, Change]:
    """What makes the conversation of an exported document again, with the ids of its messages.

    `files` are those that its messages refer to, by the ids that they have there.

    A turn that had not ended is ended: what it had finished stays.

    Raises:
        InvalidRequest: this is no such document, or its events do not fit together.
    """
    try:
        if document["format"] != FORMAT:
            raise InvalidRequest(f"The format must be {FORMAT}.")
        old = str(document["id"])
        read = [
            read_event(entry["type"], _renamed(entry["data"], old, conversation_id, files))
            for entry in document["events"]
        ]
        events = [event for event in read if event is not None and not isinstance(event, LEFT_OUT)]
        create, rest = events[0], events[1:]
        shown = fold(enumerate(events, 1))
        ending = _ended(shown, at)
        shown = fold(enumerate(ending, len(events) + 1), shown)
        _check_events(events)
        _check_tree(shown)
    except NotFound as error:
        raise InvalidRequest("A file that this conversation refers to is not in the document.") from error
    except (
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise InvalidRequest(NOT_EXPORTED) from error
    if not isinstance(create, e.ConversationCreate):
        raise InvalidRequest("An exported conversation begins with its creation.")
    messages = [message for message in shown.messages.values() if message.id != shown.head]
    messages += [message for message in shown.messages.values() if message.id == shown.head]
    move = e.HeadMove(at=at, message_id=shown.head)
    return create, Change(events=[*rest, *ending, move], messages=messages, imported=True)


def _renamed(data: Any, old: str, new: str, files: Mapping[str, FileFacts]) -> dict[str, Any]:
    """Ids of turns and approvals hold their conversation's, those of files their principal's."""
    renamed = {}
    for key, value in clean_json(data).items():
        of_turn = key in ("turn_id", "after_turn", "approval_id") and isinstance(value, str)
        renamed[key] = value.replace(old, new, 1) if of_turn else value
    if isinstance(content := renamed.get("content"), list):
        renamed["content"] = [with_files(block, lambda found: referred(found, files)) for block in content]
    return renamed


def _check_events(events: Iterable[e.Event]) -> None:
    """Raises AttributeError, TypeError, ValueError: their types fit, but nobody could keep or read them."""
    for event in events:
        _check_numbers(event)
        for block in _blocks_of(event):
            _check_block(block)


def _check_numbers(value: Any) -> None:
    for field in fields(value):
        inner = getattr(value, field.name)
        if is_dataclass(inner):
            _check_numbers(inner)
        elif isinstance(inner, int):
            least = 1 - NUMBER_MAX if field.name.endswith("_nanodollars") else 0
            if not least <= inner < NUMBER_MAX:
                raise ValueError(field.name)


def _blocks_of(event: e.Event) -> Sequence[Block]:
    match event:
        case e.MessageAdd() | e.ToolEnd():
            return event.content
        case e.BlockStart() | e.BlockEnd():
            return (event.block,)
        case e.TurnEnd():
            return event.kept.blocks
        case _:
            return ()


def _check_block(block: Block) -> None:
    """What is read of a block here; all else in it is as opaque as it was when it came from Claude."""
    match kind := block.get("type", ""):
        case "text":
            _check_text(block.get("text", ""))
        case "thinking":
            _check_text(block.get("thinking") or "")
        case "tool_result":
            _check_result(block.get("content"))
        case _:
            _check_text(kind)


def _check_result(content: Any) -> None:
    if isinstance(content, list):
        for block in content:
            _check_block(block)


def _check_text(said: Any) -> None:
    if not isinstance(said, str):
        raise TypeError(said)


def _check_tree(shown: Conversation) -> None:
    """Raises KeyError, ValueError: the head, a step or a parent is no message, or its own ancestor."""
    steps = chain.from_iterable(chain.from_iterable(turn.steps for turn in shown.turns.values()))
    whole: set[str] = set()
    for start in (*shown.messages, *steps, shown.head):
        at, branch = start, set[str]()
        while at is not None and at not in whole:
            if at in branch:
                raise ValueError("parent_id")
            branch.add(at)
            at = shown.messages[at].parent_id
        whole |= branch


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
