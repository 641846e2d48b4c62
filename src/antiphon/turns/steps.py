"""The requests of one turn: each is planned, announced, sent, and read to its end; and what follows then."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

import structlog

from antiphon.domain import events as e
from antiphon.domain.messages import Message
from antiphon.domain.plans import RequestPlan
from antiphon.domain.problems import problem_of
from antiphon.errors import AnswerError, InputError, OverBudget, StoreError, UpstreamResting
from antiphon.model.retry import Again, Elsewhere, GiveUp, Room, Verdict, help_for, verdict_on
from antiphon.model.stops import CutShort, Empty, Paused, Refused, Stop, UseTools, stop_of
from antiphon.stores.base import Change, Lease, TurnRecord
from antiphon.stores.frames import Frame
from antiphon.turns import endings
from antiphon.turns.attempt import attempt_error, is_charged, step_end, write_answer
from antiphon.turns.compacting import compacted
from antiphon.turns.endings import Step
from antiphon.turns.ground import Ground, model_of, survey
from antiphon.turns.interruption import Abandoned, Interruption, Stopped
from antiphon.turns.outgoing import Outgoing
from antiphon.turns.parts import Parts
from antiphon.turns.patience import fitting
from antiphon.turns.planning import Begun, Planned, count_again, plan_step
from antiphon.turns.progress import (
    Progress,
    answered_by,
    failed_once,
    going_on,
    once_more,
    shown_by,
    text_only,
    with_tools,
)
from antiphon.turns.tool_use import left_whole
from antiphon.turns.tries import PAUSES_MAX

log = structlog.get_logger()


class Steps:
    """Of one turn, under one lease."""

    def __init__(
        self,
        parts: Parts,
        lease: Lease,
        record: TurnRecord,
        interruption: Interruption,
        begun: Begun | None = None,
    ) -> None:
        """`begun`: the first one, if it was committed with the turn's acceptance."""
        self._parts = parts
        self._lease = lease
        self._record = record
        self._interruption = interruption
        self._begun = begun
        self._open = begun.step if begun else None
        """The attempt that the ledger holds money for and that has not been settled."""
        self.ground: Ground | None = begun.ground if begun else None
        """What the newest request stood on."""
        self.plan: RequestPlan | None = begun.step.plan if begun else None
        self._titled = begun.ground.titled if begun else False

    @property
    def titled(self) -> bool:
        """Whether the conversation got its first words as its title by this turn."""
        return self._titled

    async def next(self, progress: Progress) -> Progress | Change:
        """One request and what comes of it. Raises StoreError, Abandoned."""
        begun, self._begun = self._begun, None
        if begun is not None:
            return await self._attempt(begun.step, begun.request)
        step = await self._start(progress)
        if not isinstance(step, Step):
            return step
        self._open = step
        return await self._attempt(step, Outgoing(self._parts.upstream, self._parts.flusher, step.plan))

    def end(
        self, progress: Progress, status: e.TurnStatus, error: e.Problem | None, kept: str = ""
    ) -> Change:
        """The end of the turn between two requests. `kept` is the error's sentence if something stays."""
        if progress.permissions or (progress.asked is not None and error is endings.FATE_UNKNOWN):
            progress = left_whole(progress, self._record.id, self._parts.now())
        shown = None if status == "failed" and not self._record.queue.keep_partial else progress.shown
        if progress.asked is not None and (text := text_only(progress.asked.content)):
            shown = replace(progress.asked, content=text)
        if (step := self._open) is not None:  # announced, but never followed to its end
            lost = self._error(step, error or endings.STOPPED, charged=step.writing.sent)
            progress = replace(step.progress, events=(lost,))
        return endings.stopped(self._record.id, progress, shown, status, error, self._parts.now(), kept=kept)

    # Before a request

    async def _start(self, progress: Progress) -> Step | Progress | Change:
        """Plan outside the transaction, then commit that a request goes out; or end, if none can."""
        try:
            return await self._planned(progress)
        except Stopped:
            return progress
        except OverBudget as error:
            return self.end(progress, "over_budget", problem_of(error))
        except InputError as error:
            return self.end(progress, "failed", problem_of(error))
        except AnswerError as error:
            model = model_of(self._parts, progress)
            verdict = self._verdict(progress, error, model)
            if isinstance(verdict, GiveUp):
                return self.end(progress, "failed", problem_of(error), error.kept)
            counted = progress if isinstance(error, UpstreamResting) else failed_once(progress)
            return await self._another(counted, verdict, model, error.name)

    async def _planned(self, progress: Progress) -> Step:
        self._interruption.require_time()
        self._require_awake(model_of(self._parts, progress))
        ground = await survey(self._parts, self._record.queue, progress)
        header = await compacted(self._parts, ground, self.commit, self._interruption.bounded)
        if header is not None:
            ground = await survey(self._parts, self._record.queue, replace(progress, header=header))
        self._titled = self._titled or ground.titled
        planned = await plan_step(self._parts, self._record.id, ground)
        self._interruption.require_time()  # what is announced is charged, even if it never goes out
        step = await self._announce(planned)
        self.ground, self.plan = ground, step.plan
        if progress.tries.model is None:  # another model's cache is another one
            lifetime = ground.request.lifetime
            self._parts.standings.note_sent(self._lease.conversation_id, self._parts.now(), lifetime)
        return step

    def _require_awake(self, model: str) -> None:
        """Raises UpstreamResting: it failed too often in a row to be asked now."""
        if rest_s := self._parts.breaker.rest_s(model):
            raise UpstreamResting(
                "Claude failed too often in a row, and is left alone for a moment. Your message was not "
                f"answered and the conversation is unchanged; send it again in {rest_s:.0f} seconds.",
                kept="Claude failed too often in a row, and is left alone for a moment. What there is of the "
                f"answer is kept; ask for the rest in {rest_s:.0f} seconds.",
                retry_after=rest_s,
                sent=False,
            )

    async def _announce(self, planned: Planned) -> Step:
        """Where a budget does not cover the most that it could be, Claude's own count may fit."""
        try:
            frames = await self.commit(planned.change)
        except OverBudget:
            planned = await count_again(self._parts, planned)
            frames = await self.commit(planned.change)
        return planned.step(frames[-1].seq)

    # The request

    async def _attempt(self, step: Step, request: Outgoing) -> Progress | Change:
        parts = self._parts
        try:
            await self._interruption.bounded(write_answer(request, parts.flusher, self._lease, step.writing))
        except AnswerError as error:
            return await self._after_failure(step, error)
        except Stopped:
            return await self._cut(step)
        except (StoreError, Abandoned):
            raise
        except Exception:
            log.exception("turn_fault", turn_id=self._record.id)
            return self._failed(step, endings.OURS, charged=True)
        parts.breaker.answered(step.plan.model)
        end = step_end(step, parts.billing, parts.now())
        parts.standings.note_usage(step.plan.model, step.input_tokens, end.usage)
        return await self._after_answer(step, end)

    async def _after_answer(self, step: Step, end: e.StepEnd) -> Progress | Change:
        stop = stop_of(end.stop_reason, step.writing.blocks, stop_details=end.stop_details)
        following = await self._goes_on(step, end, stop)
        return endings.ended_by(stop, step, end, self._parts.now()) if following is None else following

    async def _goes_on(self, step: Step, end: e.StepEnd, stop: Stop) -> Progress | None:
        """None where this is the turn's end."""
        tries = step.progress.tries
        match stop:
            case UseTools() if step.plan.tools:
                return with_tools(step.progress, await self._said(step, end))
            case Paused() if tries.pauses < PAUSES_MAX:
                return going_on(step.progress, await self._said(step, end), end.stop_reason)
            case Empty() if not tries.nudged:
                return going_on(step.progress, await self._said(step, end), end.stop_reason)
            case CutShort(limit="context_window") if not tries.shortened and self._takes_back(step):
                return await self._shortened(step, end)
            case Refused():
                return await self._declined(step, end)
            case _:
                return None

    async def _said(self, step: Step, end: e.StepEnd) -> Message:
        """A step is complete, and its turn goes on."""
        said = step.message(step.writing.blocks, end.model)
        await self.commit(Change(events=[*step.writing.take(), end], messages=[said]))
        self._open = None
        return said

    async def _shortened(self, step: Step, end: e.StepEnd) -> Progress | None:
        """The window was full: the same step with less before it. None if nothing can be left out."""
        if self.ground is None:
            return None
        try:
            header = await compacted(
                self._parts, self.ground, self.commit, self._interruption.bounded, forced=True
            )
        except (Stopped, AnswerError):
            return None
        if header is None:
            return None
        await self.commit(Change(events=[*step.writing.take(), end]))
        self._open = None
        return once_more(replace(step.progress, header=header), end.stop_reason)

    async def _declined(self, step: Step, end: e.StepEnd) -> Progress | None:
        """The next model may answer what this one does not; the same one declines again."""
        model, progress = step.plan.model, failed_once(step.progress)
        others = self._others(progress, model, step.input_tokens)
        spent = progress.tries.failures >= self._parts.patience.attempts
        if spent or not others or not self._takes_back(step):
            return None
        await self.commit(Change(events=[*step.writing.take(), end]))
        self._open = None
        following = replace(progress, attempt=progress.attempt + 1)
        return await self._another(following, Elsewhere(), model, "refusal", step.input_tokens)

    async def _after_failure(self, step: Step, error: AnswerError) -> Progress | Change:
        """What failed is settled and told before anything else is tried."""
        model = step.plan.model
        if help_for(error) == "again":
            self._parts.breaker.failed(model)
        verdict = self._verdict(step.progress, error, model, step.input_tokens)
        charged = is_charged(error)
        if isinstance(verdict, GiveUp) or not self._takes_back(step):
            return self._failed(step, problem_of(error), charged=charged, kept=error.kept)
        await self.commit(Change(events=[self._error(step, problem_of(error), charged=charged)]))
        self._open = None
        text = text_only(step.writing.blocks) if step.writing.shown else ()
        progress = replace(
            failed_once(step.progress),
            attempt=step.progress.attempt + 1,
            shown=step.message(text, model) if text else None,
        )
        return await self._another(progress, verdict, model, error.name, step.input_tokens)

    def _takes_back(self, step: Step) -> bool:
        """Whether what was shown of this attempt may be shown anew."""
        return self._record.queue.restart == "allowed" or not step.writing.shown

    def _others(self, progress: Progress, asked: str, input_tokens: int = 0) -> tuple[str, ...]:
        """The models of the chain that may be asked after this one."""
        own = model_of(self._parts, replace(progress, tries=replace(progress.tries, model=None)))
        return fitting(self._parts.patience.after(own, asked), self._parts.billing.table, input_tokens)

    def _verdict(self, progress: Progress, error: AnswerError, asked: str, input_tokens: int = 0) -> Verdict:
        """On a failure that is not among those that `progress` knows."""
        tried = failed_once(progress).tries if not isinstance(error, UpstreamResting) else progress.tries
        room = Room(
            failures=tried.failures,
            attempts=self._parts.patience.attempts - tried.failures,
            models=len(self._others(progress, asked, input_tokens)),
            seconds=self._interruption.left_s,
        )
        return verdict_on(error, room, self._parts.patience.chance())

    async def _another(
        self, progress: Progress, verdict: Again | Elsewhere, asked: str, reason: str, input_tokens: int = 0
    ) -> Progress:
        """Wait, or turn to the next model."""
        match verdict:
            case Again(wait_s):
                with suppress(Stopped):  # where the turn stands is enough to end it
                    await self._interruption.stoppable(self._rest(wait_s))
                return progress
            case Elsewhere():
                other = self._others(progress, asked, input_tokens)[0]
                return answered_by(progress, asked, other, reason, self._parts.now())
            case never:
                assert_never(never)

    async def _rest(self, seconds: float) -> None:
        await self._parts.sleep(seconds)

    # The end of an attempt that was not complete

    def _failed(self, step: Step, problem: e.Problem, *, charged: bool, kept: str = "") -> Change:
        error = self._error(step, problem, charged=charged)
        keep_partial = self._record.queue.keep_partial
        return endings.failed(step, error, keep_partial=keep_partial, at=self._parts.now(), kept=kept)

    async def _cut(self, step: Step) -> Change:
        """What was committed and seen stays; what was not yet committed nobody has seen."""
        seen_seq = self._interruption.seen_seq or 0
        limit = max(1, seen_seq - step.first_seq + 1)
        frames = await self._parts.store.read(self._lease.conversation_id, step.first_seq - 1, limit)
        blocks = shown_by(frames, self._record, seen_seq)
        error = self._error(step, endings.STOPPED, charged=step.writing.sent)
        return endings.cut(step, error, blocks, self._parts.now())

    def _error(self, step: Step, problem: e.Problem, *, charged: bool) -> e.AttemptError:
        return attempt_error(step, self._parts.billing, self._parts.now(), problem, charged=charged)

    async def commit(self, change: Change) -> Sequence[Frame]:
        frames = await self._parts.store.append(self._lease.conversation_id, change, self._lease)
        self._parts.paths.learn(self._lease.conversation_id, change, frames[-1].seq)
        self._parts.hub.publish(self._lease.conversation_id, frames)
        return frames
