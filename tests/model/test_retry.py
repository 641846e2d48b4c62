"""What follows a failed attempt, by the policy alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import (
    AnswerError,
    DeadlineExceeded,
    SpendLimitReached,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamResting,
)
from antiphon.model.breaker import FAILURES, LONGEST_REST_S, REST_S, Breaker
from antiphon.model.retry import Again, Elsewhere, GiveUp, Room, backoff_s, help_for, verdict_on


def error(kind: type[AnswerError], **facts: Any) -> AnswerError:
    return kind("It failed.", **facts)


def room(*, failures: int = 1, attempts: int = 2, models: int = 0, seconds: float = 100.0) -> Room:
    return Room(failures=failures, attempts=attempts, models=models, seconds=seconds)


@pytest.mark.parametrize(
    ("failed", "helps"),
    [
        (error(UpstreamBusy, status=429), "again"),
        (error(UpstreamBusy, status=529), "again"),
        (error(UpstreamFailed, status=500), "again"),
        (error(UpstreamFailed), "again"),
        (error(UpstreamFailed, should_retry=False), "elsewhere"),
        (error(UpstreamRejected, status=400), "nothing"),
        (error(UpstreamRejected, status=400, should_retry=True), "again"),
        (error(UpstreamRejected, status=404), "elsewhere"),
        (error(UpstreamRejected, status=413), "nothing"),
        (error(UpstreamAuth, status=401), "nothing"),
        (error(UpstreamAuth, status=403), "elsewhere"),
        (error(SpendLimitReached, status=429, should_retry=True), "nothing"),
        (error(UpstreamResting), "elsewhere"),
        (error(DeadlineExceeded), "nothing"),
    ],
    ids=repr,
)
def test_each_failure_has_its_help(failed: AnswerError, helps: str) -> None:
    assert help_for(failed) == helps


def test_a_wait_is_as_long_as_it_is_asked_for_if_time_allows() -> None:
    asked = error(UpstreamBusy, status=429, retry_after=30)
    assert verdict_on(asked, room(), 0.0) == Again(30)
    assert verdict_on(asked, room(seconds=30), 0.0) == GiveUp()
    assert verdict_on(asked, room(models=1), 0.0) == Elsewhere()


def test_the_last_attempts_belong_to_the_models_that_were_not_asked() -> None:
    busy = error(UpstreamBusy, status=529)
    assert isinstance(verdict_on(busy, room(attempts=3, models=2), 0.5), Again)
    assert verdict_on(busy, room(attempts=2, models=2), 0.5) == Elsewhere()
    assert verdict_on(busy, room(attempts=0, models=2), 0.5) == GiveUp()


@given(st.integers(1, 50), st.floats(0, 1))
def test_back_off_grows_up_to_a_bound(failures: int, chance: float) -> None:
    assert 0 <= backoff_s(failures, chance) <= min(8.0, 0.5 * 2.0 ** (failures - 1))


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_model_that_keeps_failing_rests_longer_each_time_and_is_asked_once_in_between() -> None:
    seconds = Seconds()
    breaker = Breaker(seconds)
    for _ in range(FAILURES - 1):
        breaker.failed("m")
    assert breaker.rest_s("m") == 0
    breaker.failed("m")
    breaker.failed("m")  # one that was asked before
    assert breaker.rest_s("m") == REST_S
    assert breaker.rest_s("another") == 0
    seconds.now += REST_S
    assert breaker.rest_s("m") == 0  # one is let through
    assert breaker.rest_s("m") == REST_S  # the others wait for it
    breaker.failed("m")
    assert breaker.rest_s("m") == 2 * REST_S
    for _ in range(5):
        seconds.now += breaker.rest_s("m")
        assert breaker.rest_s("m") == 0
        breaker.failed("m")
    assert breaker.rest_s("m") == LONGEST_REST_S
    seconds.now += LONGEST_REST_S
    assert not breaker.works("m")
    assert breaker.rest_s("m") == 0
    breaker.answered("m")
    assert breaker.works("m")
    assert breaker.rest_s("m") == 0
