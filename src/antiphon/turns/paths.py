"""The messages of conversations that were lately answered here, so that a turn reads only what is new to it.

A message that has found its place in the tree never changes, and neither does what comes before it: what is
remembered is true for ever. What is not remembered is read from the store.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.messages import Block
from antiphon.stores.base import Change, Log

MOST_BYTES = 64 * 2**20
"""Of all remembered messages together, roughly; conversations that were not used for longest go first."""

PER_MESSAGE = 400
"""Bytes that a message takes beside what it says."""


@dataclass(slots=True)
class _Known:
    messages: dict[str, PlacedMessage] = field(default_factory=dict)
    size: int = 0


class Paths:
    def __init__(self, log: Log, most_bytes: int = MOST_BYTES) -> None:
        self._log = log
        self._most_bytes = most_bytes
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._size = 0

    async def to(self, conversation_id: str, message_id: str | None) -> list[PlacedMessage]:
        """The messages from the root to `message_id`; none for None. Raises what `Log.path` does."""
        path = self._remembered(conversation_id, message_id)
        if path is None:
            path = await self._log.path(conversation_id, message_id)
            self._remember(conversation_id, path)
        return path

    def learn(self, conversation_id: str, change: Change, last_seq: int) -> None:
        """Messages that were just committed; their last event has the seq `last_seq`."""
        known = self._known.get(conversation_id, _NOTHING)
        for message_id in change.removed:
            known.messages.pop(message_id, None)
        if change.messages:
            placed = [PlacedMessage(seq=last_seq, message=message) for message in change.messages]
            self._remember(conversation_id, placed)

    def _remembered(self, conversation_id: str, message_id: str | None) -> list[PlacedMessage] | None:
        known = self._known.get(conversation_id, _NOTHING)
        path: list[PlacedMessage] = []
        while message_id is not None:
            placed = known.messages.get(message_id)
            if placed is None:
                return None
            path.append(placed)
            message_id = placed.message.parent_id
        path.reverse()
        return path

    def _remember(self, conversation_id: str, placed: Iterable[PlacedMessage]) -> None:
        known = self._known.setdefault(conversation_id, _Known())
        self._known.move_to_end(conversation_id)
        added = 0
        for each in placed:
            if each.message.id not in known.messages:
                added += PER_MESSAGE + sum(_size(block) for block in each.message.content)
            known.messages[each.message.id] = each
        known.size += added
        self._size += added
        while self._size > self._most_bytes:
            _, oldest = self._known.popitem(last=False)
            self._size -= oldest.size


_NOTHING = _Known()


def _size(block: Block) -> int:
    if block.get("type") == "text":
        return len(block.get("text", ""))
    return len(msgspec.json.encode(block))
