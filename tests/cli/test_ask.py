"""`antiphon ask`, in pipes and scripts."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from antiphon.server.answers import ChatAnswer
from antiphon.simulator import presets
from antiphon.simulator.script import Fail, HangUp, Outcome, Reply, Stall
from antiphon.simulator.server import Simulator
from tests.cli.conftest import KEY, WITHIN_S, Shell

ANSWER = "Grüße, 世界:\n\n* **bold**\n* `code`\t\x07"


def sent(simulator: Simulator) -> list[Any]:
    """The text of each user message of the last request."""
    messages = simulator.requests[-1].body["messages"]
    return [
        block["text"] for message in messages if message["role"] == "user" for block in message["content"]
    ]


def test_a_pipe_gets_the_text_of_the_answer_and_nothing_else(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text=ANSWER))
    done = shell.anew.run("ask", "What", "is it?")
    assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER + "\n", "")
    assert sent(simulator) == ["What is it?"]


def test_stdin_is_the_question_or_is_added_to_it(shell: Shell, simulator: Simulator) -> None:
    assert shell.run("ask", stdin="From a pipe?\n").returncode == 0
    assert sent(simulator) == ["From a pipe?"]
    assert shell.run("ask", "Summarise:", stdin="a file\nof two lines\n").returncode == 0
    assert sent(simulator) == ["Summarise:\n\na file\nof two lines"]


def test_json_is_the_body_of_the_http_api_on_one_line(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text=ANSWER))
    done = shell.run("ask", "--json", "Hello")
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")
    body = json.loads(done.stdout)
    assert list(body) == list(ChatAnswer.model_fields)
    answer = ChatAnswer.model_validate(body)
    assert answer.response == ANSWER
    assert (answer.model, answer.stop_reason) == ("claude-sonnet-5-5", "end_turn")
    assert answer.usage.output_tokens > 0
    assert float(answer.cost_usd) > 0


def test_a_session_goes_on_with_its_model_and_system_prompt(shell: Shell, simulator: Simulator) -> None:
    first = shell.run(
        "ask", "--session", "notes", "--system", "Be brief.", "--model", "claude-haiku-5-5", "One"
    )
    second = shell.run("ask", "--session", "notes", "--max-tokens", "77", "Two")
    assert first.returncode == second.returncode == 0
    body = simulator.requests[-1].body
    assert sent(simulator) == ["One", "Two"]
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert body["system"][0]["text"] == "Be brief."
    assert (body["model"], body["max_tokens"]) == ("claude-haiku-5-5", 77)


def test_the_answer_is_kept_where_it_is_said(shell: Shell, simulator: Simulator, tmp_path: Path) -> None:
    database = tmp_path / "mine.db"
    assert shell.run("ask", "--store", f"sqlite:///{database}", "Hello").returncode == 0
    assert database.exists()


def test_an_answer_without_a_session_can_be_gone_on_with(shell: Shell, simulator: Simulator) -> None:
    name = json.loads(shell.run("ask", "--json", "One").stdout)["session_id"]
    shell.run("ask", "--session", name, "Two")
    assert sent(simulator) == ["One", "Two"]


FAILURES: dict[str, tuple[Outcome, int]] = {
    "credentials refused": (Fail(status=401, message=f"invalid key {KEY}"), 3),
    "no such model there": (Fail(status=404, message="model: claude-sonnet-5-5"), 1),
    "overloaded": (Fail(status=529, should_retry=False), 1),
}


@pytest.mark.parametrize(("outcome", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_one_sentence_and_an_exit_code(
    outcome: Outcome, code: int, shell: Shell, simulator: Simulator
) -> None:
    simulator.script(*[outcome] * 10)
    done = shell.run("ask", "Hello")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1


def test_with_json_a_failure_is_a_problem_on_one_line(shell: Shell, simulator: Simulator) -> None:
    simulator.script(*[Fail(status=529, should_retry=False)] * 10)
    done = shell.run("ask", "--json", "Hello")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    problem = json.loads(done.stderr)
    assert problem["type"] == "/problems/upstream-busy"
    assert problem["detail"].endswith(".")
    assert problem["retryable"] is True
    assert problem["turn_id"]


def test_a_refusal_is_told_apart(shell: Shell, simulator: Simulator) -> None:
    refusal = presets.refusal("Well,", category="cyber")
    simulator.script(refusal, refusal)
    plain = shell.run("ask", "Break in")
    assert plain.returncode == 5
    assert "declined" in plain.stderr
    told = shell.run("ask", "--json", "Break in")
    assert (told.returncode, told.stderr) == (5, "")
    body = json.loads(told.stdout)
    assert body["stop_reason"] == "refusal"
    assert "declined" in body["response"]


def test_an_answer_that_reaches_its_limit_is_cut_short(shell: Shell, simulator: Simulator) -> None:
    simulator.script(*[Reply(text="Once upon a", stop_reason="max_tokens")] * 2)
    plain = shell.run("ask", "A story")
    assert (plain.returncode, plain.stdout) == (5, "Once upon a\n")
    assert "--max-tokens" in plain.stderr
    told = shell.run("ask", "--json", "A story")
    assert (told.returncode, told.stderr) == (5, "")
    assert json.loads(told.stdout)["stop_reason"] == "max_tokens"


def test_a_stream_that_breaks_leaves_what_came_and_is_not_asked_for_again(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.script(Reply(text="one two three four", pace=0.1, fault=HangUp(after=3)))
    done = shell.run("ask", "Count")
    assert done.returncode == 1
    assert done.stdout.startswith("one")
    assert done.stderr.count("\n") == 1
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["ask"], 2, "nothing to ask"),
        (["ask", "--session", "no spaces", "Hello"], 2, "session_id"),
        (["ask", "--model", "gpt-1", "Hello"], 2, "has no price"),
        (["ask", "--max-tokens", "0", "Hello"], 2, "--max-tokens"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(
    words: list[str], code: int, says: str, shell: Shell, simulator: Simulator
) -> None:
    done = shell.run(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert simulator.requests == ()


def test_a_setting_that_cannot_be_used_is_a_matter_of_configuration(
    shell: Shell, simulator: Simulator
) -> None:
    for name, value in [
        ("ANTIPHON_MODEL", "gpt-1"),
        ("ANTIPHON_STORE", "nowhere"),
        ("ANTIPHON_LEASE_S", "x"),
    ]:
        done = shell.run("ask", "--json", "Hello", **{name: value})
        assert (done.returncode, done.stdout) == (3, "")
        assert json.loads(done.stderr)["type"] == "/problems/configuration"
    assert simulator.requests == ()


def test_without_credentials_a_model_of_claude_is_refused(stranger: Shell) -> None:
    for words, variables in [
        (["--model", "claude-haiku-5-5"], {}),
        ([], {"ANTIPHON_MODEL": "claude-haiku-5-5"}),
    ]:
        done = stranger.run("ask", *words, "Hello", **variables)
        assert (done.returncode, done.stdout) == (3, "")
        assert "ANTHROPIC_API_KEY" in done.stderr


def test_without_credentials_and_without_a_choice_the_local_model_is_asked(stranger: Shell) -> None:
    done = stranger.run("ask", "Hello", ANTIPHON_LOCAL_MODEL="/nonexistent.gguf")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no credentials for Claude" in done.stderr
    assert "/nonexistent.gguf" in done.stderr
    assert done.stderr.count("\n") == 1


def test_ctrl_c_stops_the_answer_and_what_was_seen_is_kept(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text="one two three four", pace=0.05, fault=Stall(after=2)))
    with shell.piped("ask", "--session", "count", "Count") as child:
        assert child.stdout is not None
        assert os.read(child.stdout.fileno(), 3) == b"one"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=WITHIN_S)
    assert (child.returncode, err) == (130, b"")
    simulator.wait_until(lambda requests: requests[-1].client_left)
    shell.run("ask", "--session", "count", "Go on")
    messages = simulator.requests[-1].body["messages"]
    kept = messages[1]["content"][0]["text"]
    assert kept == ("one" + out.decode()).rstrip("\n")


def test_a_reader_who_leaves_stops_the_answer(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(deltas=200, delta_chars=5, pace=0.05))
    with shell.piped("ask", "Count") as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert os.read(child.stdout.fileno(), 3)
        child.stdout.close()
        assert child.wait(WITHIN_S) == 1
        assert child.stderr.read() == b""
    simulator.wait_until(lambda requests: requests[-1].client_left)


def test_a_request_to_end_is_followed_at_once(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(fault=Stall()))
    with shell.piped("ask", "Wait") as child:
        simulator.wait_until(lambda requests: len(requests) == 1, within=WITHIN_S)
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=WITHIN_S)
    assert (child.returncode, out, err) == (128 + signal.SIGTERM, b"", b"")
