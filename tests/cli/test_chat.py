"""`antiphon chat`, as someone in a terminal has it."""

import re
import signal

import pytest

from antiphon.simulator.script import Fail, Reply, Stall
from antiphon.simulator.server import Simulator
from tests.cli.conftest import KEY, WITHIN_S, Shell, Terminal
from tests.cli.glass import Glass
from tests.cli.test_ask import sent

READY = "\x1b[?2004h"
"""What a terminal is told when a line can be typed: to mark what is pasted."""


def at_the_prompt(shell: Shell, *words: str, **variables: str) -> Terminal:
    terminal = shell.start("chat", *words, **variables)
    terminal.sees("/help")
    terminal.sees(READY)
    return terminal


def test_the_second_message_goes_out_with_the_first_exchange(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text="Hi Ada."), Reply(text="You are Ada."))
    terminal = at_the_prompt(shell.anew)
    terminal.types("I am Ada")
    terminal.sees("Hi Ada.")
    terminal.sees(READY)
    terminal.types("Who am I?")
    terminal.sees("You are Ada.")
    terminal.sees(READY)
    terminal.types("/quit")
    assert terminal.ends() == 0
    assert [message["content"][0]["text"] for message in simulator.requests[-1].body["messages"]] == [
        "I am Ada",
        "Hi Ada.",
        "Who am I?",
    ]


def test_ctrl_c_stops_the_answer_and_not_the_program(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text="one two three four", fault=Stall(after=2)))
    terminal = at_the_prompt(shell)
    terminal.types("Count")
    terminal.sees("one")
    terminal.presses("c")
    terminal.sees("Stopped.")
    terminal.sees(READY)
    simulator.wait_until(lambda requests: requests[-1].client_left)
    terminal.types("Go on")
    terminal.sees("That was message 3.")
    terminal.sees(READY)
    answer = simulator.requests[-1].body["messages"][1]
    assert answer["role"] == "assistant"
    assert answer["content"][0]["text"].startswith("one")
    terminal.presses("d")
    assert terminal.ends() == 0


def test_commands_are_answered_here_and_sent_to_nobody(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text="First."), Reply(text="Second."), Reply(text="Third."))
    terminal = at_the_prompt(shell)
    terminal.types("/help")
    for command in ("/help", "/new", "/model", "/cost", "/quit"):
        terminal.sees(command)
    terminal.sees(READY)
    terminal.types("One")
    terminal.sees("First.")
    terminal.sees(READY)

    terminal.types("/model gpt-1")
    terminal.sees("has no price")
    terminal.sees(READY)
    terminal.types("/model claude-haiku-5-5")
    terminal.sees("answers from the next message on")
    terminal.sees(READY)
    terminal.types("/model")
    terminal.sees("* claude-haiku-5-5")
    terminal.sees(READY)
    terminal.types("Two")
    terminal.sees("Second.")
    terminal.sees(READY)
    assert [request.body["model"] for request in simulator.requests] == [
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
    ]

    terminal.types("/cost")
    terminal.sees("last turn")
    terminal.sees("cost in USD")
    turn, conversation = terminal.sees(READY).split()[:2]
    assert 0 < float(turn) < float(conversation)

    terminal.types("/new")
    terminal.sees("A new conversation")
    terminal.sees(READY)
    terminal.types("Three")
    terminal.sees("Third.")
    terminal.sees(READY)
    assert sent(simulator) == ["Three"]
    assert simulator.requests[-1].body["model"] == "claude-haiku-5-5"
    terminal.types("/nonsense")
    terminal.sees("no command /nonsense")
    terminal.sees(READY)
    terminal.types("exit")
    assert terminal.ends() == 0
    assert len(simulator.requests) == 3


def test_a_conversation_survives_a_restart(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text="Noted, **Ada**."))
    terminal = at_the_prompt(shell, "--session", "names")
    terminal.types("I am Ada")
    terminal.sees("Noted")
    terminal.sees(READY)
    terminal.types("quit")
    terminal.sees("antiphon chat --session names")
    assert terminal.ends() == 0

    terminal = shell.start("chat", "--session", "names", NO_COLOR="1")
    terminal.sees("I am Ada")
    terminal.sees("Noted, **Ada**.")
    terminal.sees(READY)
    terminal.types("Who am I?")
    terminal.sees("message 3.")
    terminal.sees(READY)
    assert sent(simulator) == ["I am Ada", "Who am I?"]
    terminal.presses("d")
    assert terminal.ends() == 0


def test_ctrl_c_at_the_prompt_clears_the_line_and_twice_leaves(shell: Shell, simulator: Simulator) -> None:
    terminal = at_the_prompt(shell)
    terminal.child.send("never mind")
    terminal.sees("never mind")
    terminal.presses("c")
    terminal.sees("Ctrl-C again")
    terminal.sees(READY)
    terminal.types("Hello")
    terminal.sees('You said: "Hello"')
    terminal.sees(READY)
    terminal.presses("c")
    terminal.sees("Ctrl-C again")
    terminal.sees(READY)
    terminal.presses("c")
    assert terminal.ends() == 0
    assert sent(simulator) == ["Hello"]


def test_pasted_lines_and_alt_enter_make_one_message(shell: Shell, simulator: Simulator) -> None:
    terminal = at_the_prompt(shell)
    terminal.child.send("\x1b[200~first\nsecond\x1b[201~\x1b\rthird\r")
    terminal.sees("That was message 1.")
    terminal.sees(READY)
    assert sent(simulator) == ["first\nsecond\nthird"]
    terminal.presses("d")
    assert terminal.ends() == 0


def test_after_a_failure_the_conversation_goes_on(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Fail(status=401, message=f"bad key {KEY}"))
    terminal = at_the_prompt(shell)
    terminal.types("Hello")
    terminal.sees("did not accept the credentials")
    terminal.sees(READY)
    terminal.types("Hello again")
    terminal.sees("That was message 1.")
    terminal.sees(READY)
    terminal.presses("d")
    assert terminal.ends() == 0


def test_a_long_answer_is_on_the_screen_once(shell: Shell, simulator: Simulator) -> None:
    lines = [f"line {number}" for number in range(100)]
    simulator.script(Reply(text="```\n" + "\n".join(lines) + "\n```\nThe end.", delta_chars=9, pace=0.002))
    terminal = at_the_prompt(shell)
    terminal.types("Write")
    terminal.sees(" line 0")
    terminal.sees("The end.")
    terminal.sees(READY)
    terminal.presses("d")
    assert terminal.ends() == 0
    glass = Glass(80, 24)
    glass.write(answer_in(terminal.seen))
    assert [row.strip() for row in glass.rows if "line" in row] == lines


def answer_in(seen: str) -> str:
    """What was written between the first line of the answer and the next prompt."""
    return seen[seen.index("  line 0") : seen.index("The end.")]


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_plain_terminals_get_plain_text(
    variables: dict[str, str], shell: Shell, simulator: Simulator
) -> None:
    simulator.script(Reply(text="# Title\n\nSome **bold** \x1b[2Jtext."))
    terminal = shell.start("ask", "Hello", **variables)
    assert terminal.ends() == 0
    assert terminal.seen == "# Title\r\n\r\nSome **bold** ␛[2Jtext.\r\n"


def test_a_request_to_end_leaves_the_terminal_as_it_was(shell: Shell, simulator: Simulator) -> None:
    terminal = at_the_prompt(shell)
    terminal.child.kill(signal.SIGTERM)
    assert terminal.ends() == 128 + signal.SIGTERM

    simulator.script(Reply(text="one two three", fault=Stall(after=2)))
    terminal = at_the_prompt(shell, "--session", "ended")
    terminal.types("Count")
    terminal.sees("one")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.ends() == 128 + signal.SIGTERM
    simulator.wait_until(lambda requests: requests[-1].client_left)
    assert shell.run("ask", "--session", "ended", "Go on").returncode == 0
    assert simulator.requests[-1].body["messages"][1]["content"][0]["text"].startswith("one")


def test_lines_of_a_pipe_are_messages(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text="First."), Reply(text="Second."))
    done = shell.run("chat", stdin="One\n\n/model gpt-1\nTwo\nquit\nThree\n")
    assert (done.returncode, done.stdout) == (0, "First.\nSecond.\n")
    assert "has no price" in done.stderr
    assert sent(simulator) == ["One", "Two"]


def test_the_answers_of_a_chat_can_be_piped_on(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Fail(status=401))
    done = shell.run("chat", stdin="One")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1


def test_without_credentials_the_local_model_is_asked(stranger: Shell) -> None:
    terminal = stranger.start("chat", ANTIPHON_LOCAL_MODEL="/nonexistent.gguf")
    assert terminal.ends() == 3
    said = " ".join(terminal.seen.split())
    assert "no credentials for Claude" in said
    assert "/nonexistent.gguf" in said


def test_a_wait_is_shown(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text="At last.", delay=WITHIN_S))
    terminal = at_the_prompt(shell)
    terminal.types("Hello")
    terminal.sees("… 2 s, Ctrl-C stops")
    simulator.release()
    terminal.sees("At last.")
    terminal.sees(READY)
    terminal.presses("d")
    assert terminal.ends() == 0


def test_a_wait_for_another_attempt_is_told_in_one_line(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Fail(status=529, retry_after=2.5), Reply(text="There."))
    terminal = shell.start("ask", "Hello", ANTIPHON_MAX_ATTEMPTS="2")
    assert terminal.ends() == 0
    told = re.findall(r"\x1b\[2mClaude is busy; trying again in [1-3] s\.\x1b\[0m", terminal.seen)
    assert len(told) == 1
    assert terminal.seen.replace("\x1b[0m", "").endswith("There.\r\n")


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}])
def test_another_model_that_answers_is_told_in_one_line(
    variables: dict[str, str], shell: Shell, simulator: Simulator
) -> None:
    simulator.script(Fail(status=529), Reply(text="There."))
    chain = {"ANTIPHON_MAX_ATTEMPTS": "2", "ANTIPHON_FALLBACK": "claude-haiku-5-5"}
    terminal = shell.start("ask", "Hello", **chain, **variables)
    assert terminal.ends() == 0
    assert terminal.seen.count("claude-haiku-5-5 answers instead.") == 1
    assert "trying again" not in terminal.seen
    assert terminal.seen.replace("\x1b[0m", "").endswith("There.\r\n")


def test_a_pipe_is_told_nothing_of_it(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Fail(status=529, retry_after=1.5), Reply(text="There."))
    done = shell.run("ask", "Hello", ANTIPHON_MAX_ATTEMPTS="2")
    assert (done.stdout, done.stderr) == ("There.\n", "")
