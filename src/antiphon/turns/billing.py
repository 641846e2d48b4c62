"""What requests cost, and what is held for them before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import msgspec

from antiphon.context.counting import most_tokens
from antiphon.domain.conversations import Header
from antiphon.domain.events import TurnQueue
from antiphon.domain.messages import Block
from antiphon.domain.plans import RequestPlan
from antiphon.domain.usage import Usage
from antiphon.money.assumptions import assumed_nanodollars
from antiphon.money.budgets import Budget, Hold, Limit, check_request, limits_of
from antiphon.money.pricing import (
    RequestCost,
    bound_nanodollars,
    cost_nanodollars,
    dearest_multiplier,
    request_cost,
)
from antiphon.money.table import ModelTable
from antiphon.turns.writing import Writing

BYTES_PER_TOKEN = 4
"""Of what was written, for an estimate of what it cost."""


@dataclass(frozen=True, slots=True)
class Billing:
    """Costs by the models' prices of the day, and the budgets in force."""

    table: ModelTable
    budgets: Sequence[Budget] = ()

    def of_turn(self, queue: TurnQueue) -> "Billing":
        """With the budget that this turn brings along."""
        own = budgets_of(queue)
        return replace(self, budgets=(*self.budgets, *own)) if own else self

    def cost(self, plan: RequestPlan, writing: Writing, at: int, stop_reason: str | None) -> RequestCost:
        return request_cost(writing.usage, plan.model, self.table, at=_day(at), stop_reason=stop_reason)

    def most_tokens(self, plan: RequestPlan, estimated: int) -> int | None:
        """What its input is reckoned at before anybody counts it: under a budget the most that it can be,
        else the estimate. None: nothing but a count bounds it.
        """
        return most_tokens(plan) if self.budgets else estimated

    def held(self, plan: RequestPlan, tokens: int, at: int) -> int:
        """The most that a request with so much input can cost, in nano-dollars, with what Claude's own tools
        are assumed to add.
        """
        facts, day = self.table.get(plan.model), _day(at)
        fast, geo = plan.options.get("speed") == "fast", plan.options.get("inference_geo")
        bound = bound_nanodollars(facts, tokens, plan.max_tokens, day, fast=fast, geo=geo)
        if not plan.tools:
            return bound
        multiplier = dearest_multiplier(facts.terms, fast=fast, geo=geo)
        return bound + assumed_nanodollars(facts, plan.tools, tokens, day, multiplier)

    def hold(self, header: Header, held: int, at: int) -> Hold | None:
        """Where it is held. Raises OverBudget: a budget of single requests is too small for it."""
        check_request(self.budgets, held)
        limits = self.limits(header.principal, header.id, at)
        return Hold(nanodollars=held, limits=limits) if limits else None

    def limits(self, principal: str, conversation_id: str, at: int) -> tuple[Limit, ...]:
        return limits_of(self.budgets, principal=principal, conversation_id=conversation_id, at=at)

    def estimate(self, model: str, input_tokens: int, usage: Usage, content: Sequence[Block], at: int) -> int:
        """What a request probably cost whose usage never came: by what was reported of it, by the estimate of
        its input where nothing was, and by what was written.
        """
        written = len(msgspec.json.encode(content)) // BYTES_PER_TOKEN if content else 0
        seen = replace(usage, output_tokens=max(usage.output_tokens, written))
        if not seen.total_input_tokens:
            seen = replace(seen, input_tokens=input_tokens)
        return cost_nanodollars(seen, self.table.get(model), at=_day(at))


def budgets_of(queue: TurnQueue) -> tuple[Budget, ...]:
    """The budget that a turn brings along, if it does."""
    most = queue.budget_nanodollars
    return () if most is None else (Budget(scope="conversation", nanodollars=most),)


def prices_of(cost: RequestCost) -> dict[str, str]:
    """The snapshot for the ledger."""
    prices = cost.prices
    named = {
        "input": prices.input,
        "output": prices.output,
        "write_5m": prices.write_5m,
        "write_1h": prices.write_1h,
        "read": prices.read,
    }
    return {**{name: str(price) for name, price in named.items()}, "multiplier": str(cost.multiplier)}


def _day(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).date()
