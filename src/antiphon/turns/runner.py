"""One turn, from its lease to its end. Each durable write checks the fence; none is ever cut off."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import structlog

from antiphon.domain import events as e
from antiphon.errors import AnswerError, DeadlineExceeded, FenceLost, InputError, OverBudget, StoreError
from antiphon.model.stops import Refused, UseTools, refusal_sentence, stop_of
from antiphon.stores.base import Change, Lease, TurnRecord
from antiphon.stores.frames import Frame, decode
from antiphon.turns import endings
from antiphon.turns.aftermath import Answered
from antiphon.turns.attempt import attempt_error, is_charged, step_end, write_answer
from antiphon.turns.compacting import compacted
from antiphon.turns.endings import Step
from antiphon.turns.ground import survey
from antiphon.turns.parts import Parts
from antiphon.turns.planning import Begun, Planned, count_again, plan_step
from antiphon.turns.progress import (
    LOST,
    Progress,
    after_tools,
    first_step,
    next_attempt,
    shown_by,
    since_start,
    text_only,
    with_tools,
)
from antiphon.turns.tool_use import Asking, ToolUses, fate_unknown, left_whole

log = structlog.get_logger()


T = TypeVar("T")

STEPS_MAX = 25


class Stopped(Exception):
    """Somebody asked for the end of this answer."""


class Abandoned(Exception):
    """The turn is another's now, or will be: this replica writes nothing more of it."""


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
        self._begun = begun.step if begun else None
        self._open = begun.step if begun else None
        """The attempt that the ledger holds money for and that has not been settled."""
        self._ground = begun.ground if begun else None
        self._plan = begun.step.plan if begun else None
        self._titled = begun.ground.titled if begun else False
        self.answered: Answered | None = None
        """Once it has run: what follows from it, if it came to its own end."""
        self._work: asyncio.Task[Any] | None = None
        self._listening: set[asyncio.Task[None]] = set()
        self._read_to = 0
        """The seq up to which this runner has surely read the log."""
        self._deadline = 0.0
        self._seen_seq: int | None = None
        self._abandoned = False
        self._lost = False

    def cancel(self, seen_seq: int) -> None:
        """Stop the answer; what was seen up to `seen_seq` is kept, the greatest of all calls."""
        self._seen_seq = max(self._seen_seq or 0, seen_seq)
        if self._work is not None:
            self._work.cancel()

    def abandon(self) -> None:
        """Close the upstream request at once and write nothing more."""
        self._abandoned = True
        if self._work is not None:
            self._work.cancel()

    def lose(self) -> None:
        """The lease is another's: `abandon`, and `run` raises FenceLost."""
        self._lost = True
        self.abandon()

    async def run(self) -> Lease | None:
        """Run to the end; returns the lease of the next queued turn, if one waits.

        Raises:
            FenceLost, StoreUnavailable, Abandoned: the lease will lapse, and whoever claims it goes on.
            Waits: it goes on when people have decided.
        """
        lease, parts = self._lease, self._parts
        record = self._record or await parts.store.turn(lease.conversation_id, lease.turn_id)
        self._read_to = record.header.last_seq
        progress = self._begun.progress if self._begun else await self._progress(record)
        parts.hub.watch(lease.conversation_id, record.header.last_seq, self._others_wrote)
        self._deadline = asyncio.get_running_loop().time() + parts.deadline_s
        try:
            outcome: Progress | Change = progress
            while isinstance(outcome, Progress):
                outcome = await self._guarded(record, outcome)
        finally:
            parts.hub.unwatch(lease.conversation_id)
        ended = await parts.store.end(lease, outcome, parts.lease_s)
        parts.paths.learn(lease.conversation_id, outcome, ended.frames[-1].seq)
        parts.hub.publish(lease.conversation_id, ended.frames)
        self.answered = self._follows(outcome)
        return ended.next

    def _follows(self, change: Change) -> Answered | None:
        completed = isinstance(end := change.events[-1], e.TurnEnd) and end.status == "completed"
        if not completed or self._ground is None or self._plan is None:
            return None
        ground = replace(self._ground, titled=self._titled)
        return Answered(ground=ground, plan=self._plan, answer=change.messages[-1])

    async def _progress(self, record: TurnRecord) -> Progress:
        store, conversation_id = self._parts.store, self._lease.conversation_id
        if record.status == "queued":
            after = None
            if record.queue.after_turn is not None:
                after = (await store.turn(conversation_id, record.queue.after_turn)).last_message_id
            return first_step(record, after, self._parts.now())
        frames = await store.read(conversation_id, record.seq, record.header.last_seq)
        self._hear(frames)
        own = since_start(record, frames)
        progress = next_attempt(record, own, self._parts.now(), self._parts.billing)
        if progress.shown is None or self._seen_seq is None:
            return progress
        seen = shown_by(own, record, self._seen_seq)
        return replace(progress, shown=replace(progress.shown, content=seen) if seen else None)

    # What others write into the log meanwhile

    def _others_wrote(self, after: int) -> None:
        task = asyncio.create_task(self._listen(after))
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    async def _listen(self, after: int) -> None:
        with suppress(StoreError):
            self._hear(await self._parts.store.read(self._lease.conversation_id, after))

    def _hear(self, frames: Sequence[Frame]) -> None:
        """Stop if these events ask for it."""
        for frame in frames:
            event = decode(frame) if frame.type == e.CancelRequest.type else None
            if isinstance(event, e.CancelRequest) and event.turn_id == self._lease.turn_id:
                self.cancel(event.seen_seq)

    # One step, or the tools after it

    async def _guarded(self, record: TurnRecord, progress: Progress) -> Progress | Change:
        """What is wrong with this program ends the turn, and is not tried again for ever."""
        try:
            return await self._next(record, progress)
        except (StoreError, Abandoned, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("turn_fault", turn_id=record.id)
            return self._ended(record, progress, "failed", endings.OURS)

    async def _next(self, record: TurnRecord, progress: Progress) -> Progress | Change:
        if self._seen_seq is not None:
            return self._ended(record, progress, "cancelled", None)
        if progress.shown is not None and record.queue.restart == "never":
            return self._ended(record, progress, "interrupted", LOST)
        if progress.asked is not None:
            return await self._use_tools(record, progress)
        if progress.step == STEPS_MAX:
            return self._ended(record, progress, "interrupted", endings.TOO_MANY_STEPS)
        step = self._begun or await self._start_step(record, progress)
        self._begun = None
        self._open = step if isinstance(step, Step) else None
        return await self._attempt(record, step) if isinstance(step, Step) else step

    def _ended(
        self, record: TurnRecord, progress: Progress, status: e.TurnStatus, error: e.Problem | None
    ) -> Change:
        """The end of a turn between two requests."""
        if progress.permissions or (progress.asked is not None and error is endings.FATE_UNKNOWN):
            progress = left_whole(progress, record.id, self._parts.now())
        shown = progress.shown
        if progress.asked is not None and (text := text_only(progress.asked.content)):
            shown = replace(progress.asked, content=text)
        if (step := self._open) is not None:  # announced, but never followed to its end
            lost = self._attempt_error(step, error or endings.STOPPED, charged=step.writing.sent)
            progress = replace(step.progress, events=(lost,))
        return endings.stopped(record.id, progress, shown, status, error, self._parts.now())

    async def _start_step(self, record: TurnRecord, progress: Progress) -> Step | Change:
        """Plan outside the transaction, then commit that a request goes out; or end, if none can."""
        try:
            ground = await survey(self._parts, record.queue, progress)
            header = await compacted(self._parts, ground, self._commit, self._bounded)
            if header is not None:
                ground = await survey(self._parts, record.queue, replace(progress, header=header))
            self._titled = self._titled or ground.titled
            step = await self._announce(await plan_step(self._parts, record.id, ground))
        except Stopped:
            return self._ended(record, progress, "cancelled", None)
        except OverBudget as error:
            return self._ended(record, progress, "over_budget", endings.problem_of(error))
        except (InputError, AnswerError) as error:
            return self._ended(record, progress, "failed", endings.problem_of(error))
        self._ground, self._plan = ground, step.plan
        self._parts.standings.note_sent(
            self._lease.conversation_id, self._parts.now(), ground.request.lifetime
        )
        return step

    async def _announce(self, planned: Planned) -> Step:
        """Where a budget does not cover the most that it could be, Claude's own count may fit."""
        try:
            frames = await self._commit(planned.change)
        except OverBudget:
            planned = await count_again(self._parts, planned)
            frames = await self._commit(planned.change)
        return planned.step(frames[-1].seq)

    async def _attempt(self, record: TurnRecord, step: Step) -> Progress | Change:
        try:
            await self._bounded(self._write(step))
        except AnswerError as error:
            return self._failed(record, step, endings.problem_of(error), charged=is_charged(error))
        except Stopped:
            return await self._cut(record, step)
        except (StoreError, Abandoned):
            raise
        except Exception:
            log.exception("turn_fault", turn_id=record.id)
            return self._failed(record, step, endings.OURS)
        end = step_end(step, self._parts.billing, self._parts.now())
        self._parts.standings.note_usage(step.plan.model, step.input_tokens, end.usage)
        match stop_of(end.stop_reason, step.writing.blocks, stop_details=end.stop_details):
            case Refused() as refusal:
                return endings.refused(step, end, refusal_sentence(refusal), self._parts.now())
            case UseTools() if step.plan.tools:
                asked = step.message(step.writing.blocks, end.model)
                await self._commit(Change(events=[*step.writing.take(), end], messages=[asked]))
                self._open = None
                return with_tools(step.progress, asked)
            case _:
                return endings.answered(step, end, self._parts.now())

    async def _write(self, step: Step) -> None:
        parts = self._parts
        await write_answer(parts.upstream, parts.flusher, self._lease, step.plan, step.writing)

    async def _use_tools(self, record: TurnRecord, progress: Progress) -> Progress | Change:
        parts = self._parts
        if fate_unknown(progress, parts.toolbox):
            return self._ended(record, progress, "interrupted", endings.FATE_UNKNOWN)
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
            outcome = await self._stoppable(uses.run())
        except Stopped:
            return self._ended(record, uses.left, "cancelled", None)
        if isinstance(outcome, Asking):
            await self._let_wait(outcome.change)
            return left_whole(outcome.progress, record.id, parts.now())
        return after_tools(progress, *outcome)

    async def _let_wait(self, change: Change) -> None:
        """Ask people, and leave the turn to whoever goes on with it when they have answered.

        It returns only if somebody has asked for the turn's end meanwhile; then nobody is asked.

        Raises:
            Waits. Abandoned, FenceLost, StoreUnavailable: nobody was asked.
        """
        store, conversation_id = self._parts.store, self._lease.conversation_id
        while self._seen_seq is None:
            if self._abandoned:
                raise Abandoned
            while frames := await store.read(conversation_id, self._read_to):
                self._hear(frames)
                self._read_to = frames[-1].seq
            if self._seen_seq is None:
                asked = await store.wait(self._lease, change, self._parts.approval_s, self._read_to)
                if asked is not None:
                    self._parts.hub.publish(conversation_id, asked)
                    raise Waits

    async def _bounded(self, request: Coroutine[Any, Any, T]) -> T:
        """Wait for a request, but not beyond the turn's deadline. Raises DeadlineExceeded, too."""
        try:
            return await self._stoppable(request, until=self._deadline)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"Claude did not finish within {self._parts.deadline_s:g} s. The answer was ended there; "
                "ask again."
            ) from error

    async def _stoppable(self, work: Coroutine[Any, Any, T], until: float | None = None) -> T:
        """Wait for work that `cancel` and `abandon` may stop. Raises Stopped, Abandoned, TimeoutError."""
        task: asyncio.Task[T] = asyncio.create_task(work)
        self._work = task
        if self._abandoned or self._seen_seq is not None:
            self._work.cancel()
        try:
            async with asyncio.timeout_at(until):
                return await task
        except asyncio.CancelledError:
            if self._lost:
                raise FenceLost("Another replica runs this turn now; this one stopped.") from None
            if self._abandoned:
                raise Abandoned from None
            if self._seen_seq is None:
                raise
            raise Stopped from None
        finally:
            self._work = None

    def _failed(self, record: TurnRecord, step: Step, problem: e.Problem, *, charged: bool = True) -> Change:
        error = self._attempt_error(step, problem, charged=charged)
        return endings.failed(step, error, keep_partial=record.queue.keep_partial, at=self._parts.now())

    async def _cut(self, record: TurnRecord, step: Step) -> Change:
        """What was committed and seen stays; what was not yet committed nobody has seen."""
        seen_seq = self._seen_seq or 0
        limit = max(1, seen_seq - step.first_seq + 1)
        frames = await self._parts.store.read(self._lease.conversation_id, step.first_seq - 1, limit)
        blocks = shown_by(frames, record, seen_seq)
        return endings.cut(
            step,
            self._attempt_error(step, endings.STOPPED, charged=step.writing.sent),
            blocks,
            self._parts.now(),
        )

    def _attempt_error(self, step: Step, problem: e.Problem, *, charged: bool) -> e.AttemptError:
        return attempt_error(step, self._parts.billing, self._parts.now(), problem, charged=charged)

    async def _commit(self, change: Change) -> Sequence[Frame]:
        frames = await self._parts.store.append(self._lease.conversation_id, change, self._lease)
        self._parts.paths.learn(self._lease.conversation_id, change, frames[-1].seq)
        self._parts.hub.publish(self._lease.conversation_id, frames)
        return frames
