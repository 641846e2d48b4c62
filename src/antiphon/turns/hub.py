"""Followers: readers of a log, woken when it grows. Wake-ups are hints; the store is the truth.

Frames that were just committed here are kept for a moment, so that followers share them without asking the
store again. A follower that is too far behind reads the store, at its own pace: nothing is buffered for it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from antiphon.domain import events as e
from antiphon.errors import StoreUnavailable
from antiphon.stores.base import Log
from antiphon.stores.frames import Frame

TAIL_FRAMES = 8
TAIL_BYTES = 1_048_576
"""What is kept of a conversation for its followers to share; the newest frame always is."""

FIRST_PAGE = 8
PAGE = 500
PAGE_BYTES = 1_048_576
"""How many frames a follower reads at once, and about how many bytes; see `next_page`."""

CLOSED = (
    "Antiphon was closed here meanwhile. What it had accepted goes on at its next start, or on another "
    "replica; of what was kept in memory, nothing is left."
)

_BLOCKS = {e.BlockStart.type, e.BlockDelta.type, e.BlockEnd.type}


def next_page(frames: Sequence[Frame]) -> int:
    """How many frames to read after these, so that a page holds `PAGE_BYTES` if none is larger than they are.

    It grows step by step, because it is not known before what comes.
    """
    largest = max((len(frame.data) for frame in frames), default=1)
    return max(1, min(PAGE, 4 * len(frames), PAGE_BYTES // max(1, largest)))


class _Channel:
    """One followed conversation: the newest frames, contiguous, and who waits for more."""

    def __init__(self) -> None:
        self.tail: list[Frame] = []
        self._tail_bytes = 0
        self.known_seq = 0
        self.signs = 0
        self.gone = False
        self.quiet = False
        self.waiting: list[asyncio.Future[None]] = []
        self.followers = 0

    def publish(self, frames: Sequence[Frame]) -> None:
        if self.tail and frames[0].seq != self.tail[-1].seq + 1:
            self.tail.clear()  # commits of two tasks arrived out of order: let the store sort them
            self._tail_bytes = 0
        self.tail.extend(frames)
        for frame in frames:
            self._tail_bytes += len(frame.data)
        while len(self.tail) > TAIL_FRAMES or (self._tail_bytes > TAIL_BYTES and len(self.tail) > 1):
            self._tail_bytes -= len(self.tail.pop(0).data)
        self.quiet = False
        self.hint(frames[-1].seq)

    def hint(self, seq: int) -> None:
        self.known_seq = max(self.known_seq, seq)
        self.wake()

    def sign(self) -> None:
        """Counted, so that a follower who is not waiting just now does not miss it."""
        self.signs += 1
        self.wake()

    def wake(self) -> None:
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def woken(self) -> asyncio.Future[None]:
        """Done at the next wake. Whoever stops waiting for it leaves it behind until then."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        return future

    def since(self, cursor: int) -> list[Frame] | None:
        """Frames after `cursor`, or None if the tail does not reach back to it."""
        tail = self.tail
        if not tail or tail[-1].seq < self.known_seq or tail[0].seq > cursor + 1:
            return None
        return tail[max(0, cursor + 1 - tail[0].seq) :]


@dataclass(slots=True)
class _Watch:
    """Notices events between those that are published here."""

    reached: int
    others_wrote: Callable[[int], None]

    def reach(self, first: int, last: int) -> None:
        missed = self.reached if first > self.reached + 1 else None
        self.reached = max(self.reached, last)
        if missed is not None:
            self.others_wrote(missed)


class Hub:
    """The followers of this process."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._channels: dict[str, _Channel] = {}
        self._watches: dict[str, _Watch] = {}
        self._lively: set[str] = set()
        """Where something was published since `quiet` was called."""
        self.heard: Callable[[str, Sequence[Frame]], None] | None = None
        """Told of all that is published, but for the pieces of an answer."""
        self._closed = False

    def close(self) -> None:
        """Nothing more will be published: followers are given what was, and then told so."""
        self._closed = True
        for channel in self._channels.values():
            channel.wake()

    def publish(self, conversation_id: str, frames: Sequence[Frame]) -> None:
        """Hand committed frames to whoever follows."""
        if not frames:
            return
        self._lively.add(conversation_id)
        if (channel := self._channels.get(conversation_id)) is not None:
            channel.publish(frames)
        if (watch := self._watches.get(conversation_id)) is not None:
            watch.reach(frames[0].seq, frames[-1].seq)
        if self.heard is not None and frames[-1].type not in _BLOCKS:
            self.heard(conversation_id, frames)

    def hint(self, conversation_id: str, seq: int) -> None:
        """Say that a conversation has reached `seq`, somewhere."""
        channel = self._channels.get(conversation_id)
        if channel is not None and seq > channel.known_seq:
            channel.hint(seq)
        if (watch := self._watches.get(conversation_id)) is not None:
            watch.reach(seq + 1, seq)

    def followed(self) -> list[str]:
        """The conversations whose growth matters here."""
        return list(self._channels.keys() | self._watches.keys())

    def quiet(self) -> list[str]:
        """Those of them where nothing was published here since the last call.

        In the others, what somebody else wrote shows by the gap before what was published.
        """
        lively, self._lively = self._lively, set()
        return [conversation_id for conversation_id in self.followed() if conversation_id not in lively]

    def watch(self, conversation_id: str, seq: int, others_wrote: Callable[[int], None]) -> None:
        """Call `others_wrote(after)` when events after `seq` turn up that were not published here."""
        self._watches[conversation_id] = _Watch(seq, others_wrote)

    def unwatch(self, conversation_id: str) -> None:
        self._watches.pop(conversation_id, None)

    def wake(self, conversation_id: str) -> None:
        """Give its followers a sign: something happened that is no event."""
        if (channel := self._channels.get(conversation_id)) is not None:
            channel.sign()

    def vanish(self, conversation_id: str) -> None:
        """Let its followers know that it was deleted."""
        if (channel := self._channels.get(conversation_id)) is not None and not channel.gone:
            channel.gone = True
            channel.sign()

    def is_gone(self, conversation_id: str) -> bool:
        """Whether a followed conversation is known to be deleted; a follower has a sign of it."""
        channel = self._channels.get(conversation_id)
        return channel is not None and channel.gone

    def tick(self) -> None:
        """Give a sign of life to all who were given nothing since the last time."""
        for channel in self._channels.values():
            if channel.quiet:
                channel.sign()
            channel.quiet = True

    async def follow(
        self, conversation_id: str, after: int, known: Sequence[Frame] = ()
    ) -> AsyncGenerator[list[Frame], None]:
        """Yield committed frames with a greater seq, in order, without end. `known` are the first of them.

        An empty list is a sign of life: no event happened. Close the generator to stop following.

        Raises:
            StoreUnavailable: the store cannot be read, or Antiphon was closed here.
        """
        channel = self._channels.setdefault(conversation_id, _Channel())
        channel.followers += 1
        cursor, signs, page = after, channel.signs, FIRST_PAGE
        try:
            if known:
                cursor = known[-1].seq
                yield list(known)
            while True:
                frames = channel.since(cursor)
                if frames is None and self._is_newest(conversation_id, channel, cursor):
                    frames = []
                if frames is None:
                    frames = await self._read(channel, conversation_id, cursor, page)
                    page = next_page(frames)
                if frames:
                    cursor = frames[-1].seq
                    yield frames
                    if cursor == channel.known_seq and signs == channel.signs:
                        await self._woken(channel)
                elif signs != channel.signs:
                    signs = channel.signs
                    yield []
                elif cursor >= channel.known_seq:
                    await self._woken(channel)
        finally:
            channel.followers -= 1
            if not channel.followers:
                self._channels.pop(conversation_id, None)

    def _is_newest(self, conversation_id: str, channel: _Channel, cursor: int) -> bool:
        """Whether a turn runs here and nothing after `cursor` was heard of: then there is nothing to read."""
        watch = self._watches.get(conversation_id)
        return watch is not None and max(watch.reached, channel.known_seq) <= cursor

    def _woken(self, channel: _Channel) -> asyncio.Future[None]:
        self._check_open()
        return channel.woken()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(CLOSED)

    async def _read(self, channel: _Channel, conversation_id: str, cursor: int, limit: int) -> list[Frame]:
        self._check_open()
        known = channel.known_seq
        frames = await self._log.read(conversation_id, cursor, limit)
        if not frames and channel.known_seq == known:
            channel.known_seq = min(known, cursor)  # pruned, or deleted: do not ask for it again
        return frames
