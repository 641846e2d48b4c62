"""Contract 14: who listens hears of what others commit."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from antiphon.domain import events as e
from antiphon.domain.messages import text_block
from antiphon.stores.base import Change, Hint, Store
from antiphon.stores.frames import Frame
from antiphon.testing.stores.making import (
    LEASE_S,
    a_conversation,
    a_turn,
    block_end,
    lease_of,
    start,
    the_end,
)

PATIENCE_S = 10.0


class _Heard:
    """What a store has told so far: how far each conversation is known to have grown."""

    def __init__(self) -> None:
        self._seqs: dict[str, int] = {}
        self._anything = 0
        self._more = asyncio.Condition()

    async def listen(self, store: Store) -> None:
        async with aclosing(store.hints()) as hints:
            async for hint in hints:
                async with self._more:
                    self._note(hint)
                    self._more.notify_all()

    def _note(self, hint: Hint | None) -> None:
        if hint is None:
            self._anything += 1
        else:
            self._seqs[hint.conversation_id] = max(hint.seq, self._seqs.get(hint.conversation_id, 0))

    async def begun(self) -> None:
        await self._until(lambda: self._anything > 0, "the first hint, which says that hearing has begun")

    def mark(self) -> int:
        """A moment from which on "anything may have grown" counts."""
        return self._anything

    async def of(self, conversation_id: str, frames: Sequence[Frame] | None, mark: int) -> None:
        assert frames, "nothing was committed"
        seq = frames[-1].seq
        await self._until(
            lambda: self._anything > mark or self._seqs.get(conversation_id, 0) >= seq,
            f"a hint of {frames[-1].type}",
        )

    async def _until(self, true: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S), self._more:
                await self._more.wait_for(true)
        except TimeoutError:
            raise AssertionError(f"nobody told of {what}") from None


async def pair_14_commits_by_others_are_heard(store: Store, other: Store) -> None:
    """Each kind of commit on one, heard on the other."""
    header = await a_conversation(store)
    heard = _Heard()
    listening = asyncio.create_task(heard.listen(other))
    try:
        await heard.begun()
        mark = heard.mark()
        first, second = a_turn(header.id), a_turn(header.id)
        accepted = await store.accept(first)
        await heard.of(header.id, accepted.frames, mark)
        lease = lease_of(accepted)
        mark = heard.mark()
        await heard.of(header.id, (await store.accept(second)).frames, mark)
        message = await start(store, first, lease)
        mark = heard.mark()
        (flushed,) = await store.flush([(lease, [block_end(text_block("An answer."))])])
        await heard.of(header.id, flushed, mark)
        mark = heard.mark()
        title = Change(events=[e.TitleChange(at=4, title="T2")])
        await heard.of(header.id, await store.append(header.id, title), mark)
        mark = heard.mark()
        waits = second.queue.turn_id
        await heard.of(header.id, await store.withdraw(header.id, waits, the_end(waits, None)), mark)
        mark = heard.mark()
        ended = await store.end(lease, the_end(lease.turn_id, message.id), LEASE_S)
        await heard.of(header.id, ended.frames, mark)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
