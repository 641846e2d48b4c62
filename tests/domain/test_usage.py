"""Tokens add up."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.domain.usage import MOST_TOKENS, Usage, usage_from_wire

unhurried = settings(deadline=None)  # the machine may be busy

COUNTS = st.integers(0, 10**9)
USAGES = st.builds(Usage, **{field.name: COUNTS for field in fields(Usage)})


@unhurried
@given(USAGES, USAGES, USAGES)
def test_usage_adds_like_numbers(a: Usage, b: Usage, c: Usage) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Usage() == a


@unhurried
@given(st.lists(USAGES))
def test_a_sum_counts_each_kind_by_itself(usages: list[Usage]) -> None:
    total = sum(usages, Usage())
    for field in fields(Usage):
        assert getattr(total, field.name) == sum(getattr(usage, field.name) for usage in usages)
    assert total.total_input_tokens == sum(usage.total_input_tokens for usage in usages)


@unhurried
@given(USAGES)
def test_the_hit_ratio_is_a_part_of_all_input(usage: Usage) -> None:
    assert 0 <= usage.cache_hit_ratio <= 1
    assert Usage().cache_hit_ratio == 0


def test_the_wire_splits_cache_writes_by_lifetime() -> None:
    usage = usage_from_wire(
        {
            "input_tokens": 1,
            "cache_creation_input_tokens": 5,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
            "cache_read_input_tokens": 4,
            "output_tokens": 6,
            "output_tokens_details": {"thinking_tokens": 5},
            "server_tool_use": {"web_search_requests": 7},
            "service_tier": "standard",
        }
    )
    assert usage == Usage(
        input_tokens=1,
        cache_write_5m_tokens=2,
        cache_write_1h_tokens=3,
        cache_read_tokens=4,
        output_tokens=6,
        thinking_tokens=5,
        web_search_requests=7,
    )


def test_cache_writes_without_a_split_count_as_five_minutes_and_nulls_as_zero() -> None:
    wire = {
        "cache_creation_input_tokens": 5,
        "cache_creation": None,
        "output_tokens": None,
        "server_tool_use": None,
    }
    assert usage_from_wire(wire) == Usage(cache_write_5m_tokens=5)


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        (True, 0),
        (-5, 0),
        (5.5, 0),
        ("5", 0),
        ([5], 0),
        (2**32, 2**32),
        (2**32 + 1, MOST_TOKENS),
        (10**30, MOST_TOKENS),
    ],
)
def test_what_is_no_count_is_not_counted(said: Any, counted: int) -> None:
    wire = {
        "input_tokens": said,
        "cache_creation": {"ephemeral_5m_input_tokens": said, "ephemeral_1h_input_tokens": said},
        "cache_read_input_tokens": said,
        "output_tokens": said,
        "output_tokens_details": {"thinking_tokens": said},
        "server_tool_use": {"web_search_requests": said},
    }
    usage = usage_from_wire(wire)
    assert {repr(getattr(usage, field.name)) for field in fields(Usage)} == {str(counted)}
