"""How long the cache should live, and when a ping is worth its price."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from antiphon.context.compaction import CompactionLimits, Standing
from antiphon.context.estimate import TokenEstimates
from antiphon.context.gaps import Gaps, measured, usually_longer
from antiphon.context.lifetime import PINGS_MAX, Stakes, choose_lifetime, next_ping_s, ping_value
from antiphon.context.plan import Request
from antiphon.context.stakes import stakes_of
from antiphon.domain.messages import text_block
from antiphon.money.table import load_facts
from tests.context.histories import asks, header, placed

FACTS = load_facts().get("claude-sonnet-5-5")
SMALL = load_facts().get("claude-haiku-5-5").prices(date(2026, 11, 22), 0)
PRICES = FACTS.prices(date(2026, 11, 22), 0)

QUICK = measured([20.0] * 300)
SLOW = measured([900.0] * 300)
GONE = measured([90_000.0] * 300)


def stakes(prefix: int = 10_000, turn: int = 200) -> Stakes:
    return Stakes(prefix_tokens=prefix, turn_tokens=turn, prices=PRICES)


def test_who_writes_every_quarter_of_an_hour_gets_an_hour() -> None:
    assert choose_lifetime(SLOW, stakes()) == "1h"


def test_who_writes_at_once_gets_five_minutes() -> None:
    assert choose_lifetime(QUICK, stakes()) == "5m"


def test_who_comes_back_the_next_day_gets_five_minutes() -> None:
    assert choose_lifetime(GONE, stakes()) == "5m"


def test_what_is_short_is_not_worth_an_hour() -> None:
    assert choose_lifetime(SLOW, stakes(prefix=100)) == "5m"


def test_a_ping_is_worth_it_where_somebody_is_likely_to_come_back() -> None:
    assert next_ping_s(SLOW, stakes()) is not None
    assert next_ping_s(GONE, stakes()) is None


def test_pings_end() -> None:
    assert next_ping_s(SLOW, stakes(), pinged=PINGS_MAX) is None


def test_a_prefix_that_would_be_cut_is_not_worth_more_than_the_cut() -> None:
    cheap = Stakes(prefix_tokens=10_000, turn_tokens=200, prices=PRICES, lost=PRICES.read * 10_001.0)
    assert ping_value(SLOW, cheap, 280) == 0
    assert choose_lifetime(SLOW, cheap) == "5m"


@given(st.lists(st.floats(0.1, 1e6), max_size=50), st.integers(0, 200_000), st.floats(1, 7200))
def test_the_best_pings_are_never_worth_less_than_none(pauses: list[float], prefix: int, idle: float) -> None:
    assert ping_value(measured(pauses), stakes(prefix), idle) >= 0


@given(st.lists(st.floats(0.1, 1e6), max_size=50), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_longer_pause_is_never_likelier(pauses: list[float], one: float, other: float) -> None:
    gaps, (short, long) = measured(pauses), sorted([one, other])
    assert 0 <= gaps.longer(long) <= gaps.longer(short) <= 1
    assert 0 <= gaps.ends_within(short, long) <= 1


def test_what_was_measured_outweighs_what_is_usual() -> None:
    assert Gaps().longer(300) == usually_longer(300) < 0.01
    assert measured([600.0] * 2000, newest=2000).longer(300) > 0.8


def test_only_the_newest_pauses_count() -> None:
    assert measured([*[900.0] * 500, *[10.0] * 200]).longer(300) < 0.01


def test_a_conversation_has_at_stake_what_it_sends_and_one_too_short_for_the_cache_has_nothing() -> None:
    def at_stake(words: int) -> Stakes:
        path = [asks("x" * words, 1), placed(2, "assistant", text_block("y" * words)), asks(seq=3)]
        standing = Standing(path=path)
        request = Request(model=FACTS.name, facts=FACTS)
        limits = CompactionLimits(cold=8_000, warm=10_000)
        return stakes_of(
            header(),
            request,
            standing,
            TokenEstimates(),
            prices=PRICES,
            small=SMALL,
            turns=2,
            limits=limits,
        )

    assert at_stake(100).prefix_tokens == 0
    assert at_stake(10_000).prefix_tokens > 5_000
    assert at_stake(10_000).lost is None
    long = at_stake(100_000)
    assert long.lost is not None
    assert long.lost < long.prefix_tokens * PRICES.write_5m
