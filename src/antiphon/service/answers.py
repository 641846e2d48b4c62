"""How a turn ended, read from its frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.domain.messages import Block, Message, text_of, thinking_of
from antiphon.domain.state import Turn
from antiphon.stores.frames import Frame, decode, decode_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a turn ended, and the message it left, if any. `seq` is that of its end."""

    turn: Turn
    message: Message | None
    seq: int
    before: tuple[Block, ...] = ()
    """What was said in this answer before Claude paused and went on."""
    thinking: str = ""
    """What can be read of the thinking of all its steps."""

    @property
    def text(self) -> str:
        """The visible text; for a refusal, the sentence that says so."""
        if self.turn.status == "refused" and self.turn.error is not None:
            return self.turn.error.detail
        return text_of(self.blocks)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its content, with what was said before a pause in it."""
        return (*self.before, *(self.message.content if self.message else ()))


def read_answer(turn_id: str, frames: Sequence[Frame]) -> Answer:
    """The answer in a turn's frames; `block_delta` frames are not needed."""
    shown = fold(decode_all(frames))
    turn = shown.turns[turn_id]
    made = [shown.messages[each] for step in turn.steps for each in step if each in shown.messages]
    thoughts = [thought for message in made if (thought := thinking_of(message.content))]
    newest = [*takewhile(_unanswered, reversed(turn.steps))] or turn.steps[-1:]
    said = [shown.messages[step[0]] for step in newest if step[0] in shown.messages]
    return Answer(
        turn=turn,
        message=said[0] if said else None,
        seq=frames[-1].seq,
        before=tuple(block for message in reversed(said[1:]) for block in message.content),
        thinking="\n\n".join(thoughts),
    )


def _unanswered(step: tuple[str, ...]) -> bool:
    """A step without the results of tools: the last one, and those before it that were paused."""
    return len(step) == 1


class TurnFrames:
    """Of a conversation's frames those of one turn, from its `turn_queue` to its `turn_end`."""

    __slots__ = ("_running", "_turn_id", "ended")

    def __init__(self, turn_id: str) -> None:
        self._turn_id = turn_id
        self._running = False
        self.ended = False

    def of(self, batch: Sequence[Frame]) -> list[Frame]:
        """Those in this batch. None is a sign of life; so is what another turn does."""
        mine: list[Frame] = []
        for frame in batch:
            named = frame.type in _NAMING and getattr(decode(frame), "turn_id", None) == self._turn_id
            self._running = self._running or (named and frame.type == e.TurnStart.type)
            if self._running or named:
                mine.append(frame)
            if named and frame.type == e.TurnEnd.type:
                self.ended = True
                break
        return mine


_NAMING = {e.MessageAdd.type, e.TurnQueue.type, e.TurnStart.type, e.TurnEnd.type}
