"""Sending: what is accepted, what is refused, and what a key is for."""

import uuid
from typing import Any

import pytest

from antiphon.simulator import Reply, Simulator
from tests.server.conftest import Serve
from tests.server.v1.api import Api, events_of, until_end_of, until_writing

SLOW = Reply(text="one two three four", pace=60.0)
STREAM = "text/event-stream"
NOBODY = "01900000-0000-7000-8000-000000000000"


def test_a_message_is_accepted_and_answered(api: Api, conversation: str) -> None:
    answer = api.send(conversation, "Hello.")
    assert answer.status == 202
    assert answer.json.keys() == {"turn_id", "seq"}
    with api.events(conversation) as events:
        told = until_end_of(answer.json["turn_id"], events)
    queued = next(event for event in told if event.type == "turn_queue")
    assert (queued.turn_id, queued.seq) == (answer.json["turn_id"], answer.json["seq"])
    assert api.shown(conversation) == ["Hello.", 'You said: "Hello.". That was message 1.']


def test_blocks_are_content_too(api: Api, conversation: str) -> None:
    api.asked(conversation, [{"type": "text", "text": "Hello "}, {"type": "text", "text": "you."}])
    assert api.shown(conversation)[0] == "Hello you."


def test_a_turn_needs_a_key(api: Api, conversation: str) -> None:
    answer = api.client.post(f"/v1/conversations/{conversation}/turns", {"content": "Hello."})
    assert (answer.status, answer.problem) == (400, "idempotency-key-missing")


@pytest.mark.parametrize("key", ["k" * 256, "two words", "\xe9"])
def test_a_key_is_visible_characters(api: Api, conversation: str, key: str) -> None:
    answer = api.send(conversation, key=key)
    assert (answer.status, answer.problem) == (422, "invalid-request")


def test_the_same_key_is_the_same_turn_whatever_its_state(
    api: Api, conversation: str, simulator: Simulator
) -> None:
    simulator.script(SLOW)
    first = api.send(conversation, "Running.", key="first")
    waiting = api.send(conversation, "Waiting.", key="waiting")
    with api.events(conversation) as events:
        until_writing(events)
    assert api.send(conversation, "Running.", key="first").body == first.body
    assert api.send(conversation, "Waiting.", key="waiting").body == waiting.body
    api.cancel(first.json["turn_id"])
    with api.events(conversation) as events:
        until_end_of(waiting.json["turn_id"], events)
    again = api.send(conversation, "Running.", key="first")
    assert (again.status, again.body) == (202, first.body)
    assert api.send(conversation, "Waiting.", key="waiting").body == waiting.body


def test_a_key_wins_over_a_busy_conversation_and_a_full_queue(serve: Serve, simulator: Simulator) -> None:
    simulator.script(SLOW)
    api = Api(serve(queue_max=1))
    conversation = api.conversation()
    first = api.send(conversation, key="first", when_busy="reject")
    api.sent(conversation, "Waiting.")
    again = api.send(conversation, key="first", when_busy="reject")
    assert (again.status, again.body) == (202, first.body)


def test_one_key_with_another_body_is_refused(api: Api, conversation: str) -> None:
    api.asked(conversation, "Hello.", key="k")
    answer = api.send(conversation, "Something else.", key="k")
    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert api.send(api.conversation(), "Something else.", key="k").status == 202


def test_the_answer_can_be_the_turns_events(api: Api, conversation: str) -> None:
    api.asked(conversation, "Before.")
    first = api.post_turn(conversation, {"content": "Hello."}, key="k", Accept=STREAM)
    assert first.headers["content-type"].startswith(STREAM)
    told = [event for event in events_of(first) if event.type != ":"]
    assert (told[0].type, told[-1].type) == ("turn_queue", "turn_end")
    assert {event.turn_id for event in (told[0], told[-1])} == {told[0].turn_id}
    again = api.post_turn(conversation, {"content": "Hello."}, key="k", Accept=STREAM)
    assert [event for event in events_of(again) if event.type != ":"] == told


def test_what_is_refused_before_acceptance_is_a_status_also_for_streams(api: Api) -> None:
    answer = api.post_turn(NOBODY, {"content": "Hello."}, Accept=STREAM)
    assert (answer.status, answer.problem) == (404, "not-found")


def test_a_busy_conversation_can_be_left_alone(api: Api, conversation: str, simulator: Simulator) -> None:
    simulator.script(SLOW)
    running = api.sent(conversation, "Running.")
    answer = api.send(conversation, "Not now?", when_busy="reject")
    assert (answer.status, answer.problem, answer.json["turn_id"]) == (409, "busy", running)


def test_a_running_turn_can_be_interrupted(api: Api, conversation: str, simulator: Simulator) -> None:
    simulator.script(SLOW)
    api.sent(conversation, "Running.")
    with api.events(conversation) as events:
        until_writing(events)
    api.asked(conversation, "Instead.", when_busy="interrupt")
    assert api.shown(conversation)[-2] == "Instead."


def test_too_many_that_wait_are_turned_away(serve: Serve, simulator: Simulator) -> None:
    simulator.script(SLOW)
    api = Api(serve(queue_max=1))
    conversation = api.conversation()
    api.sent(conversation, "Running.")
    api.sent(conversation, "Waiting.")
    answer = api.send(conversation, "One too many.")
    assert (answer.status, answer.problem) == (429, "queue-full")


def test_a_null_parent_begins_anew(api: Api, conversation: str) -> None:
    api.asked(conversation, "One.")
    api.asked(conversation, "Two.")
    assert api.shown(conversation)[::2] == ["One.", "Two."]
    api.asked(conversation, "Anew.", parent_id=None)
    assert api.shown(conversation)[::2] == ["Anew."]


def test_a_message_as_parent_makes_a_branch_there(api: Api, conversation: str) -> None:
    api.asked(conversation, "One.")
    first_answer = api.snapshot(conversation)["head"]
    api.asked(conversation, "Two.")
    api.asked(conversation, "Two, in other words.", parent_id=first_answer)
    assert api.shown(conversation)[::2] == ["One.", "Two, in other words."]


def test_without_content_a_question_is_answered_again(
    api: Api, conversation: str, simulator: Simulator
) -> None:
    simulator.script(Reply(text="First."), Reply(text="Second."))
    question = str(uuid.uuid4())
    api.asked(conversation, "What?", message_id=question)
    api.asked(conversation, None, parent_id=question)
    assert api.shown(conversation) == ["What?", "Second."]


def test_a_message_can_wait_for_a_turn_by_name(api: Api, conversation: str, simulator: Simulator) -> None:
    simulator.script(Reply(text="Slowly.", delay=0.2))
    running = api.sent(conversation, "One.")
    api.asked(conversation, "Two.", after_turn=running)
    assert api.shown(conversation)[:3] == ["One.", "Slowly.", "Two."]


def test_a_message_id_is_given_once(api: Api, conversation: str) -> None:
    message = str(uuid.uuid4())
    first = api.send(conversation, message_id=message, key="k")
    assert api.send(conversation, message_id=message, key="k").body == first.body
    answer = api.send(conversation, message_id=message, key="other")
    assert (answer.status, answer.problem) == (409, "conflict")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": None},
        {"content": ""},
        {"content": "  \n"},
        {"content": []},
        {"content": [{"type": "text", "text": " "}]},
        {"content": [{"type": "tool_use", "text": "no"}]},
        {"content": 7},
        {"content": "Hello.", "message_id": "no-uuid"},
        {"content": "Hello.", "message_id": NOBODY.upper().replace("0", "A")},
        {"content": "Hello.", "parent_id": "head"},
        {"content": "Hello.", "after_turn": "-" * 36 + "." + "-" * 36},
        {"content": "Hello.", "when_busy": "wait"},
        {"content": "Hello.", "options": {"temperature": 1}},
        {"content": "Hello.", "role": "user"},
        {"parent_id": NOBODY, "message_id": NOBODY},
        [],
    ],
)
def test_what_does_not_fit_is_refused(api: Api, conversation: str, body: Any) -> None:
    answer = api.post_turn(conversation, body)
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert answer.json["errors"]
    assert api.snapshot(conversation)["as_of_seq"] == 1


def test_only_a_question_is_answered_again(api: Api, conversation: str) -> None:
    api.asked(conversation)
    answer = api.send(conversation, None, parent_id=api.snapshot(conversation)["head"])
    assert (answer.status, answer.problem) == (422, "invalid-request")


@pytest.mark.parametrize(
    "place",
    [{"parent_id": NOBODY}, {"after_turn": f"{NOBODY}.{NOBODY}"}, {"content": None, "parent_id": NOBODY}],
)
def test_what_is_to_be_followed_must_be_there(api: Api, conversation: str, place: dict[str, Any]) -> None:
    answer = api.send(conversation, **place)
    assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize("unknown", [NOBODY, "no-uuid", NOBODY.replace("-", "")])
def test_an_unknown_conversation_takes_nothing(api: Api, unknown: str) -> None:
    answer = api.send(unknown)
    assert (answer.status, answer.problem) == (404, "not-found")
