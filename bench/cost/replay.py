"""One conversation under one policy, from its first turn to its last."""

from collections.abc import Iterable
from dataclasses import dataclass

from antiphon.domain.usage import Usage
from antiphon.money.pricing import cost_nanodollars
from antiphon.money.table import ModelTable
from bench.cost.cache import StudyCache
from bench.cost.history import History, begun
from bench.cost.policies import DAY, Policy
from bench.cost.workload import Conversation

SMALL = "claude-haiku-5-5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A policy for one model."""

    policy: type[Policy]
    model: str = "claude-sonnet-5-5"
    evicted_early: float = 0.0


def replay(
    conversation: Conversation, setup: Setup, table: ModelTable, policy: Policy | None = None
) -> History:
    """All requests of the conversation; `policy`, if given, is used as it is."""
    facts = table.get(setup.model)
    policy = policy or setup.policy(facts, table.get(SMALL))
    cache = StudyCache(facts.min_cache, evicted_early=setup.evicted_early, seed=conversation.number)
    history = begun(conversation, setup.model, cache)
    for turn in conversation.turns:
        policy.pause(history, turn)
        history.asks(turn)
        policy.turn_begins(history)
        for step in turn.steps:
            answer = history.answer(step)
            history.asked_at = history.now
            history.request(policy.plan(history), answer)
            history.answered(step, answer)
    return history


def dollars(spent: Iterable[tuple[str, Usage]], table: ModelTable) -> float:
    return sum(cost_nanodollars(usage, table.get(model), at=DAY) for model, usage in spent) / 1e9
