"""Ids sort by time, and a turn's id leads to its conversation."""

import re
import time
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.domain.ids import check_session_name, conversation_of, is_id, new_id, new_turn_id
from antiphon.errors import InvalidRequest

unhurried = settings(deadline=None)  # the machine may be busy


def moment(text: str) -> int:
    """The milliseconds in an id's first 48 bits."""
    return uuid.UUID(text).int >> 80


def test_an_id_has_the_layout_of_uuid_version_7() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000
    parsed = uuid.UUID(made)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert before <= moment(made) <= after
    assert made == str(parsed)
    assert is_id(made)


def test_ids_of_later_milliseconds_sort_later() -> None:
    made = [new_id() for _ in range(2000)]
    assert len(set(made)) == len(made)
    assert sorted(made, key=moment) == made
    by_moment = {moment(one): one for one in made}
    assert sorted(by_moment.values()) == [by_moment[at] for at in sorted(by_moment)]


def test_a_turn_id_contains_its_conversation() -> None:
    conversation = new_id()
    turn = new_turn_id(conversation)
    assert conversation_of(turn) == conversation
    assert turn.startswith(conversation)
    assert new_turn_id(conversation) != turn


@unhurried
@given(st.text() | st.from_regex(r"[0-9a-f-]{36}(\.[0-9a-f-]{36})?", fullmatch=True))
def test_other_text_names_no_conversation(text: str) -> None:
    well_formed = re.fullmatch(
        r"([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text
    )
    assert conversation_of(text) == (well_formed.group(1) if well_formed else None)
    assert is_id(text) == bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text))


def test_neither_an_id_alone_nor_one_with_a_line_end_is_a_turn() -> None:
    conversation = new_id()
    turn = new_turn_id(conversation)
    for text in (conversation, f"{turn}\n", turn.upper(), f" {turn}", f"{turn}.{conversation}"):
        assert conversation_of(text) is None


@unhurried
@given(st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True))
def test_a_session_name_of_allowed_characters_stays_as_it_is(name: str) -> None:
    assert check_session_name(name) == name


@pytest.mark.parametrize("name", ["", "a" * 129, "two words", "slash/", "name\n", "ünïcödé", "٣", "a\x00"])
def test_other_session_names_are_refused_with_the_rule(name: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 128 characters"):
        check_session_name(name)
