"""The full history under several ways of marking it, replayed at once: its plan is the same under all."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from antiphon.context.breakpoints import with_breakpoints
from antiphon.context.plan import plan_request
from antiphon.domain.usage import Usage
from antiphon.money.pricing import Lifetime
from antiphon.money.table import ModelTable
from antiphon.simulator.tokens import output_tokens
from bench.cost.cache import StudyCache
from bench.cost.history import History, begun, body
from bench.cost.policies import Policy
from bench.cost.replay import SMALL
from bench.cost.workload import Conversation

Lifetimes: TypeAlias = Callable[[History], Lifetime | None]

NO_CACHE = "full history, no cache"
FULL_5M = "full history, 5 m cache"
FULL_1H = "full history, 1 h cache"
STICKY = "full history, sticky TTL"
MIN_CACHES = (512, 1024, 2048, 4096)


@dataclass
class Marked:
    """One way of marking, with a cache of its own; `spent` is what each request used."""

    lifetime: Lifetimes
    cache: StudyCache
    spent: list[tuple[str, Usage]] = field(default_factory=list)


@dataclass
class FullHistory:
    """The replays by name, and the history they share."""

    ways: dict[str, Marked]
    history: History


def full_5m(min_cache: int = 512, evicted: float = 0.0) -> str:
    """The name of full history with five minutes, in a cache with this minimum and early evictions."""
    least = "" if min_cache == MIN_CACHES[0] else f", from {min_cache} tokens"
    return FULL_5M + least + (f", {evicted:.0%} evicted early" if evicted else "")


def replay_full(conversation: Conversation, model: str, table: ModelTable) -> FullHistory:
    policy = Policy(table.get(model), table.get(SMALL))
    ways = _ways(conversation.number)
    history = begun(conversation, model, StudyCache(table.get(model).min_cache))
    for turn in conversation.turns:
        history.asks(turn)
        for step in turn.steps:
            answer = history.answer(step)
            history.asked_at = history.now
            bare = replace(policy.request(history), lifetime=None)
            plan = plan_request(history.header, history.path, bare)
            for way in ways.values():
                lifetime = way.lifetime(history)
                marked = with_breakpoints(plan, lifetime) if lifetime else plan
                accounted = way.cache.account(body(marked), history.now)
                way.spent.append((model, accounted.usage(output_tokens(answer))))
            history.request(plan, answer)
            history.answered(step, answer)
    return FullHistory(ways, history)


def _ways(seed: int) -> dict[str, Marked]:
    ways = {
        NO_CACHE: Marked(lambda _: None, StudyCache(MIN_CACHES[0])),
        FULL_1H: Marked(lambda _: "1h", StudyCache(MIN_CACHES[0])),
        STICKY: Marked(_from_the_first_loss, StudyCache(MIN_CACHES[0])),
    }
    for least in MIN_CACHES:
        ways[full_5m(least)] = Marked(lambda _: "5m", StudyCache(least))
    for evicted in (0.10, 0.25):
        cache = StudyCache(MIN_CACHES[0], evicted_early=evicted, seed=seed)
        ways[full_5m(evicted=evicted)] = Marked(lambda _: "5m", cache)
    return ways


def _from_the_first_loss(history: History) -> Lifetime:
    """An hour from the first pause on that lost the cache."""
    return "1h" if history.longest_pause > 300 else "5m"
