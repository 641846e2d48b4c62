"""From where a turn stands to the request that it makes next, and the events that announce it."""

from contextlib import suppress
from dataclasses import dataclass, replace

from antiphon.context.compaction import Nothing
from antiphon.context.estimate import plan_tokens
from antiphon.context.plan import plan_request
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_id
from antiphon.domain.plans import RequestPlan
from antiphon.errors import OverBudget
from antiphon.stores.base import Acceptance, Change, TurnRecord
from antiphon.turns.endings import Step
from antiphon.turns.ground import Ground, compaction_due, survey
from antiphon.turns.outgoing import Outgoing
from antiphon.turns.parts import Parts
from antiphon.turns.progress import Progress, first_step
from antiphon.turns.writing import Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A request that goes out once `change`, whose last event is its `step_start`, is committed."""

    turn_id: str
    ground: Ground
    plan: RequestPlan
    change: Change
    start: e.StepStart

    def step(self, first_seq: int) -> Step:
        """`first_seq`: the seq that `step_start` was given."""
        progress = self.ground.progress
        return Step(
            turn_id=self.turn_id,
            progress=replace(progress, events=(), messages=(), shown=None),
            message_id=self.start.message_id,
            plan=self.plan,
            writing=Writing(progress.step),
            first_seq=first_seq,
            held_nanodollars=self.start.held_nanodollars,
            input_tokens=self.start.input_tokens,
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """A step that was committed with its turn's acceptance, and whose request is on its way."""

    step: Step
    ground: Ground
    request: Outgoing

    @property
    def progress(self) -> Progress:
        return self.step.progress


async def plan_step(parts: Parts, turn_id: str, ground: Ground) -> Planned:
    """Raises InputError: there is no valid request to make. OverBudget, AnswerError."""
    plan = plan_request(ground.progress.header, ground.path, ground.request, ground.compaction)
    estimated = plan_tokens(plan)
    most = ground.billing.most_tokens(plan, estimated)
    if most is not None:
        with suppress(OverBudget):  # a single request may not be that dear: a count may show that it is not
            return _announced(parts, turn_id, ground, plan, estimated, most)
    counted = await parts.upstream.count_tokens(plan)
    return _announced(parts, turn_id, ground, plan, estimated, counted)


async def count_again(parts: Parts, planned: Planned) -> Planned:
    """The same request, held at what Claude counts: less than its bytes. Raises OverBudget, AnswerError."""
    counted = await parts.upstream.count_tokens(planned.plan)
    estimated = planned.start.input_tokens
    return _announced(parts, planned.turn_id, planned.ground, planned.plan, estimated, counted)


def _announced(
    parts: Parts, turn_id: str, ground: Ground, plan: RequestPlan, estimated: int, most: int
) -> Planned:
    """`most`: the input tokens that the request is held at."""
    at, progress = parts.now(), ground.progress
    held = ground.billing.held(plan, most, at)
    start = e.StepStart(
        at=at,
        step=progress.step,
        attempt=progress.attempt,
        message_id=new_id(),
        parent_id=progress.reply_to,
        model=plan.model,
        held_nanodollars=held,
        input_tokens=estimated,
    )
    change = Change(
        events=[*progress.events, start],
        messages=progress.messages,
        hold=ground.billing.hold(progress.header, held, at),
    )
    return Planned(turn_id=turn_id, ground=ground, plan=plan, change=change, start=start)


async def plan_start(parts: Parts, acceptance: Acceptance, header: Header) -> Planned | None:
    """How a turn begins if it is accepted by the conversation as `header` has it; None if it has to wait.

    Raises what `survey` and `plan_step` do.
    """
    if header.running is not None or acceptance.queue.after_turn is not None:
        return None
    record = record_of(acceptance, header, seq=header.last_seq + (2 if acceptance.message else 1))
    ground = await survey(parts, record.queue, first_step(record, None, parts.now()))
    if not parts.breaker.works(ground.request.model) or not isinstance(
        compaction_due(parts, ground), Nothing
    ):
        return None
    return await plan_step(parts, record.id, ground)


def record_of(acceptance: Acceptance, header: Header, seq: int) -> TurnRecord:
    """What the store says of a turn that was just accepted, with its `turn_queue` at `seq`."""
    return TurnRecord(
        id=acceptance.queue.turn_id,
        status="queued",
        seq=seq,
        header=replace(header, last_seq=max(header.last_seq, seq)),
        queue=acceptance.queue,
        message=acceptance.message,
    )
