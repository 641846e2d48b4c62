"""Text that every store and the wire can hold."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.domain.messages import clean_json, clean_text, text_block, text_of, without_thinking

unhurried = settings(deadline=None)  # the machine may be busy

ANY_TEXT = st.text(st.characters(codec=None))
"""With NUL and lone surrogates."""


def broken(text: str) -> list[int]:
    return [at for at, char in enumerate(text) if char == "\x00" or "\ud800" <= char <= "\udfff"]


@unhurried
@given(ANY_TEXT)
def test_cleaned_text_can_be_encoded_and_holds_no_nul(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned.encode().decode() == cleaned
    assert "\x00" not in cleaned


@unhurried
@given(ANY_TEXT)
def test_only_what_is_broken_is_replaced(text: str) -> None:
    cleaned = clean_text(text)
    expected = list(text)
    for at in broken(text):
        expected[at] = "\ufffd"
    assert cleaned == "".join(expected)
    assert clean_text(cleaned) == cleaned


def test_nul_and_both_kinds_of_lone_surrogates_are_replaced() -> None:
    assert clean_text("a\x00b\ud83dc\ude42d") == "a\ufffdb\ufffdc\ufffdd"


def strings(value: Any) -> Iterator[str]:
    """Every string within a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


JSON = st.recursive(
    ANY_TEXT | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)


@unhurried
@given(JSON)
def test_every_string_within_json_is_cleaned(value: Any) -> None:
    found = {clean_text(text) for text in strings(value)}
    assert set(strings(clean_json(value))) <= found
    assert all(not broken(text) for text in strings(clean_json(value)))


def test_visible_text_leaves_thinking_and_tools_out() -> None:
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    hidden = {"type": "redacted_thinking", "data": "aGlkZGVu"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    content = (thinking, text_block("One "), hidden, use, text_block("two"))
    assert text_of(content) == "One two"
    assert without_thinking(content) == (text_block("One "), use, text_block("two"))
