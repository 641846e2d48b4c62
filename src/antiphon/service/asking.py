"""What a turn asks, and how it becomes an acceptance."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from antiphon.domain import events as e
from antiphon.domain.files import with_files
from antiphon.domain.ids import is_id, new_id, new_turn_id
from antiphon.domain.messages import Block, clean_json, text_block
from antiphon.errors import InvalidRequest
from antiphon.stores.base import Acceptance, WhenBusy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a turn asks. `content` is text or a list of blocks; None answers `parent_id` again."""

    content: str | Sequence[Block] | None
    message_id: str | None = None
    """A UUID for the message; one is made if absent."""
    parent_id: str | None = e.HEAD
    """The message to go on from; None begins a new root."""
    after_turn: str | None = None
    """The turn behind which it was queued: the parent is that turn's last kept message."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Changes of the conversation's settings from this turn on: system, model."""
    options: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    when_busy: WhenBusy = "queue"
    restart: Literal["allowed", "never"] = "allowed"
    keep_partial: bool = True
    budget_nanodollars: int | None = None
    """What the conversation may have cost in all once this turn is over; beside the budgets in force."""


def acceptance(
    conversation_id: str, ask: Ask, *, at: int, owner: str, lease_s: float, queue_max: int
) -> Acceptance:
    """Raises InvalidRequest: the message is empty, or its ids contradict each other."""
    content = _content(ask)
    turn_id = new_turn_id(conversation_id)
    message = None
    if content is not None:
        message_id = ask.message_id or new_id()
        message = e.MessageAdd(at=at, message_id=message_id, turn_id=turn_id, content=content)
    queue = e.TurnQueue(
        at=at,
        turn_id=turn_id,
        message_id=message.message_id if message else None,
        parent_id=ask.parent_id,
        after_turn=ask.after_turn,
        settings=clean_json(ask.settings),
        options=clean_json(ask.options),
        restart=ask.restart,
        keep_partial=ask.keep_partial,
        budget_nanodollars=ask.budget_nanodollars,
    )
    return Acceptance(
        conversation_id=conversation_id,
        queue=queue,
        message=message,
        owner=owner,
        lease_s=lease_s,
        key=ask.key,
        body_hash=_hash(ask, content) if ask.key is not None else "",
        when_busy=ask.when_busy,
        queue_max=queue_max,
    )


def _content(ask: Ask) -> tuple[Block, ...] | None:
    if ask.message_id is not None and not is_id(ask.message_id):
        raise InvalidRequest("message_id must be a UUID in its usual form, in lower case.")
    if ask.content is None:
        if ask.message_id is not None:
            raise InvalidRequest("A request without content makes no message: leave message_id out.")
        if ask.parent_id in (None, e.HEAD):
            raise InvalidRequest("To answer a message again, name it as parent_id.")
        return None
    blocks = [text_block(ask.content)] if isinstance(ask.content, str) else list(ask.content)
    if not blocks or all(block.get("type") == "text" and not block["text"].strip() for block in blocks):
        raise InvalidRequest("The message is empty. Write something and send it again.")
    return tuple(clean_json(blocks))


def _hash(ask: Ask, content: tuple[Block, ...] | None) -> str:
    """What must be equal for one idempotency key to be the same request."""
    said = [with_files(block, _named) for block in content] if content is not None else None
    asked = [said, ask.message_id, ask.parent_id, ask.after_turn, ask.settings, ask.options, ask.when_busy]
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


def _named(block: Block) -> Block:
    """What is known of a file beside its id may change: its name is that of its last upload."""
    return {**block, "source": {"type": "file", "file_id": block["source"]["file_id"]}}
