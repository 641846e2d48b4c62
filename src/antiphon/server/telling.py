"""A turn told to one reader of the simple API, as frames; what a reader has seen is never taken back."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from antiphon.chat import delta_text
from antiphon.domain import events as e
from antiphon.errors import AnswerInterrupted, AntiphonError
from antiphon.server.answers import PING, done_frame, error_frame, failure_of, problem_of, text_frame
from antiphon.server.problems import INTERNAL
from antiphon.service import Answer, Service, read_answer
from antiphon.stores.base import Accepted
from antiphon.stores.frames import Frame, decode
from antiphon.telemetry import fault_facts

log = structlog.get_logger()

PING_GAP_S = 1.0
"""Signs of life may come with every commit of the turn before; a reader needs no more than one a second."""

OURS = e.Problem(name="internal", title="Something went wrong", detail=INTERNAL, retryable=True)


def tell(service: Service, accepted: Accepted, session_id: str) -> AsyncGenerator[bytes, None]:
    """Text as it is committed, signs of life, and exactly one last frame."""
    return _tell(service.follow_turn(accepted), accepted.turn_id, session_id)


async def _tell(
    followed: AsyncGenerator[list[Frame], None], turn_id: str, session_id: str
) -> AsyncGenerator[bytes, None]:
    reading = _Reading()
    pinged = 0.0
    try:
        async with aclosing(followed) as batches:
            async for batch in batches:
                if text := reading.text_of(batch):
                    yield text_frame(text)
                elif not batch and (now := time.monotonic()) - pinged >= PING_GAP_S:
                    pinged = now
                    yield PING
        answer = read_answer(turn_id, reading.frames)
        last = _end(answer, session_id, shown=reading.shown)
    except AntiphonError as error:
        last = [error_frame(problem_of(error), turn_id)]
    except Exception as error:  # noqa: BLE001 - the stream has begun: its reader waits for a last frame
        log.error("stream_fault", turn_id=turn_id, **fault_facts(error))  # noqa: TRY400
        last = [error_frame(OURS, turn_id)]
    for frame in last:
        yield frame


def _end(answer: Answer, session_id: str, *, shown: bool) -> list[bytes]:
    """The last frames. What was not told piece by piece is told whole: a refusal, or a pruned log."""
    failure = failure_of(answer)
    untold = answer.turn.status == "refused" or not shown
    said = [text_frame(answer.text)] if untold and answer.text else []
    if failure is not None:
        return [*said, error_frame(failure, answer.turn.id)]
    return [*said, done_frame(answer, session_id)]


class _Reading:
    """What one reader was shown, and the frames that tell how the turn ended."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.shown = False
        self._shown_of_step = False

    def text_of(self, batch: list[Frame]) -> str:
        """The visible text that a batch adds; an attempt that was given up within the batch adds none.

        Raises:
            AnswerInterrupted: a step begins anew after some of it was shown.
        """
        before, deltas = "", []
        for frame in batch:
            if frame.type == e.BlockDelta.type:
                deltas.append(frame)
                continue
            self.frames.append(frame)
            if frame.type == e.StepStart.type:
                before += self._begin_step(frame, deltas)
                deltas = []
        text = delta_text(deltas)
        self._shown_of_step = self._shown_of_step or bool(text)
        self.shown = self.shown or bool(before + text)
        return before + text

    def _begin_step(self, frame: Frame, deltas: list[Frame]) -> str:
        """What the step before it leaves to be shown."""
        start = decode(frame)
        if isinstance(start, e.StepStart) and start.attempt > 1:
            if self._shown_of_step:
                raise AnswerInterrupted(
                    "Claude had to begin this answer anew after a part of it was shown. "
                    "Send the message again to get a whole one."
                )
            return ""
        self._shown_of_step = False
        return delta_text(deltas)
