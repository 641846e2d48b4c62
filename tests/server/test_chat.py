"""`POST /chat` and `DELETE /session/…`: the whole answer at once."""

from decimal import Decimal
from pathlib import Path

import pytest

from antiphon.settings import Settings
from antiphon.simulator import Reply, Simulator, refusal
from tests.server.client import Client
from tests.server.conftest import Serve
from tests.server.histories import asked, last_history, system_of
from tests.server.serving import serving


def test_a_message_is_answered_with_all_there_is_to_know(kept_client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text="Hello, you.", usage={"cache_read_input_tokens": 100}))
    answer = kept_client.chat("Hello?", "my.session:1_a-b")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    told = answer.json
    assert told.keys() == {
        "response", "session_id", "turn_id", "model", "stop_reason", "usage", "cost_usd",
    }  # fmt: skip
    assert told["response"] == "Hello, you."
    assert told["session_id"] == "my.session:1_a-b"
    assert told["model"] == "claude-sonnet-5-5"
    assert told["stop_reason"] == "end_turn"
    assert told["usage"]["cache_read_tokens"] == 100
    assert told["usage"]["output_tokens"] > 0
    assert isinstance(told["cost_usd"], str)
    assert 0 < Decimal(told["cost_usd"]) < 1


def test_a_conversation_remembers_what_was_said(kept_client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text="Pleased to meet you, Ada."), Reply(text="Ada."))
    kept_client.chat("I am Ada.")
    assert kept_client.chat("Who am I?").json["response"] == "Ada."
    assert last_history(simulator) == [
        ("user", "I am Ada."),
        ("assistant", "Pleased to meet you, Ada."),
        ("user", "Who am I?"),
    ]


def test_sessions_know_nothing_of_each_other(client: Client, simulator: Simulator) -> None:
    client.chat("A secret.", "one")
    client.chat("Hello.", "two")
    assert last_history(simulator) == [("user", "Hello.")]


def test_a_conversation_survives_a_restart_of_the_server(simulator: Simulator, tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'kept.db'}")
    for message in ("Before.", "After."):
        with serving(settings) as server:
            assert Client(server.url).chat(message).status == 200
    assert [text for role, text in last_history(simulator) if role == "user"] == ["Before.", "After."]


def test_any_unicode_comes_back(kept_client: Client, simulator: Simulator) -> None:
    said = 'Grüße 👩‍👩‍👧 \u2028 "quoted" \\ \t <b>&amp;</b> שלום'
    simulator.script(Reply(text=said))
    assert kept_client.chat(said).json["response"] == said
    assert last_history(simulator) == [("user", said)]


def test_what_no_store_can_hold_becomes_a_replacement_character(
    kept_client: Client, simulator: Simulator
) -> None:
    body = b'{"session_id": "s", "message": "a\\u0000b\\ud800c"}'
    answer = kept_client.request("POST", "/chat", body, {"Content-Type": "application/json"})
    assert answer.status == 200
    assert last_history(simulator) == [("user", "a\ufffdb\ufffdc")]


def test_a_refusal_is_an_answer_that_says_so(kept_client: Client, simulator: Simulator) -> None:
    simulator.script(refusal("Well, ", category="bio"))
    answer = kept_client.chat("Something terrible.")
    assert answer.status == 200
    assert answer.json["stop_reason"] == "refusal"
    assert "declined" in answer.json["response"]
    assert "Well" not in answer.json["response"]
    kept_client.chat("Something nice.")
    assert last_history(simulator) == [("user", "Something nice.")]


def test_an_answer_that_was_too_long_says_why_it_ended(client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text="And then", stop_reason="max_tokens"))
    assert client.chat("Tell me everything.").json["stop_reason"] == "max_tokens"


def test_an_empty_answer_is_asked_for_once_more(client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(content=()), Reply(text="Here."), Reply(content=()), Reply(content=()))
    assert client.chat("Hello?").json["response"] == "Here."
    answer = client.chat("Say nothing.")
    assert (answer.status, answer.json["type"]) == (502, "/problems/empty-answer")
    assert client.chat("And now?").status == 200


# System prompts


def test_without_a_system_prompt_there_is_a_plain_one(client: Client, simulator: Simulator) -> None:
    client.chat("Hello.")
    assert system_of(asked(simulator)[-1]) == "You are a helpful assistant."


def test_a_system_prompt_stays_until_it_is_changed(kept_client: Client, simulator: Simulator) -> None:
    kept_client.chat("One.", system_prompt="Be terse.")
    kept_client.chat("Two.")
    kept_client.chat("Three.", system_prompt="Be verbose.")
    kept_client.chat("Four.")
    kept_client.chat("Five.", system_prompt=None)
    assert [system_of(request) for request in asked(simulator)] == [
        "Be terse.", "Be terse.", "Be verbose.", "Be verbose.", "Be verbose.",
    ]  # fmt: skip
    assert [text for role, text in last_history(simulator) if role == "user"] == [
        "One.", "Two.", "Three.", "Four.", "Five.",
    ]  # fmt: skip


def test_an_empty_system_prompt_is_none(client: Client, simulator: Simulator) -> None:
    client.chat("Hello.", system_prompt="")
    assert "system" not in asked(simulator)[-1].body


def test_thinking_from_before_a_new_system_prompt_is_not_sent_again(
    client: Client, simulator: Simulator
) -> None:
    simulator.script(Reply(thinking="Hm.", text="One."))
    client.chat("Count.")
    client.chat("Go on.", system_prompt="Be verbose.")
    sent = asked(simulator)[-1].body["messages"]
    assert [block["type"] for message in sent for block in message["content"]] == ["text"] * 3


# Idempotency


def test_the_same_key_and_body_are_one_turn(kept_client: Client, simulator: Simulator) -> None:
    first = kept_client.chat("Once.", key="k-1")
    again = kept_client.chat("Once.", key="k-1")
    assert first.status == again.status == 200
    assert first.json == again.json
    assert len(asked(simulator)) == 1


def test_without_a_key_every_request_is_a_new_turn(client: Client, simulator: Simulator) -> None:
    assert client.chat("Twice.").json["turn_id"] != client.chat("Twice.").json["turn_id"]
    assert len(asked(simulator)) == 2


def test_a_key_is_not_for_another_message(kept_client: Client, simulator: Simulator) -> None:
    kept_client.chat("This.", key="k-1")
    answer = kept_client.chat("That.", key="k-1")
    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert len(asked(simulator)) == 1


def test_a_key_belongs_to_its_session(client: Client, simulator: Simulator) -> None:
    client.chat("Hello.", "one", key="k")
    assert client.chat("Goodbye.", "two", key="k").status == 200


@pytest.mark.parametrize("key", ["", " ", "with space", "k" * 256, "clé", "tab\tin"])
def test_a_key_is_visible_ascii(client: Client, simulator: Simulator, key: str) -> None:
    answer = client.chat("Hello.", key=key)
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert answer.json["errors"][0]["header"] == "Idempotency-Key"
    assert not asked(simulator)


def test_a_key_may_be_as_long_as_it_may(client: Client) -> None:
    assert client.chat("Hello.", key="!~" * 127 + "k").status == 200


# Clearing


def test_a_cleared_session_starts_anew(kept_client: Client, simulator: Simulator) -> None:
    first = kept_client.chat("Remember this.", system_prompt="Be terse.").json
    cleared = kept_client.clear()
    assert (cleared.status, cleared.json) == (200, {"status": "cleared"})
    second = kept_client.chat("What do you remember?").json
    assert last_history(simulator) == [("user", "What do you remember?")]
    assert system_of(asked(simulator)[-1]) == "You are a helpful assistant."
    assert second["turn_id"].split(".")[0] != first["turn_id"].split(".")[0]


def test_clearing_what_is_not_there_is_fine_and_can_be_repeated(kept_client: Client) -> None:
    for _ in range(2):
        answer = kept_client.clear("nobody")
        assert (answer.status, answer.json) == (200, {"status": "cleared"})


def test_a_name_that_cannot_be_one_cannot_be_cleared(client: Client) -> None:
    answer = client.clear("a%20b")
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert answer.json["errors"][0]["parameter"] == "session_id"


def test_clearing_stops_the_answer_that_is_being_written(kept_client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text="a b c d e f g h i j", pace=1.0))
    with kept_client.streaming("Slowly, please.") as frames:
        next(frames)
        assert kept_client.clear().status == 200
        last = list(frames)[-1]
    assert last["error"]["type"] == "/problems/not-found"
    simulator.wait_until(lambda seen: any(request.client_left for request in seen))
    kept_client.chat("Hello?")
    assert last_history(simulator) == [("user", "Hello?")]


# Settings


def test_the_size_of_a_message_can_be_set(serve: Serve) -> None:
    client = serve(max_body="1KB")
    assert client.chat("x" * 1000).status == 200
    assert client.chat("x" * 1001).problem == "too-large"
