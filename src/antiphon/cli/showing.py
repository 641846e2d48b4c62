"""A turn's frames → an answer on a sheet, as far as its reader has seen it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from operator import itemgetter

from antiphon.chat import written
from antiphon.cli.sheets import Sheet
from antiphon.domain import events as e
from antiphon.stores.frames import Frame, decode


class Showing:
    """Shows one turn. The sheet is written in a thread: a reader who pauses must not halt the event loop,
    which keeps the turn's lease.
    """

    def __init__(self, sheet: Sheet, seen_seq: int, *, thinking: bool = False) -> None:
        """`thinking`: whether that is shown, too."""
        self.seen_seq = seen_seq
        """The last event that is on the sheet, or on its way there."""
        self.text_shown = False
        self._sheet = sheet
        self._thinking = thinking
        self._thought = False
        self._stopped = False
        self._writing = asyncio.Lock()
        self._retry: Retry | None = None
        self._other_model: str | None = None
        """Who takes over with the attempt that comes next."""

    def stop(self) -> None:
        """Show no more text."""
        self._stopped = True

    async def follow(self, batches: AsyncIterator[list[Frame]]) -> list[Frame]:
        """Show the text of a turn to its end; returns its frames, without deltas."""
        frames: list[Frame] = []
        waiting = asyncio.create_task(self._wait())
        try:
            async for batch in batches:
                frames.extend(frame for frame in batch if frame.type != e.BlockDelta.type)
                if batch and not self._stopped:
                    self.seen_seq = batch[-1].seq
                    await self._show(batch)
        finally:
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        return frames

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Nothing is drawn within this, so that something else may be written."""
        async with self._writing:
            await asyncio.to_thread(self._sheet.pause)
            yield

    async def write(self, text: str) -> None:
        self.text_shown = True
        await self._draw(self._sheet.write, text)

    async def _think(self, text: str) -> None:
        if self._thinking and text:
            self._thought = True
            await self._draw(self._sheet.think, text)

    async def end(self) -> None:
        await self._draw(self._sheet.end)

    async def _show(self, batch: Sequence[Frame]) -> None:
        starts = [at for at, frame in enumerate(batch) if frame.type == e.StepStart.type]
        for begin, end in zip([0, *starts], [*starts, len(batch)], strict=True):
            piece = list(batch[begin:end])
            self._retry = retry_after(piece, self._retry, asyncio.get_running_loop().time())
            if (self.text_shown or self._thought) and _starts_again(piece):
                self.text_shown = self._thought = False
                await self._draw(self._sheet.start_again)
            if self._other_model and _starts(piece):
                await self._draw(self._sheet.tell, f"{self._other_model} answers instead.")
                self._other_model = None
            self._other_model = _other_model(piece) or self._other_model
            for kind, pieces in groupby(written(piece), key=itemgetter(0)):
                text = "".join(map(itemgetter(1), pieces))
                await (self.write(text) if kind == "text" else self._think(text))

    async def _draw(self, draw: Callable[..., None], *args: object) -> None:
        async with self._writing:
            await asyncio.to_thread(draw, *args)

    async def _wait(self) -> None:
        """Tell the sheet each second that nothing has come yet, and once what is waited for.

        So a retry that comes within a second is not told.
        """
        seconds = 0
        while True:
            await asyncio.sleep(1)
            if self.text_shown:
                continue
            if self._retry is not None:
                line, self._retry = self._retry.line(asyncio.get_running_loop().time()), None
                await self._draw(self._sheet.tell, line)
            seconds += 1
            await self._draw(self._sheet.wait, seconds)


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt failed, and another follows. `due`: when, in seconds of the loop, where that is known."""

    problem: e.Problem
    due: float | None

    def line(self, now: float) -> str:
        left = ceil(self.due - now) if self.due is not None else 0
        when = f" in {left} s" if left > 0 else ""
        return f"{self.problem.title}; trying again{when}."


def retry_after(piece: Sequence[Frame], waiting: Retry | None, now: float) -> Retry | None:
    """The retry that is waited for after these frames, where `waiting` was before them."""
    for frame in piece:
        if frame.type in _NO_LONGER:
            waiting = None
        event = decode(frame) if frame.type == e.AttemptError.type else None
        if isinstance(event, e.AttemptError):
            asked = event.error.retry_after_s
            waiting = Retry(event.error, None if asked is None else now + asked)
    return waiting


_NO_LONGER = {e.StepStart.type, e.TurnEnd.type}


def _other_model(piece: Sequence[Frame]) -> str | None:
    """The model that takes over with these frames."""
    for frame in piece:
        event = decode(frame) if frame.type == e.ModelChange.type else None
        if isinstance(event, e.ModelChange):
            return event.to_model
    return None


def _starts(piece: Sequence[Frame]) -> bool:
    return bool(piece) and piece[0].type == e.StepStart.type


def _starts_again(piece: Sequence[Frame]) -> bool:
    """Whether these frames begin with a further attempt."""
    if not _starts(piece):
        return False
    start = decode(piece[0])
    return isinstance(start, e.StepStart) and start.attempt > 1
