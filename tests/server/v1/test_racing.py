"""Sending to one conversation at once: all are answered, in the order in which they were queued."""

from concurrent.futures import ThreadPoolExecutor

from antiphon.simulator import Simulator
from tests.server.histories import asked
from tests.server.v1.api import Api, Event, until_end_of

RACERS = 20
REPEATS = 5


def events_until_all_ended(api: Api, conversation: str, turn_ids: set[str]) -> list[Event]:
    told: list[Event] = []
    with api.events(conversation) as events:
        while left := turn_ids - {event.turn_id for event in told if event.type == "turn_end"}:
            told += until_end_of(left.pop(), events)
    return told


def test_each_of_many_is_answered_in_the_order_of_the_queue(kept_api: Api) -> None:
    conversation = kept_api.conversation()
    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(lambda n: kept_api.send(conversation, f"Question {n}."), range(RACERS)))
    assert {answer.status for answer in answers} == {202}
    queued = [answer.json["turn_id"] for answer in sorted(answers, key=lambda answer: answer.json["seq"])]
    assert len(set(queued)) == RACERS
    told = events_until_all_ended(kept_api, conversation, set(queued))
    assert [event.turn_id for event in told if event.type == "turn_start"] == queued
    ends = [event for event in told if event.type == "turn_end"]
    assert [(event.turn_id, event.data["status"]) for event in ends] == [(one, "completed") for one in queued]
    shown = kept_api.shown(conversation)
    assert sorted(shown[::2]) == sorted(f"Question {number}." for number in range(RACERS))
    for question, answer in zip(shown[::2], shown[1::2], strict=True):
        assert f'"{question}"' in answer


def test_one_key_sent_many_times_at_once_is_one_turn(kept_api: Api, simulator: Simulator) -> None:
    conversation = kept_api.conversation()
    with ThreadPoolExecutor(REPEATS) as pool:
        answers = list(pool.map(lambda _: kept_api.send(conversation, "Once.", key="k"), range(REPEATS)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body for answer in answers}) == 1
    with kept_api.events(conversation) as events:
        until_end_of(answers[0].json["turn_id"], events)
    assert list(kept_api.snapshot(conversation)["state"]["turns"]) == [answers[0].json["turn_id"]]
    assert len(asked(simulator)) == 1
