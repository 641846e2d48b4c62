"""`POST /chat/stream`: the answer as it is written."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from antiphon.settings import Settings
from antiphon.simulator import HangUp, Reply, Simulator, refusal
from antiphon.turns import engine
from tests.server.client import Client, tutorial_client
from tests.server.conftest import Serve
from tests.server.histories import asked, last_history
from tests.server.serving import serving


def test_a_client_from_a_tutorial_reads_the_answer(kept_client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text='One line,\nand "another" – done: true.', pace=0.01))
    said = tutorial_client(kept_client.url, "s", "Two lines, please.")
    assert said == 'One line,\nand "another" – done: true.'


def test_the_frames_are_text_and_then_exactly_one_that_says_done(
    kept_client: Client, simulator: Simulator
) -> None:
    simulator.script(Reply(text="a b c d e f", pace=0.02))
    answer = kept_client.stream("Slowly.", "my-session")
    *texts, last = answer.frames
    assert answer.text == "a b c d e f"
    assert all(frame.keys() == {"text"} for frame in texts)
    assert len(texts) > 1
    assert last.keys() == {"done", "session_id", "turn_id", "model", "stop_reason", "usage", "cost_usd"}
    assert last["done"] is True
    assert last["session_id"] == "my-session"
    assert last["model"] == "claude-sonnet-5-5"
    assert last["stop_reason"] == "end_turn"
    assert last["usage"]["output_tokens"] > 0
    assert Decimal(last["cost_usd"]) > 0


def test_frames_are_spelled_as_documented(client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text="Grüße"))
    lines = client.stream("Hello.").body.decode().split("\n")
    assert lines[0] == 'data: {"text": "Grüße"}'
    assert lines[2].startswith('data: {"done": true, ')
    assert lines[1:2] + lines[3:] == ["", "", ""]


def test_nothing_on_the_way_may_keep_a_stream_back(client: Client) -> None:
    headers = client.stream("Hello.").headers
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers


def test_text_is_shown_before_the_answer_is_complete(kept_client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text="first second", pace=60.0))
    with kept_client.streaming("Take your time.") as frames:
        assert next(frames) == {"text": "first"}
    assert len(asked(simulator)) == 1


def test_a_reader_who_waits_is_given_a_sign_of_life(
    serve: Serve, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "TICK_S", 0.05)
    client = serve()
    simulator.script(Reply(text="At last.", delay=60.0))
    with client.streaming("Hello?") as frames:
        assert next(frames) == ": ping"
        assert next(frames) == ": ping"
        simulator.release()
        rest = [frame for frame in frames if frame != ": ping"]
    assert rest[0] == {"text": "At last."}
    assert rest[-1]["done"] is True


def test_thinking_is_not_text(client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(thinking="A secret thought.", text="Yes."))
    answer = client.stream("Really?")
    assert answer.text == "Yes."
    assert b"secret" not in answer.body


def test_a_refusal_is_told_as_text_and_then_done(client: Client, simulator: Simulator) -> None:
    simulator.script(refusal(category="cyber"))
    answer = client.stream("Something terrible.")
    assert "declined" in answer.text
    assert answer.frames[-1]["done"] is True
    assert answer.frames[-1]["stop_reason"] == "refusal"
    client.stream("Something nice.")
    assert last_history(simulator) == [("user", "Something nice.")]


def test_of_an_empty_answer_there_is_only_an_end(client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(content=()), Reply(content=()))
    (frame,) = client.stream("Say nothing.").frames
    assert frame["error"]["type"] == "/problems/empty-answer"


def test_a_reader_who_leaves_does_not_stop_the_answer(kept_client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text="to be or not to be", pace=0.02))
    with kept_client.streaming("Recite.") as frames:
        next(frames)
    simulator.wait_until(lambda seen: seen[-1].ended_at is not None)
    assert kept_client.chat("Thanks.").status == 200
    assert last_history(simulator) == [
        ("user", "Recite."),
        ("assistant", "to be or not to be"),
        ("user", "Thanks."),
    ]
    assert not any(request.client_left for request in simulator.requests)


def test_the_same_key_tells_the_same_turn_from_its_beginning(
    kept_client: Client, simulator: Simulator
) -> None:
    simulator.script(Reply(text="once upon a time", pace=0.01))
    first = kept_client.stream("Tell.", key="k-1")
    again = kept_client.stream("Tell.", key="k-1")
    assert first.text == again.text == "once upon a time"
    assert first.frames[-1] == again.frames[-1]
    whole = kept_client.chat("Tell.", key="k-1")
    assert whole.json["response"] == "once upon a time"
    assert len(asked(simulator)) == 1


def test_a_second_reader_of_a_running_turn_misses_nothing(kept_client: Client, simulator: Simulator) -> None:
    simulator.script(Reply(text="a b c d e f g h", pace=0.05))
    body = json.dumps({"session_id": "s", "message": "Tell."}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    with kept_client.open("POST", "/chat/stream", body, headers) as response:
        response.readline()
        assert kept_client.stream("Tell.", key="k").text == "a b c d e f g h"


def test_what_was_shown_before_a_cut_stays_and_the_last_frame_says_so(
    kept_client: Client, simulator: Simulator
) -> None:
    simulator.script(Reply(text="one two three four", pace=0.05, fault=HangUp(after=2)))
    answer = kept_client.stream("Count.")
    assert answer.text == "one two"
    last = answer.frames[-1]
    assert last.keys() == {"error"}
    assert last["error"].keys() == {"type", "title", "detail", "retryable", "turn_id"}
    assert last["error"]["type"] == "/problems/upstream-failed"
    assert last["error"]["retryable"] is True
    assert len(asked(simulator)) == 1
    kept_client.chat("Go on.")
    assert last_history(simulator) == [("user", "Count."), ("assistant", "one two"), ("user", "Go on.")]


def test_a_server_that_stops_says_so_in_a_last_frame(simulator: Simulator) -> None:
    simulator.script(Reply(text="first second", pace=60.0))
    with (
        serving(Settings(store="memory://")) as server,
        Client(server.url).streaming("Take your time.") as frames,
    ):
        assert next(frames) == {"text": "first"}
        server.stop()
        rest = list(frames)
    assert [frame["error"]["type"] for frame in rest] == ["/problems/upstream-failed"]
    assert "stopped" in rest[0]["error"]["detail"]


def test_who_waits_for_the_whole_answer_of_a_server_that_stops_is_told(simulator: Simulator) -> None:
    simulator.script(Reply(text="first second", pace=60.0))
    with serving(Settings(store="memory://")) as server, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Client(server.url).chat, "Take your time.")
        simulator.wait_until(lambda seen: len(seen) == 1)
        server.stop()
        answer = waiting.result()
    assert (answer.status, answer.problem) == (502, "upstream-failed")
    assert "stopped" in answer.json["detail"]
