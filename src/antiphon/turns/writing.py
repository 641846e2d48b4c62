"""An answer as it is being written: wire events in, log events out.

What a delta costs here is one list append; joining, encoding and committing are paid once per flush.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from antiphon.domain import events as e
from antiphon.domain.blocks import apply_delta, finish_block, join_deltas
from antiphon.domain.messages import Block
from antiphon.model import wire


class Writing:
    """One attempt of one step."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.blocks: list[Block] = []
        """Finished blocks, and last the open one with what was taken so far."""
        self.usage: dict[str, Any] = {}
        """As reported, newest values over older ones."""
        self.ending = wire.Ending()
        self.model: str | None = None
        self.request_id: str | None = None
        self.sent = False
        """Whether the request went out, as far as is known here."""
        self.shown = False
        """Whether visible text has come: from then on a reader may have seen it."""
        self._ready: list[e.Event] = []
        self._deltas: list[dict[str, Any]] = []
        self._open = False

    def apply(self, events: Sequence[wire.StreamEvent]) -> None:
        """Events as they came, some at a time."""
        for event in events:
            if type(event) is wire.BlockDelta:
                self._deltas.append(event.delta)
            else:
                self._rarer(event)

    def _rarer(self, event: wire.StreamEvent) -> None:
        match event:
            case wire.BlockDelta():
                self._deltas.append(event.delta)
            case wire.BlockStart():
                self._close()
                self._open = True
                self.blocks.append(event.content_block)
                self._ready.append(
                    e.BlockStart(step=self.step, index=len(self.blocks) - 1, block=event.content_block)
                )
            case wire.BlockStop():
                self._close()
            case wire.MessageStart():
                self.usage = dict(event.message.usage)
                self.model = event.message.model or None
                self.request_id = event.request_id
            case wire.MessageDelta():
                self.usage.update({key: value for key, value in event.usage.items() if value is not None})
                self.ending = _merged(self.ending, event.delta)
            case wire.MessageStop():
                self._close()
            case _:
                assert_never(event)

    @property
    def pending(self) -> bool:
        return bool(self._deltas or self._ready)

    @property
    def waiting(self) -> int:
        """Deltas that nobody has taken yet."""
        return len(self._deltas)

    @property
    def silent(self) -> bool:
        """Nothing has come but the start of a text, which shows nothing before its first delta."""
        if self._deltas or len(self._ready) != 1:
            return False
        (only,) = self._ready
        return isinstance(only, e.BlockStart) and only.block.get("type") == "text"

    def take(self) -> list[e.Event]:
        """The log events since the last call; deltas of one kind come joined."""
        self._join()
        taken, self._ready = self._ready, []
        return taken

    def _close(self) -> None:
        """End the open block, if there is one: not every server ends each, or begins what it ends."""
        self._join()
        if self._open:
            self._open = False
            self.blocks[-1] = finish_block(self.blocks[-1])
            self._ready.append(e.BlockEnd(step=self.step, index=len(self.blocks) - 1, block=self.blocks[-1]))

    def _join(self) -> None:
        if not self._deltas:
            return
        if not self._open:  # increments of nothing
            self._deltas = []
            return
        index = len(self.blocks) - 1
        for delta in join_deltas(self._deltas):
            self.blocks[index] = apply_delta(self.blocks[index], delta)
            self._ready.append(e.BlockDelta(step=self.step, index=index, delta=delta))
            self.shown = self.shown or delta.get("type") == "text_delta"
        self._deltas = []


def _merged(older: wire.Ending, newer: wire.Ending) -> wire.Ending:
    """Some servers say the end in several parts: what a later one leaves out stays as it was said."""
    return wire.Ending(
        stop_reason=newer.stop_reason or older.stop_reason,
        stop_sequence=newer.stop_sequence or older.stop_sequence,
        stop_details=newer.stop_details or older.stop_details,
    )
