"""The work of the study in pieces that run side by side; each returns plain figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from antiphon.context.compaction import limits_of
from antiphon.money.table import ModelTable, load_facts
from bench.cost.cache import StudyCache
from bench.cost.evidence import Fact, facts, in_reach, message, sent_text
from bench.cost.full import FULL_5M, MIN_CACHES, full_5m, replay_full
from bench.cost.history import begun
from bench.cost.optimum import optimum, shape_of
from bench.cost.policies import (
    DAY,
    At150k,
    EveryTurn,
    Ours,
    OursAlive,
    OursOnPrefix,
    Policy,
    Window,
)
from bench.cost.replay import SMALL, Setup, dollars, replay
from bench.cost.words import Words
from bench.cost.workload import Conversation

MODEL = "claude-sonnet-5-5"
OPTIMUM = "offline optimum"
SHORTENED: tuple[type[Policy], ...] = (Window, EveryTurn, Ours, OursAlive, OursOnPrefix)
EVICTED: tuple[type[Policy], ...] = (Ours, OursAlive)
AT = 150_000


@dataclass(frozen=True, slots=True)
class Costs:
    """Dollars of one conversation by policy."""

    kind: str
    turns: int
    dollars: Mapping[str, float]


@cache
def table() -> ModelTable:
    return load_facts()


def full_costs(conversation: Conversation) -> Costs:
    """The policies that send everything, and what is reckoned from the same replay."""
    known = table()
    facts_, small = known.get(MODEL), known.get(SMALL)
    full = replay_full(conversation, MODEL, known)
    found = {name: dollars(way.spent, known) for name, way in full.ways.items()}
    shape = shape_of(conversation, limits_of(facts_).tail)
    found[OPTIMUM] = optimum(shape, facts_.prices(DAY, 0), small.prices(DAY, 0))
    longest = max(usage.total_input_tokens for _, usage in full.history.spent)
    if longest > AT:
        found[At150k.name] = dollars(replay(conversation, Setup(policy=At150k), known).spent, known)
    else:
        found[At150k.name] = found[FULL_5M]
    return Costs(conversation.kind, len(conversation.turns), found)


def shortened_costs(conversation: Conversation) -> Costs:
    """The policies that send less; those of the package also where entries are lost early."""
    known = table()
    setups = {policy.name: Setup(policy=policy) for policy in SHORTENED}
    for policy in EVICTED:
        for evicted in (0.10, 0.25):
            name = f"{policy.name}, {evicted:.0%} evicted early"
            setups[name] = Setup(policy=policy, evicted_early=evicted)
    found = {name: dollars(replay(conversation, setup, known).spent, known) for name, setup in setups.items()}
    return Costs(conversation.kind, len(conversation.turns), found)


def full_by_model(conversation: Conversation) -> dict[str, float]:
    """Full history with five minutes, in dollars by model."""
    known = table()
    full = replay_full(conversation, MODEL, known)
    return {
        name: dollars([(name, usage) for _, usage in full.ways[_way(known, name)].spent], known)
        for name in known.names()
    }


def _way(known: ModelTable, name: str) -> str:
    return full_5m(next(least for least in MIN_CACHES if least >= known.get(name).min_cache))


def ours_by_model(conversation: Conversation, model: str) -> dict[str, float]:
    known = table()
    return {
        policy.name: dollars(replay(conversation, Setup(policy=policy, model=model), known).spent, known)
        for policy in (Ours, OursAlive)
    }


class _Planted(Words):
    """Messages in which facts are told, at most one in each of a person's, from first to last."""

    def __init__(self, seed: str, planted: list[Fact], turns: int) -> None:
        super().__init__(seed)
        self._chance = Random(seed)
        step = turns / len(planted)
        self._told = {int(number * step): fact for number, fact in enumerate(planted)}
        self._asked = 0

    def asked(self, characters: int) -> str:
        fact = self._told.get(self._asked)
        self._asked += 1
        return message(self._chance, fact, characters)

    def said(self, characters: int) -> str:
        return message(self._chance, None, characters)


def evidence(conversation: Conversation, policy_type: type[Policy]) -> float:
    """The share of the facts told in this conversation that are in reach when it ends."""
    known = table()
    planted = facts(Random(conversation.number))[: len(conversation.turns)]
    words = _Planted(f"evidence {conversation.number}", planted, len(conversation.turns))
    model = known.get(MODEL)
    policy = policy_type(model, known.get(SMALL))
    history = begun(conversation, MODEL, StudyCache(model.min_cache), words)
    for turn in conversation.turns:
        history.asks(turn)
        policy.turn_begins(history)
        plan = policy.plan(history)
        for step in turn.steps:
            answer = history.answer(step)
            history.request(plan, answer)
            history.answered(step, answer)
    raw = [sent_text([{"content": list(p.message.content)}]) for p in history.path]
    return in_reach(planted, sent_text(plan.messages), raw if policy.searchable else None)


def look_up_dollars(context_tokens: int, found: int) -> float:
    """One use of `search_history` in a conversation of this size: a further request, and what was found."""
    prices = table().get(MODEL).prices(DAY, 0)
    asking = 40 * prices.output
    picodollars = context_tokens * prices.read + asking + found * prices.write_5m
    return picodollars / 1e12
