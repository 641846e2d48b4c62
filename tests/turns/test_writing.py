"""What is said of an answer in several parts is put together; what is left of one that is stopped."""

import pytest

from antiphon.domain.messages import text_block
from antiphon.model.wire import Ending, MessageDelta
from antiphon.turns.progress import text_only
from antiphon.turns.writing import Writing

WHOLE = Ending(stop_reason="refusal", stop_sequence="END", stop_details={"category": "cyber"})


def ending_of(*parts: Ending) -> Ending:
    writing = Writing(0)
    writing.apply([MessageDelta(part) for part in parts])
    return writing.ending


@pytest.mark.parametrize(
    "parts",
    [
        (WHOLE, Ending()),
        (Ending(), WHOLE),
        (Ending(stop_reason="refusal", stop_sequence="END"), Ending(stop_details={"category": "cyber"})),
        (Ending(stop_reason="end_turn", stop_sequence="END"), Ending("refusal", None, WHOLE.stop_details)),
    ],
    ids=["nothing after it", "nothing before it", "field by field", "newer over older"],
)
def test_an_end_keeps_what_no_later_part_says_anew(parts: tuple[Ending, ...]) -> None:
    assert ending_of(*parts) == WHOLE


def test_of_a_text_that_never_came_nothing_is_left() -> None:
    assert text_only([{"type": "text"}, {"foo": 1}, text_block("So")]) == (text_block("So"),)
