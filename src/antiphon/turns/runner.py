"""One turn, from its lease to its end. Each durable write checks the fence; only a stream is ever stopped."""

import asyncio
from dataclasses import dataclass, replace

import structlog

from antiphon.clock import Clock, milliseconds
from antiphon.context.plan import Limits, Request, plan_request
from antiphon.domain import events as e
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.ids import new_id
from antiphon.errors import AnswerError, AntiphonError, DeadlineExceeded, NotFound, StoreError
from antiphon.model.stops import Refused, refusal_sentence, stop_of
from antiphon.model.upstream import Upstream
from antiphon.stores.base import Change, Lease, Store, TurnRecord
from antiphon.turns import endings
from antiphon.turns.attempt import Billing, attempt_error, step_end, write_answer
from antiphon.turns.endings import Step
from antiphon.turns.flusher import Flusher
from antiphon.turns.hub import Hub
from antiphon.turns.progress import Progress, first_step, next_attempt, shown_by
from antiphon.turns.writing import Writing

log = structlog.get_logger()


class Abandoned(Exception):
    """The turn is another's now, or will be: this replica writes nothing more of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What all turns of a replica share. `model` is the default, for conversations that name none."""

    store: Store
    upstream: Upstream
    hub: Hub
    flusher: Flusher
    billing: Billing
    clock: Clock
    limits: Limits
    model: str
    lease_s: float
    deadline_s: float


class TurnRunner:
    """Runs one turn under one lease. `cancel` and `abandon` may be called while it does."""

    def __init__(self, parts: Parts, lease: Lease, record: TurnRecord | None = None) -> None:
        """`record`, if it is known already, saves reading it."""
        self._parts = parts
        self._lease = lease
        self._record = record
        self._stream: asyncio.Task[None] | None = None
        self._seen_seq: int | None = None
        self._abandoned = False

    def cancel(self, seen_seq: int) -> None:
        """Stop the answer; what was seen up to `seen_seq` is kept, the greatest of all calls."""
        self._seen_seq = max(self._seen_seq or 0, seen_seq)
        if self._stream is not None:
            self._stream.cancel()

    def abandon(self) -> None:
        """Close the upstream request at once and write nothing more."""
        self._abandoned = True
        if self._stream is not None:
            self._stream.cancel()

    async def run(self) -> Lease | None:
        """Run to the end; returns the lease of the next queued turn, if one waits.

        Raises:
            FenceLost, StoreUnavailable, Abandoned: the lease will lapse, and whoever claims it goes on.
        """
        lease = self._lease
        record = self._record or await self._parts.store.turn(lease.conversation_id, lease.turn_id)
        change = await self._answer(record)
        ended = await self._parts.store.end(self._lease, change, self._parts.lease_s)
        self._parts.hub.publish(self._lease.conversation_id, ended.frames)
        return ended.next

    async def _answer(self, record: TurnRecord) -> Change:
        progress = await self._progress(record)
        if self._seen_seq is not None:
            return endings.stopped_before(record, progress, self._now())
        if progress.shown is not None and record.queue.restart == "never":
            return endings.given_up(record, progress, progress.shown, self._now())
        try:
            step = await self._start_step(record, progress)
        except (StoreError, NotFound):
            raise
        except AntiphonError as error:
            return endings.never_sent(record, progress, endings.problem_of(error), self._now())
        return await self._attempt(record, step)

    async def _progress(self, record: TurnRecord) -> Progress:
        store, conversation_id = self._parts.store, self._lease.conversation_id
        if record.status != "queued":
            frames = await store.read(conversation_id, record.seq, record.header.last_seq)
            return next_attempt(record, frames, self._now())
        after = None
        if record.queue.after_turn is not None:
            after = (await store.turn(conversation_id, record.queue.after_turn)).last_message_id
        return first_step(record, after, self._now())

    async def _start_step(self, record: TurnRecord, progress: Progress) -> Step:
        """Plan outside the transaction, then commit that a request goes out."""
        parts, header = self._parts, progress.header
        stored_to = progress.messages[0].parent_id if progress.messages else progress.reply_to
        path = await parts.store.path(header.id, stored_to)
        path += [PlacedMessage(seq=header.last_seq + 1, message=added) for added in progress.messages]
        request = Request(
            model=header.model or parts.model, options=record.queue.options, limits=parts.limits
        )
        parts.billing.table.get(request.model)
        plan = plan_request(header, path, request)
        start = e.StepStart(
            at=self._now(),
            step=progress.step,
            attempt=progress.attempt,
            message_id=new_id(),
            parent_id=progress.reply_to,
            model=plan.model,
        )
        change = Change(events=[*progress.events, start], messages=progress.messages)
        frames = await parts.store.append(header.id, change, self._lease)
        parts.hub.publish(header.id, frames)
        return Step(
            turn_id=record.id,
            progress=replace(progress, events=(), messages=()),
            message_id=start.message_id,
            plan=plan,
            writing=Writing(progress.step),
            first_seq=frames[-1].seq,
        )

    async def _attempt(self, record: TurnRecord, step: Step) -> Change:
        try:
            await self._write(step)
        except AnswerError as error:
            return self._failed(record, step, endings.problem_of(error))
        except asyncio.CancelledError:
            if self._abandoned or self._seen_seq is None:
                raise
            return await self._stopped(record, step, self._seen_seq)
        except (StoreError, Abandoned):
            raise
        except Exception:
            log.exception("turn_fault", turn_id=record.id)
            return self._failed(record, step, endings.OURS)
        end = step_end(step.writing, step.plan, self._parts.billing, step.progress.attempt, self._now())
        stop = stop_of(end.stop_reason, step.writing.blocks, stop_details=end.stop_details)
        if isinstance(stop, Refused):
            return endings.refused(step, end, refusal_sentence(stop), self._now())
        return endings.answered(step, end, self._now())

    async def _write(self, step: Step) -> None:
        """Stream the answer, as long as the deadline allows and nobody stops it."""
        parts = self._parts
        self._stream = asyncio.create_task(
            write_answer(parts.upstream, parts.flusher, self._lease, step.plan, step.writing)
        )
        if self._abandoned or self._seen_seq is not None:
            self._stream.cancel()
        try:
            async with asyncio.timeout(parts.deadline_s):
                await self._stream
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"Claude did not finish within {parts.deadline_s:g} s. The answer was ended there; ask again."
            ) from error
        finally:
            self._stream = None

    def _failed(self, record: TurnRecord, step: Step, problem: e.Problem) -> Change:
        error = self._attempt_error(step, problem)
        return endings.failed(step, error, keep_partial=record.queue.keep_partial, at=self._now())

    async def _stopped(self, record: TurnRecord, step: Step, seen_seq: int) -> Change:
        """What was committed and seen stays; what was not yet committed nobody has seen."""
        store, conversation_id = self._parts.store, self._lease.conversation_id
        limit = max(1, seen_seq - step.first_seq + 1)
        frames = await store.read(conversation_id, step.first_seq - 1, limit)
        blocks = shown_by(frames, record, seen_seq)
        error = self._attempt_error(step, endings.STOPPED)
        return endings.cut_short(step, error, blocks, "cancelled", self._now())

    def _attempt_error(self, step: Step, problem: e.Problem) -> e.AttemptError:
        billing, attempt = self._parts.billing, step.progress.attempt
        return attempt_error(step.writing, step.plan, billing, attempt, self._now(), problem)

    def _now(self) -> int:
        return milliseconds(self._parts.clock)
