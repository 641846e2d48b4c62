"""One turn, from its lease to its end. Each durable write checks the fence; none is ever cut off."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from antiphon.domain import events as e
from antiphon.errors import AntiphonError, FenceLost, NotFound, StoreError, StoreUnavailable
from antiphon.stores.base import Change, Ended, Lease, TurnRecord
from antiphon.stores.frames import Frame, decode
from antiphon.turns import endings
from antiphon.turns.aftermath import Answered
from antiphon.turns.asides import lost_summaries
from antiphon.turns.interruption import Abandoned, Interruption, Stopped
from antiphon.turns.parts import Parts
from antiphon.turns.planning import Begun
from antiphon.turns.progress import (
    Progress,
    after_tools,
    first_step,
    next_attempt,
    shown_by,
    since_start,
)
from antiphon.turns.steps import Steps
from antiphon.turns.tool_use import Asking, ToolUses, fate_unknown, left_whole
from antiphon.turns.tries import LOST, LOST_MAX
from antiphon.turns.unreadable import given_up

log = structlog.get_logger()

STEPS_MAX = 25

READ_AT_ONCE, AGAIN_S = 1000, 0.5
"""Events of others, and how long to wait where the store cannot be reached."""


class Waits(Abandoned):
    """The turn was let go of, and is nobody's until people have decided."""


class TurnRunner:
    """Runs one turn under one lease. `cancel` and `abandon` may be called while it does."""

    def __init__(
        self, parts: Parts, lease: Lease, record: TurnRecord | None = None, begun: Begun | None = None
    ) -> None:
        """`record`, if it is known already, saves reading it; `begun` was committed when it was accepted."""
        self._parts = parts
        self._lease = lease
        self._record = record
        self._begun = begun
        self._interruption = Interruption(parts.deadline_s)
        self._listening: set[asyncio.Task[None]] = set()
        self.answered: Answered | None = None
        """Once it has run: what follows from it, if it came to its own end."""
        self._read_to = 0
        """The seq up to which this runner has surely read the log."""

    def cancel(self, seen_seq: int) -> None:
        """Stop the answer; what was seen up to `seen_seq` is kept, the greatest of all calls."""
        self._interruption.cancel(seen_seq)

    def abandon(self) -> None:
        """Close the upstream request at once and write nothing more."""
        self._interruption.abandon()

    def lose(self) -> None:
        """The lease is another's: `abandon`, and `run` raises FenceLost."""
        self._interruption.lose()

    async def run(self) -> Lease | None:
        """Run to the end; returns the lease of the next queued turn, if one waits.

        Raises:
            FenceLost, StoreUnavailable, Abandoned: the lease will lapse, and whoever claims it goes on.
            Waits: it goes on when people have decided.
        """
        try:
            return await self._run()
        finally:
            if self._begun is not None:
                await self._begun.request.aclose()

    def leave(self) -> None:
        """It will not run any more, if it ever did."""
        self._stop_listening()
        if self._begun is not None:
            self._begun.request.drop()

    async def _run(self) -> Lease | None:
        lease, parts = self._lease, self._parts
        record = self._record or await parts.store.turn(lease.conversation_id, lease.turn_id)
        self._read_to = record.header.last_seq
        outcome = self._begun.progress if self._begun else await self._resumed(record)
        self.listen(record.header.last_seq)
        self._interruption.begin()
        steps = Steps(parts, lease, record, self._interruption, self._begun)
        try:
            while isinstance(outcome, Progress):
                outcome = await self._guarded(record, steps, outcome)
        finally:
            parts.hub.unwatch(lease.conversation_id)
            self._stop_listening()
        outcome, ended = await self._ended(outcome)
        parts.paths.learn(lease.conversation_id, outcome, ended.frames[-1].seq)
        parts.hub.publish(lease.conversation_id, ended.frames)
        self.answered = _follows(outcome, steps)
        return ended.next

    async def _ended(self, outcome: Change) -> tuple[Change, Ended]:
        """The end as it was committed. One that cannot be is given up: tried again, it is only paid again."""
        try:
            return outcome, await self._end(outcome)
        except (AntiphonError, Abandoned):
            raise
        except Exception:
            log.exception("turn_fault", turn_id=self._lease.turn_id)
        change = await self._given_up(outcome)
        return change, await self._end(change)

    async def _given_up(self, outcome: Change | None = None) -> Change:
        """The end after a fault in this program; `outcome` could not be written, and tells what was spent."""
        store, lease = self._parts.store, self._lease
        record = await store.turn(lease.conversation_id, lease.turn_id)
        return await given_up(store, lease, record, self._parts.now(), outcome)

    async def _end(self, change: Change) -> Ended:
        """Tried until the store takes it: what was answered is paid for. The fence lets only one try through.

        Raises:
            FenceLost. Abandoned: also where it was committed, and the store could not say so.
        """
        store, lease, lease_s = self._parts.store, self._lease, self._parts.lease_s
        tried = False
        while True:
            try:
                return await store.end(lease, change, lease_s)
            except StoreUnavailable as error:
                tried = True
                log.warning("turn_waits_for_store", turn_id=lease.turn_id, error=error.name)
            except FenceLost:
                if tried:
                    raise Abandoned from None
                raise
            await asyncio.sleep(AGAIN_S)
            self._interruption.require()

    async def _resumed(self, record: TurnRecord) -> Progress | Change:
        """Where it stands. If its log cannot be followed, it ends, and is not tried again for ever."""
        try:
            return await self._progress(record)
        except (StoreError, NotFound):
            raise
        except Exception:
            log.exception("turn_fault", turn_id=record.id)
        return await self._given_up()

    async def _progress(self, record: TurnRecord) -> Progress:
        frames = await self._since_queued(record)
        self._hear(frames)
        await self._settle(frames)
        if record.status == "queued":
            after = None
            if record.queue.after_turn is not None:
                after = await self._left_at(record.queue.after_turn)
            return first_step(record, after, self._parts.now())
        return next_attempt(record, since_start(record, frames), self._parts.now(), self._parts.billing)

    async def _left_at(self, turn_id: str) -> str | None:
        """Where this turn left the conversation; if it was withdrawn, where the one before it did."""
        store, conversation_id = self._parts.store, self._lease.conversation_id
        chain = [await store.turn(conversation_id, turn_id)]
        while (last := chain[-1]).status == "cancelled" and last.queue.after_turn is not None:
            chain.append(await store.turn(conversation_id, last.queue.after_turn))
        if chain[0].status != "cancelled":
            return chain[0].last_message_id
        began = await self._began_since(last)
        left = (turn for turn in chain if turn.status != "cancelled" or turn.id in began)
        found = next(left, None)
        return last.header.head if found is None else found.last_message_id

    async def _began_since(self, record: TurnRecord) -> set[str]:
        """The turns that did since this one was queued."""
        last_seq = record.header.last_seq
        frames = await self._parts.store.read(record.header.id, record.seq, last_seq, deltas_after=last_seq)
        starts = (decode(frame) for frame in frames if frame.type == e.TurnStart.type)
        return {start.turn_id for start in starts if isinstance(start, e.TurnStart)}

    async def _since_queued(self, record: TurnRecord) -> Sequence[Frame]:
        """The log since then; if the turn never started, without the answers that it waited for."""
        last_seq = record.header.last_seq
        if last_seq == record.seq:
            return ()
        left_out = last_seq if record.status == "queued" else 0
        return await self._parts.store.read(
            self._lease.conversation_id, record.seq, last_seq, deltas_after=left_out
        )

    async def _settle(self, frames: Sequence[Frame]) -> None:
        """What a replica that died had announced, and not settled."""
        if ends := lost_summaries(frames, self._parts.now(), self._parts.billing):
            conversation_id = self._lease.conversation_id
            written = await self._parts.store.append(conversation_id, Change(events=ends), self._lease)
            self._parts.hub.publish(conversation_id, written)

    # What others write into the log meanwhile

    def listen(self, seq: int) -> None:
        """Hear of what others write into the log after `seq`."""
        self._parts.hub.watch(self._lease.conversation_id, seq, self._others_wrote)

    def _others_wrote(self, after: int) -> None:
        task = asyncio.create_task(self._listen(after))
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    def _stop_listening(self) -> None:
        for task in self._listening:
            task.cancel()

    async def _listen(self, after: int) -> None:
        """Until it is read, or the turn is over: whoever stopped it elsewhere was told that it will."""
        while True:
            try:
                frames = await self._parts.store.read(self._lease.conversation_id, after, READ_AT_ONCE)
            except StoreError:
                await asyncio.sleep(AGAIN_S)
                continue
            self._hear(frames)
            if len(frames) < READ_AT_ONCE:
                return
            after = frames[-1].seq

    def _hear(self, frames: Sequence[Frame]) -> None:
        """Stop if these events ask for it."""
        for frame in frames:
            event = decode(frame) if frame.type == e.CancelRequest.type else None
            if isinstance(event, e.CancelRequest) and event.turn_id == self._lease.turn_id:
                self.cancel(event.seen_seq)

    # One step, or the tools after it

    async def _guarded(self, record: TurnRecord, steps: Steps, progress: Progress) -> Progress | Change:
        """What is wrong with this program ends the turn, and is not tried again for ever."""
        try:
            return await self._next(record, steps, progress)
        except (StoreError, Abandoned, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("turn_fault", turn_id=record.id)
            return steps.end(progress, "failed", endings.OURS)

    async def _next(self, record: TurnRecord, steps: Steps, progress: Progress) -> Progress | Change:
        if self._interruption.seen_seq is not None:
            seen = await self._as_seen(record, progress, self._interruption.seen_seq)
            return steps.end(seen, "cancelled", None)
        if progress.shown is not None and record.queue.restart == "never":
            return steps.end(progress, "interrupted", LOST)
        if progress.tries.lost >= LOST_MAX:
            return steps.end(progress, "failed", endings.LOST_TOO_OFTEN)
        if progress.asked is not None:
            return await self._use_tools(steps, progress)
        if progress.step == STEPS_MAX:
            return steps.end(progress, "interrupted", endings.TOO_MANY_STEPS)
        return await steps.next(progress)

    async def _as_seen(self, record: TurnRecord, progress: Progress, seen_seq: int) -> Progress:
        """With what its reader had seen of an attempt that failed, in place of all that it had shown."""
        if progress.shown is None:
            return progress
        limit = max(1, seen_seq - record.seq)
        frames = await self._parts.store.read(self._lease.conversation_id, record.seq, limit)
        content = shown_by(since_start(record, frames), record, seen_seq)
        return replace(progress, shown=replace(progress.shown, content=content) if content else None)

    async def _use_tools(self, steps: Steps, progress: Progress) -> Progress | Change:
        parts = self._parts
        if fate_unknown(progress, parts.toolbox):
            return steps.end(progress, "interrupted", endings.FATE_UNKNOWN)
        uses = ToolUses(
            store=parts.store,
            hub=parts.hub,
            toolbox=parts.toolbox,
            clock=parts.clock,
            lease=self._lease,
            progress=progress,
            approval_s=parts.approval_s,
        )
        try:
            outcome = await self._interruption.stoppable(uses.run())
        except Stopped:
            return steps.end(uses.left, "cancelled", None)
        if isinstance(outcome, Asking):
            await self._let_wait(outcome.change)
            return left_whole(outcome.progress, self._lease.turn_id, parts.now())
        return after_tools(progress, *outcome)

    async def _let_wait(self, change: Change) -> None:
        """Ask people, and leave the turn to whoever goes on with it when they have answered.

        It returns only if somebody has asked for the turn's end meanwhile; then nobody is asked.

        Raises:
            Waits. Abandoned, FenceLost, StoreUnavailable: nobody was asked.
        """
        store, conversation_id = self._parts.store, self._lease.conversation_id
        while self._interruption.seen_seq is None:
            self._interruption.require()
            while frames := await store.read(conversation_id, self._read_to):
                self._hear(frames)
                self._read_to = frames[-1].seq
            if self._interruption.seen_seq is None:
                asked = await store.wait(self._lease, change, self._parts.approval_s, self._read_to)
                if asked is not None:
                    self._parts.hub.publish(conversation_id, asked)
                    raise Waits


def _follows(change: Change, steps: Steps) -> Answered | None:
    """What is to be done beside it, once a turn came to its own end."""
    completed = isinstance(end := change.events[-1], e.TurnEnd) and end.status == "completed"
    if not completed or steps.ground is None or steps.plan is None or not change.messages:
        return None
    ground = replace(steps.ground, titled=steps.titled)
    return Answered(ground=ground, plan=steps.plan, answer=change.messages[-1])
