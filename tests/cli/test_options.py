"""How much work an answer is worth, whether thinking is seen, where it ends."""

import io
import json

import pytest

from antiphon.cli.sheets import PlainSheet
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from tests.cli.conftest import Shell
from tests.cli.test_chat import READY, at_the_prompt

THOUGHT = Reply(thinking="Six times seven is forty-two.", text="42, and END of it.")


def test_flags_hold_for_the_answer(shell: Shell, simulator: Simulator) -> None:
    simulator.script(THOUGHT)
    flags = ["--effort", "xhigh", "--thinking", "shown", "--stop", "END", "--stop", "STOP"]
    done = shell.run("ask", *flags, "--max-tokens", "500", "6 * 7?")
    assert (done.returncode, done.stdout, done.stderr) == (0, "42, and \n", "")
    body = simulator.requests[-1].body
    assert body["output_config"] == {"effort": "xhigh"}
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert (body["stop_sequences"], body["max_tokens"]) == (["END", "STOP"], 500)


def test_json_holds_no_thinking(shell: Shell, simulator: Simulator) -> None:
    simulator.script(THOUGHT)
    done = shell.run("ask", "--json", "--thinking", "shown", "6 * 7?")
    assert (json.loads(done.stdout)["response"], done.stderr) == ("42, and END of it.", "")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--effort", "huge"], "medium"),
        (["--thinking", "loud"], "shown"),
        (["--stop", " "], "not empty"),
    ],
    ids=["effort", "thinking", "stop"],
)
def test_a_flag_that_cannot_be_used_is_told_before_anything_is_sent(
    flags: list[str], says: str, shell: Shell, simulator: Simulator
) -> None:
    done = shell.run("ask", *flags, "Hello")
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert simulator.requests == ()


def test_thinking_is_shown_dim_and_before_the_answer(shell: Shell, simulator: Simulator) -> None:
    simulator.script(THOUGHT, THOUGHT)
    terminal = shell.start("ask", "--thinking", "shown", "6 * 7?")
    assert terminal.ends() == 0
    dim = terminal.seen.rindex("\x1b[2mSix times seven is forty-two.\x1b[0m")
    assert dim < terminal.seen.index("42, and END")

    terminal = shell.start("ask", "--thinking", "on", "6 * 7?")
    assert terminal.ends() == 0
    assert "Six times" not in terminal.seen


def test_without_colours_thinking_stands_apart(shell: Shell, simulator: Simulator) -> None:
    simulator.script(THOUGHT)
    terminal = shell.start("ask", "--thinking", "shown", "6 * 7?", NO_COLOR="1")
    assert terminal.ends() == 0
    assert terminal.seen == "Thinking: Six times seven is forty-two.\r\n\r\n42, and END of it.\r\n"


def test_effort_and_thinking_can_be_chosen_in_a_conversation(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(text="First."), THOUGHT, Reply(text="Third."))
    terminal = at_the_prompt(shell, "--effort", "low")
    terminal.types("One")
    terminal.sees("First.")
    terminal.sees(READY)

    terminal.types("/effort")
    terminal.sees("* low")
    terminal.sees("  max")
    terminal.sees(READY)
    terminal.types("/effort huge")
    terminal.sees("low, medium, high, xhigh, max, usual")
    terminal.sees(READY)
    terminal.types("/effort max")
    terminal.sees("effort is max")
    terminal.sees(READY)
    terminal.types("/thinking shown")
    terminal.sees("thinking is shown")
    terminal.sees(READY)
    terminal.types("Two")
    terminal.sees("Six times seven is forty-two.")
    terminal.sees("42, and END")
    terminal.sees(READY)

    terminal.types("/effort usual")
    terminal.sees(READY)
    terminal.types("/thinking")
    terminal.sees("* shown")
    terminal.sees(READY)
    terminal.types("/thinking off")
    terminal.sees(READY)
    terminal.types("Three")
    terminal.sees("Third.")
    terminal.sees(READY)
    terminal.types("/quit")
    assert terminal.ends() == 0
    asked = [(request.body["output_config"], request.body.get("thinking")) for request in simulator.requests]
    assert asked == [
        ({"effort": "low"}, None),
        ({"effort": "max"}, {"type": "adaptive", "display": "summarized"}),
        ({"effort": "high"}, {"type": "between_tools"}),
    ]


def test_thinking_that_is_cut_off_ends_its_line() -> None:
    answer, aside = io.StringIO(), io.StringIO()
    sheet = PlainSheet(answer, terminal=False, aside=aside)
    sheet.think("Let me \x1b[2J")
    sheet.think("see")
    sheet.end()
    assert (answer.getvalue(), aside.getvalue()) == ("", "Thinking: Let me ␛[2Jsee\n\n")
