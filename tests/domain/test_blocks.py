"""A block is the sum of its deltas, however they were cut and joined on the way."""

import json
import math
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.domain.blocks import apply_delta, finish_block, is_empty, join_deltas
from antiphon.domain.messages import Block, text_block

unhurried = settings(deadline=None)  # the machine may be busy

PIECES = st.text(max_size=5)
DELTAS = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text_delta", "text": text}, PIECES),
        st.builds(lambda text: {"type": "thinking_delta", "thinking": text}, PIECES),
        st.builds(lambda text: {"type": "input_json_delta", "partial_json": text}, PIECES),
        st.builds(lambda text: {"type": "signature_delta", "signature": text}, PIECES),
        st.builds(lambda text: {"type": "citations_delta", "citation": {"cited_text": text}}, PIECES),
        st.sampled_from(
            [
                {"type": "delta_of_tomorrow", "value": 1},
                {"no_type": 1},
                {"type": "text_delta"},
                {"type": "text_delta", "text": None},
                {"type": "signature_delta"},
                {"type": "citations_delta"},
                {"type": "citations_delta", "citation": 5},
            ]
        ),
    )
)
WHOLE_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WHOLE_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WHOLE_TEXT, inner, max_size=3),
    max_leaves=8,
)


def built(deltas: list[dict[str, Any]], block: Block | None = None) -> Block:
    block = block or text_block("")
    for delta in deltas:
        block = apply_delta(block, delta)
    return block


@unhurried
@given(DELTAS)
def test_joined_deltas_build_the_same_block(deltas: list[dict[str, Any]]) -> None:
    assert built(join_deltas(deltas)) == built(deltas)


@unhurried
@given(DELTAS, st.integers(0, 20))
def test_deltas_may_be_joined_in_two_batches(deltas: list[dict[str, Any]], cut: int) -> None:
    assert built(join_deltas(deltas[:cut]) + join_deltas(deltas[cut:])) == built(deltas)


@unhurried
@given(DELTAS)
def test_after_joining_no_neighbours_are_left_to_join(deltas: list[dict[str, Any]]) -> None:
    kinds = [str(delta.get("type")) for delta in join_deltas(deltas)]
    joins = {"text_delta", "thinking_delta", "input_json_delta"}
    assert all(left != right or left not in joins for left, right in pairwise(kinds))


def test_a_delta_that_says_nothing_changes_nothing() -> None:
    block = {"type": "text", "text": "So far.", "signature": "c2lnbmVk"}
    for kind in ("text_delta", "signature_delta", "citations_delta", "delta_of_tomorrow"):
        assert apply_delta(block, {"type": kind}) == block
    assert apply_delta(block, {"type": "signature_delta", "signature": 5}) == block
    assert apply_delta(block, {"type": "citations_delta", "citation": 5}) == block
    assert apply_delta({"type": "text", "text": None}, {"type": "text_delta", "text": "So"})["text"] == "So"


@unhurried
@given(DELTAS)
def test_neither_blocks_nor_deltas_are_changed_in_place(deltas: list[dict[str, Any]]) -> None:
    start = {"type": "text", "text": "", "citations": [{"cited_text": "first"}]}
    before = json.dumps([start, deltas])
    built(join_deltas(deltas), start)
    assert json.dumps([start, deltas]) == before


@unhurried
@given(st.dictionaries(WHOLE_TEXT, JSON, max_size=3), st.lists(st.integers(0, 200)))
def test_tool_input_is_read_from_any_pieces(value: dict[str, Any], cuts: list[int]) -> None:
    raw = json.dumps(value)
    edges = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    pieces = [raw[start:end] for start, end in pairwise(edges)]
    start = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces]]
    done = finish_block(built(deltas, start))
    assert done.keys() == start.keys()
    assert json.dumps(done["input"]) == raw


def test_a_tool_without_parameters_gets_an_empty_object() -> None:
    written = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "partial_json": ""}
    assert finish_block(written)["input"] == {}


def unreadable() -> list[str]:
    return ['{"a": "b', "[1, 2]", '"text"', "null", '{"a": NaN}', '{"a": 1e999}', '{"a":' * 5000]


def test_input_that_is_no_json_object_is_kept_as_text() -> None:
    for raw in unreadable():
        written = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "partial_json": raw}
        done = finish_block(written)
        assert (done["input"], done["invalid_json"]) == ({}, raw)
        assert "partial_json" not in done


@pytest.mark.parametrize("kind", ["tool_use", "server_tool_use", "mcp_tool_use"])
def test_input_that_came_at_once_is_an_object_too(kind: str) -> None:
    use = {"type": kind, "id": "toolu_1", "name": "f"}
    for nothing in (use, {**use, "input": None}, {**use, "input": ""}):
        assert finish_block(nothing) == {**use, "input": {}}
    whole = {**use, "input": {"a": 1}}
    assert finish_block(whole) is whole
    assert finish_block({**use, "input": '{"a": 1}'}) == whole
    for odd, raw in (("x", "x"), ([1], "[1]"), (5, "5"), (False, "false"), (["ü"], '["ü"]')):
        assert finish_block({**use, "input": odd}) == {**use, "input": {}, "invalid_json": raw}
    other = {"type": "block_of_tomorrow", "input": "x"}
    assert finish_block(other) is other


def test_nesting_at_the_edge_of_what_can_be_read_can_also_be_stored() -> None:
    for depth in range(1, 3000, 37):
        raw = '{"a":' * depth + "1" + "}" * depth
        written = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "partial_json": raw}
        assert msgspec.json.encode(finish_block(written))


def test_an_escaped_half_of_a_character_becomes_a_replacement_character() -> None:
    """The wire's bytes were whole; the half appears only when the input is read."""
    raw = '{"text": "cut \\ud83d", "\\u0000": "nul \\u0000"}'
    written = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "partial_json": raw}
    assert finish_block(written)["input"] == {"text": "cut \ufffd", "\ufffd": "nul \ufffd"}


def test_numbers_keep_their_value() -> None:
    raw = '{"big": 123456789012345678901234567890, "small": 1e-7, "whole": 2.0}'
    written = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "partial_json": raw}
    value = finish_block(written)["input"]
    assert value["big"] == 123456789012345678901234567890
    assert math.isclose(value["small"], 1e-7)
    assert isinstance(value["whole"], float)


def test_only_text_without_a_visible_character_and_what_is_of_no_kind_is_empty() -> None:
    assert is_empty(text_block(" \n\t\u2003"))
    assert is_empty({"type": "text"})
    assert is_empty({"text": "Hello"})
    assert not is_empty(text_block("."))
    assert not is_empty({"type": "thinking", "thinking": "", "signature": "c2lnbmVk"})
