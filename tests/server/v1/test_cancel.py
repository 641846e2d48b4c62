"""Stopping: what was seen stays."""

from typing import Any

import pytest

from antiphon.simulator import Reply, Simulator, Stall
from tests.server.v1.api import Api, Event, Events, until_end_of

STALLED = Reply(text="one two three four", pace=0.05, fault=Stall(after=3))
"""Stands still when three words are out."""


def words(events: Events, wanted: int) -> list[Event]:
    """Events up to the one that brings the answer to `wanted` words."""
    told: list[Event] = []
    for event in events:
        told.append(event)
        if len(said(told).split()) >= wanted:
            return told
    raise AssertionError("the stream ended before that")


def said(events: list[Event]) -> str:
    return "".join(event.data["delta"].get("text", "") for event in events if event.type == "block_delta")


def test_what_was_seen_stays(api: Api, conversation: str, simulator: Simulator) -> None:
    simulator.script(STALLED)
    turn_id = api.sent(conversation, "Count.")
    with api.events(conversation) as events:
        seen = words(events, 1)
        words(events, 3 - len(said(seen).split()))
        answer = api.cancel(turn_id, seen_seq=seen[-1].seq)
        assert (answer.status, answer.json) == (202, {"turn_id": turn_id})
        end = until_end_of(turn_id, events)[-1]
    assert end.data["status"] == "cancelled"
    assert api.shown(conversation) == ["Count.", said(seen)]


@pytest.mark.parametrize("body", [{}, {"seen_seq": 10**30}])
def test_without_a_place_all_that_is_committed_stays(
    api: Api, conversation: str, simulator: Simulator, body: dict[str, Any]
) -> None:
    simulator.script(STALLED)
    turn_id = api.sent(conversation, "Count.")
    with api.events(conversation) as events:
        told = words(events, 3)
        assert api.cancel(turn_id, **body).status == 202
        until_end_of(turn_id, events)
    assert api.shown(conversation) == ["Count.", said(told)]


def test_stopping_needs_no_body(api: Api, conversation: str, simulator: Simulator) -> None:
    simulator.script(STALLED)
    turn_id = api.sent(conversation)
    assert api.client.request("POST", f"/v1/turns/{turn_id}/cancel").status == 202
    with api.events(conversation) as events:
        until_end_of(turn_id, events)


def test_stopping_twice_is_stopping_once(api: Api, conversation: str, simulator: Simulator) -> None:
    simulator.script(STALLED)
    turn_id = api.sent(conversation, "Count.")
    with api.events(conversation) as events:
        words(events, 2)
        assert {api.cancel(turn_id).status for _ in range(3)} == {202}
        until_end_of(turn_id, events)
    assert api.cancel(turn_id).status == 202
    assert [turn["status"] for turn in api.snapshot(conversation)["state"]["turns"].values()] == ["cancelled"]


def test_a_turn_that_waits_ends_unpaid(api: Api, conversation: str, simulator: Simulator) -> None:
    simulator.script(STALLED)
    running = api.sent(conversation, "Running.")
    waiting = api.sent(conversation, "Waiting.")
    assert api.cancel(waiting).status == 202
    with api.events(conversation) as events:
        until_end_of(waiting, events)
    api.cancel(running)
    with api.events(conversation) as events:
        until_end_of(running, events)
    assert api.snapshot(conversation)["state"]["turns"][waiting]["cost_nanodollars"] == 0
    assert "Waiting." not in api.shown(conversation)


def test_a_turn_that_ended_stays_as_it_is(api: Api, conversation: str) -> None:
    turn_id = api.asked(conversation)[-1].turn_id
    before = api.snapshot(conversation)
    assert api.cancel(turn_id).status == 202
    assert api.snapshot(conversation) == before


def test_an_unknown_turn_cannot_be_stopped(api: Api, conversation: str) -> None:
    nobody = "01900000-0000-7000-8000-000000000000"
    for turn_id in ("no-turn", nobody, f"{nobody}.{nobody}", f"{conversation}.{nobody}"):
        answer = api.cancel(turn_id)
        assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize("seen", [-1, 1.5, "3", True])
def test_a_place_is_the_seq_of_an_event(api: Api, conversation: str, seen: object) -> None:
    turn_id = api.asked(conversation)[-1].turn_id
    answer = api.cancel(turn_id, seen_seq=seen)
    assert (answer.status, answer.problem) == (422, "invalid-request")
