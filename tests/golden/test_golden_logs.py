"""Every golden log folds to what its file says: whole, pruned, resumed anywhere, with fields of tomorrow."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.domain.state import Conversation
from antiphon.stores.frames import Frame, decode, decode_all, encode
from tests.golden.answers import ANSWERS
from tests.golden.endings import ENDINGS
from tests.golden.form import FOLDER, GoldenLog, load_all, state_json, text_of
from tests.golden.make import folded
from tests.golden.trees import TREES

LOGS = load_all()
EACH = pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)


def state_of(frames: list[Frame], start: Conversation | None = None) -> Conversation:
    return fold(decode_all(frames), start)


def pruned(frames: list[Frame]) -> list[Frame]:
    """Without the deltas of turns that have ended."""
    ends = [event.turn_id for _, event in decode_all(frames) if isinstance(event, e.TurnEnd)]
    kept: list[Frame] = []
    running = ""
    for frame in frames:
        event = decode(frame)
        running = event.turn_id if isinstance(event, e.TurnStart) else running
        if not (isinstance(event, e.BlockDelta) and running in ends):
            kept.append(frame)
    return kept


@EACH
def test_a_log_folds_to_its_golden_state(log: GoldenLog) -> None:
    assert state_json(state_of(log.frames)) == log.state


@EACH
def test_the_file_is_written_in_its_one_form(log: GoldenLog) -> None:
    assert (FOLDER / f"{log.name}.json").read_text() == text_of(folded(log))
    assert [frame.seq for frame in log.frames] == list(range(1, len(log.frames) + 1))


@EACH
def test_a_pruned_log_folds_to_the_same_state(log: GoldenLog) -> None:
    whole, part = state_of(log.frames), state_of(pruned(log.frames))
    assert replace(part, seq=whole.seq) == whole


@EACH
def test_a_log_may_be_resumed_at_every_seq(log: GoldenLog) -> None:
    whole = state_of(log.frames)
    for cut in range(len(log.frames) + 1):
        so_far = state_of(log.frames[:cut])
        before = state_json(so_far)
        assert state_of(log.frames[cut:], so_far) == whole
        assert state_json(so_far) == before, "the fold changed what it was given"


@EACH
def test_what_was_folded_so_far_may_be_kept_as_json(log: GoldenLog) -> None:
    """A snapshot is state in this form: going on from it must lose nothing."""
    for cut in range(len(log.frames) + 1):
        snapshot = msgspec.convert(state_json(state_of(log.frames[:cut])), Conversation)
        assert state_json(state_of(log.frames[cut:], snapshot)) == log.state


@EACH
def test_frames_round_trip_byte_for_byte(log: GoldenLog) -> None:
    for frame in log.frames:
        event = decode(frame)
        if type(event) is e.Event:
            continue
        once = encode(event)
        assert encode(decode(msgspec.structs.replace(frame, data=once))) == once
        assert decode(msgspec.structs.replace(frame, data=once)) == event
        assert _holds(json.loads(once), json.loads(frame.data))


@EACH
def test_fields_of_a_newer_event_are_tolerated(log: GoldenLog) -> None:
    def newer(frame: Frame) -> Frame:
        return msgspec.structs.replace(
            frame, data=msgspec.json.encode({"of_tomorrow": [{"x": 1}], **json.loads(frame.data)})
        )

    assert state_of([newer(frame) for frame in log.frames]) == state_of(log.frames)


def test_every_case_has_its_file_and_every_type_of_event_a_case() -> None:
    cases = {case.__name__ for case in (*ANSWERS, *ENDINGS, *TREES)}
    assert cases <= {log.name for log in LOGS}
    shown = {frame.type for log in LOGS for frame in log.frames}
    assert {event.type for event in e.EVENTS} <= shown


def _holds(value: Any, older: Any) -> bool:
    """Whether all that an older version wrote is still there; fields may have come."""
    if isinstance(value, dict) and isinstance(older, dict):
        return all(name in value and _holds(value[name], each) for name, each in older.items())
    return bool(value == older)
