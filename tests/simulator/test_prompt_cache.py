"""What of a prompt is read from the cache, what is written, and for how long. Without a server."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.simulator import Accounted, Model, PrefixCache

MODEL = "claude-sonnet-5-5"
"""Caches prefixes of 512 tokens and more. A token is four bytes."""

MINUTE = 60.0
FIVE: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
HOUR: dict[str, Any] = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def text(tokens: int, letter: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": letter * 4 * tokens, **more}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def request(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 100, "messages": list(messages), **fields}


def counts(accounted: Accounted) -> tuple[int, int, int, int]:
    """Plain, read, written for 5 minutes, written for an hour."""
    return accounted.input_tokens, accounted.read, accounted.written_5m, accounted.written_1h


def spent(cache: PrefixCache, *requests: Mapping[str, Any], every: float = 1.0) -> list[tuple[int, ...]]:
    return [counts(cache.account(each, now=number * every)) for number, each in enumerate(requests)]


def test_a_prefix_is_written_once_and_read_afterwards() -> None:
    once = request(user(text(600, **FIVE), text(10, "a")))
    again = request(user(text(600, **FIVE), text(20, "b")))
    assert spent(PrefixCache(), once, again) == [(10, 0, 600, 0), (20, 600, 0, 0)]


def test_without_a_breakpoint_nothing_is_cached() -> None:
    assert spent(PrefixCache(), *[request(user(text(600)))] * 2) == [(600, 0, 0, 0)] * 2


def test_the_usage_is_spelled_as_the_api_spells_it() -> None:
    accounted = PrefixCache().account(request(user(text(600, **HOUR), text(600, "b", **FIVE))), now=0)
    assert accounted.usage(output_tokens=7) == {
        "input_tokens": 0,
        "cache_creation_input_tokens": 1200,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 600},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 0},
        "service_tier": "standard",
    }


def test_the_tail_of_a_conversation_grows_the_cache_turn_by_turn() -> None:
    first = [user(text(600))]
    second = [*first, assistant(text(50, "b")), user(text(30, "c"))]
    third = [*second, assistant(text(40, "d")), user(text(20, "e"))]
    turns = [request(*turn, **FIVE) for turn in (first, second, third)]
    assert spent(PrefixCache(), *turns) == [(0, 0, 600, 0), (0, 600, 80, 0), (0, 680, 60, 0)]


def test_a_string_a_block_and_two_messages_of_one_role_are_the_same_prefix() -> None:
    spellings = [
        request(user(text(600), text(300, "b", **FIVE))),
        request(user(text(600)), user(text(300, "b", **FIVE))),
        request({"role": "user", "content": "x" * 2400}, user(text(300, "b", **FIVE))),
    ]
    assert [read for _, read, _, _ in spent(PrefixCache(), *spellings)] == [0, 900, 900]


@pytest.mark.parametrize(("mark", "lives"), [(FIVE, 5 * MINUTE), (HOUR, 60 * MINUTE)])
def test_an_entry_lives_from_the_start_of_the_request_that_used_it_last(
    mark: dict[str, Any], lives: float
) -> None:
    body, cache = request(user(text(600, **mark))), PrefixCache()
    times = [0.0, lives - 1, 2 * lives - 2, 3 * lives - 2]
    reads = [cache.account(body, now=now, begins_at=now + 60).read for now in times]
    assert reads == [0, 600, 600, 0]


def test_looking_does_not_prolong_what_it_did_not_find_worth_marking() -> None:
    cache = PrefixCache()
    short, long = (
        request(user(text(600, **FIVE), text(600, "b"))),
        request(user(text(600), text(600, "b", **FIVE))),
    )
    cache.account(short, now=0)
    assert cache.account(long, now=200).read == 600
    assert cache.account(short, now=400).read == 600
    assert cache.account(long, now=450).read == 1200


def test_a_request_that_came_before_the_answer_began_pays_again() -> None:
    cache, body = PrefixCache(), request(user(text(600, **FIVE)))
    assert cache.account(body, now=0, begins_at=3).written_5m == 600
    assert cache.account(body, now=2, begins_at=5).written_5m == 600
    assert cache.account(body, now=3).read == 600


@pytest.mark.parametrize(
    ("model", "least"),
    [
        ("claude-sonnet-5-5", 512), ("claude-haiku-5-5", 512), ("claude-sonnet-5", 1024),
        ("claude-opus-4-7", 2048), ("claude-haiku-4-5", 4096),
    ],
)  # fmt: skip
def test_what_is_too_short_for_the_model_is_silently_not_cached(model: str, least: int) -> None:
    short, enough = (
        [{**request(user(text(size, **FIVE))), "model": model}] * 2 for size in (least - 1, least)
    )
    assert spent(PrefixCache(), *short) == [(least - 1, 0, 0, 0)] * 2
    assert spent(PrefixCache(), *enough) == [(0, 0, least, 0), (0, least, 0, 0)]


def test_longer_lives_are_paid_apart() -> None:
    body = request(user(text(600, "b", **FIVE)), system=[text(700, **HOUR)])
    other = request(user(text(600, "c", **FIVE)), system=[text(700, **HOUR)])
    assert spent(PrefixCache(), body, other, every=600) == [(0, 0, 600, 700), (0, 700, 600, 0)]


def numbered(count: int) -> list[dict[str, Any]]:
    return [text(1, letter) for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[:count]]


@pytest.mark.parametrize(("more", "read"), [(19, 600), (20, 0)])
def test_a_breakpoint_is_tried_at_twenty_places_its_own_among_them(more: int, read: int) -> None:
    cache = PrefixCache()
    cache.account(request(user(text(600, **FIVE))), now=0)
    later = request(user(text(600), *numbered(more)), **FIVE)
    assert cache.account(later, now=1).read == read


def test_a_second_breakpoint_reaches_what_the_first_does_not() -> None:
    cache = PrefixCache()
    cache.account(request(user(text(600, **FIVE))), now=0)
    blocks = numbered(30)
    blocks[10] = {**blocks[10], **FIVE}
    assert cache.account(request(user(text(600), *blocks), **FIVE), now=1).read == 600


def test_many_tool_calls_at_once_are_one_place() -> None:
    cache = PrefixCache()
    cache.account(request(user(text(600, **FIVE))), now=0)
    uses = [{"type": "tool_use", "id": f"t{n}", "name": "f", "input": {}} for n in range(25)]
    results = [{"type": "tool_result", "tool_use_id": f"t{n}", "content": "ok"} for n in range(25)]
    later = request(user(text(600)), assistant(*uses), user(*results), **FIVE)
    assert cache.account(later, now=1).read == 600


TOOL = {"name": "clock", "description": "x" * 2400, "input_schema": {"type": "object"}}
WEB = {"type": "web_search_20260318", "name": "web_search"}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
BASE: dict[str, Any] = {
    "tools": [{**TOOL, **FIVE}],
    "system": [text(600, "s", **FIVE)],
    "messages": [user(text(600, "m", **FIVE)), assistant(text(1)), user(text(1))],
}
TOOLS_ONLY, AND_SYSTEM, ALL = "tools", "system", "messages"


@pytest.mark.parametrize(
    ("changes", "still_read"),
    [
        ({}, ALL),
        ({"max_tokens": 500, "stop_sequences": ["END"], "metadata": {"user_id": "u"}}, ALL),
        ({"tool_choice": {"type": "auto"}, "thinking": {"type": "adaptive"}}, ALL),
        ({"output_config": {"effort": "high"}}, ALL),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, ALL),
        ({"output_config": {"effort": "low"}}, AND_SYSTEM),
        ({"thinking": {"type": "between_tools"}}, AND_SYSTEM),
        ({"tool_choice": {"type": "none"}}, AND_SYSTEM),
        ({"messages": [*BASE["messages"], assistant(text(1)), user(IMAGE)]}, AND_SYSTEM),
        ({"messages": [user(text(600, "n", **FIVE))]}, AND_SYSTEM),
        ({"system": [text(600, "t", **FIVE)]}, TOOLS_ONLY),
        ({"tools": [{**TOOL, **FIVE}, WEB]}, TOOLS_ONLY),
        ({"speed": "fast"}, TOOLS_ONLY),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, TOOLS_ONLY),
        ({"tools": [{**TOOL, "name": "watch", **FIVE}]}, None),
        ({"tools": []}, None),
        ({"model": "claude-haiku-5-5"}, None),
    ],
)
def test_a_change_spoils_what_stands_behind_it(changes: dict[str, Any], still_read: str | None) -> None:
    cache = PrefixCache()
    base = {**request(), **BASE}
    tools = cache.account({**base, "system": "", "messages": [user(text(1))]}, now=0).written_5m
    both = cache.account({**base, "messages": [user(text(1))]}, now=1)
    whole = cache.account(base, now=2)
    sizes = {
        None: 0,
        TOOLS_ONLY: tools,
        AND_SYSTEM: both.read + both.written_5m,
        ALL: whole.read + whole.written_5m,
    }
    assert sizes[ALL] == sizes[AND_SYSTEM] + 600 == sizes[TOOLS_ONLY] + 1200
    assert cache.account({**base, **changes}, now=3).read == sizes[still_read]


def test_organizations_do_not_share() -> None:
    cache, body = PrefixCache(), request(user(text(600, **FIVE)))
    reads = [cache.account(body, now=0, organization=name).read for name in ("a", "b", "a")]
    assert reads == [0, 0, 600]


def test_the_automatic_breakpoint_avoids_thinking() -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}
    cache = PrefixCache()
    cache.account(request(user(text(600)), assistant(thinking), **FIVE), now=0)
    assert cache.account(request(user(text(600, **FIVE))), now=1).read == 600


def test_a_breakpoint_in_a_tool_result_counts_behind_it() -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [text(600, "r", **FIVE)]}
    body = request(user(text(1)), assistant(use), user(result))
    first, second = spent(PrefixCache(), body, body)
    assert first[2] == second[1] > 600


def test_some_entries_can_die_early_the_same_ones_each_time() -> None:
    def reads(share: float, seed: int) -> list[int]:
        cache = PrefixCache(evicted_early=share, seed=seed)
        for number in range(400):
            cache.account(request(user(text(600, **FIVE), text(1)), system=str(number)), now=0)
        return [
            cache.account(request(user(text(600, **FIVE), text(1)), system=str(number)), now=299.0).read
            for number in range(400)
        ]

    lost = reads(0.25, seed=1).count(0)
    assert 60 < lost < 140
    assert reads(0.25, seed=1) == reads(0.25, seed=1) != reads(0.25, seed=2)
    assert reads(0.0, seed=1).count(0) == 0
    with pytest.raises(ValueError, match="share"):
        PrefixCache(evicted_early=25)


def test_images_weigh_by_their_size() -> None:
    png = "iVBORw0KGgoAAAANSUhEUgAAAPoAAABkCAYAAABlnwG3"  # the head of one of 250 by 100 pixels
    source = {"type": "base64", "media_type": "image/png", "data": png}
    accounted = PrefixCache().account(request(user({"type": "image", "source": source})), now=0)
    assert accounted.input_tokens == 9 * 4


def test_a_model_of_one_s_own_has_its_own_minimum() -> None:
    cache = PrefixCache({"house": Model("house", min_cache=10)})
    assert cache.account({**request(user(text(10, **FIVE))), "model": "house"}, now=0).written_5m == 10


BLOCKS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=8)


@given(st.lists(st.tuples(BLOCKS, st.floats(0, 400)), min_size=1, max_size=8))
def test_every_token_is_charged_once_and_reads_were_written_before(
    requests: list[tuple[list[tuple[int, bool]], float]],
) -> None:
    cache, now, written = PrefixCache(), 0.0, 0
    for blocks, gap in requests:
        now += gap
        marked = [
            text(400 + letter, "abcd"[letter], **(FIVE if mark and index < 4 else {}))
            for index, (letter, mark) in enumerate(blocks)
        ]
        accounted = cache.account(request(user(*marked)), now=now)
        assert accounted.prompt_tokens == sum(400 + letter for letter, _ in blocks)
        assert accounted.read <= written
        written = max(written, accounted.read + accounted.written_5m)
