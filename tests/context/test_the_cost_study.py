"""What the figures of `docs/cost.md` rest on: replays, the cache's account, the optimum, the search."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from antiphon.context.compaction import TAIL_TOKENS
from antiphon.domain.conversations import PlacedMessage
from antiphon.money.table import load_facts
from antiphon.simulator.cache import PrefixCache
from bench.cost.cache import Accounted, StudyCache
from bench.cost.chart import Point, chart
from bench.cost.evidence import Searched, facts, in_reach, message
from bench.cost.fit import picodollars
from bench.cost.full import FULL_1H, FULL_5M, NO_CACHE, replay_full
from bench.cost.history import History, begun, body
from bench.cost.optimum import optimum, shape_of
from bench.cost.planning import long_path
from bench.cost.policies import DAY, Ours, OursAlive, OursOnPrefix, Policy, Window
from bench.cost.replay import SMALL, Setup, dollars, replay
from bench.cost.statistics import ratio
from bench.cost.workload import KINDS, Conversation, Kind, Traces, conversations

TABLE = load_facts()
MODEL = TABLE.get("claude-sonnet-5-5")
PRICES, SMALL_PRICES = MODEL.prices(DAY, 0), TABLE.get(SMALL).prices(DAY, 0)
TRACES = Traces()


def drawn(kind: Kind) -> Conversation:
    return conversations(TRACES, kind, "fit", 1, (40,))[0]


@pytest.mark.parametrize("kind", KINDS)
def test_reckoning_by_sizes_agrees_with_the_replay_of_real_requests(kind: Kind) -> None:
    full = replay_full(drawn(kind), MODEL.name, TABLE)
    reckoned = picodollars(shape_of(drawn(kind), TAIL_TOKENS), MODEL, SMALL_PRICES) / 1e12
    assert dollars(full.ways[FULL_5M].spent, TABLE) == pytest.approx(reckoned, rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_who_sends_no_pings_is_cheaper_than_the_optimum(kind: Kind) -> None:
    best = optimum(shape_of(drawn(kind), TAIL_TOKENS), PRICES, SMALL_PRICES)
    full = replay_full(drawn(kind), MODEL.name, TABLE)
    spent = {name: dollars(full.ways[name].spent, TABLE) for name in (NO_CACHE, FULL_5M, FULL_1H)}
    for policy in (Ours, OursOnPrefix, Window):
        spent[policy.name] = dollars(replay(drawn(kind), Setup(policy=policy), TABLE).spent, TABLE)
    assert all(cost >= best * 0.99 for cost in spent.values()), spent


def test_all_ways_send_the_same_prompt_and_pay_differently_for_it() -> None:
    full = replay_full(drawn("tools"), MODEL.name, TABLE)
    prompts = {name: [usage.total_input_tokens for _, usage in way.spent] for name, way in full.ways.items()}
    assert all(prompt == prompts[FULL_5M] for prompt in prompts.values())
    assert len({dollars(way.spent, TABLE) for way in full.ways.values()}) > 3


def test_the_cache_reads_what_was_written_as_long_as_it_lives() -> None:
    path = long_path(20)
    cache = StudyCache(MODEL.min_cache)
    asked = body(Policy(MODEL, TABLE.get(SMALL)).plan(_history(path)))
    first, second = cache.account(asked, 0.0), cache.account(asked, 299.0)
    third, late = cache.account(asked, 598.0), cache.account(asked, 898.0)
    assert (first.read, second.written_5m) == (0, 0)
    assert second.read == third.read == first.written_5m > 0
    assert late.read == 0


class Compared(StudyCache):
    """Asks the simulator's cache the same, and counts how often."""

    asked = 0

    def __init__(self, min_cache: int, *, evicted_early: float = 0.0, seed: int = 0) -> None:
        super().__init__(min_cache, evicted_early=evicted_early, seed=seed)
        self._exact = PrefixCache()

    def account(self, request: Mapping[str, Any], now: float) -> Accounted:
        ours, exact = super().account(request, now), self._exact.account(request, now)
        assert tuple(ours) == (exact.input_tokens, exact.read, exact.written_5m, exact.written_1h)
        Compared.asked += 1
        return ours


@pytest.mark.parametrize("kind", KINDS)
def test_the_cache_accounts_as_the_simulators_does(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same account, made faster: what a request shares with the last one is not hashed again."""
    monkeypatch.setattr("bench.cost.replay.StudyCache", Compared)
    monkeypatch.setattr(Compared, "asked", 0)
    for policy in (Policy, Ours, OursAlive, OursOnPrefix, Window):
        replay(drawn(kind), Setup(policy=policy), TABLE)
    assert Compared.asked >= 5 * len(drawn(kind).turns)


def _history(path: list[PlacedMessage]) -> History:
    history = begun(drawn("chat"), MODEL.name, StudyCache(MODEL.min_cache))
    history.path = path[:-1]
    return history


def test_a_fact_among_others_like_it_is_found_again() -> None:
    chance = random.Random(3)
    planted = facts(chance)
    raw = [message(chance, fact, 300) for fact in planted]
    assert len({fact.said for fact in planted}) == len(planted) == 200
    assert in_reach(planted[:40], "", raw) >= 0.82
    assert in_reach(planted[:40], "", None) == 0
    assert in_reach(planted[:40], " ".join(raw), None) == 1


def test_a_search_brings_no_more_than_its_budget() -> None:
    searched = Searched([f"The invoice of somebody, number {n}. " + "x" * 4000 for n in range(100)])
    found = list(searched.found("invoice number?"))
    searched.close()
    assert 1 < len(found) <= 8


def test_an_interval_holds_its_ratio_and_tells_nothing_where_all_agree() -> None:
    base = [1.0, 2.0, 3.0, 4.0]
    same = ratio([half / 2 for half in base], base, [0] * 4)
    assert (same.low, same.value, same.high) == (0.5, 0.5, 0.5)
    spread = ratio([1.0, 1.0, 3.0, 1.0], base, [0] * 4)
    assert spread.low < spread.value < spread.high


def test_the_chart_is_one_that_a_browser_can_draw() -> None:
    points = [Point("full", 1.0, 1.0, ours=False), Point("ours", 0.5, 0.97, ours=True)]
    root = ET.fromstring(chart(points, "Title"))
    assert root.tag.endswith("svg")
    assert len([each for each in root if each.tag.endswith("circle")]) == 2


def test_keeping_alive_is_paid_for_and_pays() -> None:
    """Somebody who comes back after seven minutes each time: pings cost less than what they save."""
    turns = tuple(replace(turn, pause_s=420.0) for turn in drawn("tools").turns)
    slow = Conversation("tools", 1, turns)
    still, lively = (replay(slow, Setup(policy=policy), TABLE) for policy in (Policy, OursAlive))
    assert len(lively.spent) > len(still.spent)
    assert dollars(lively.spent, TABLE) < dollars(still.spent, TABLE)
