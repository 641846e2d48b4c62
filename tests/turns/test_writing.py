"""What an answer is said to be, in several parts, is put together."""

import pytest

from antiphon.model.wire import Ending, MessageDelta
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
