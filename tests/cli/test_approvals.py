"""A tool that asks first, as the person at the terminal meets it."""

from pathlib import Path
from typing import Any

import pytest

from antiphon.simulator.presets import tool_call
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from tests.cli.conftest import Shell, Terminal
from tests.cli.test_chat import at_the_prompt

TILL = '''
from antiphon import tool


@tool
def pay(usd: int) -> str:
    """Pays."""
    return f"paid {usd}"
'''
SETTINGS = '[tools]\nfunctions = ["till:pay"]\napprove = ["pay"]\n'
QUESTION = "Run it?"


@pytest.fixture
def till(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """A folder whose settings name a tool that asks, and a Claude that wants to use it."""
    (tmp_path / "till.py").write_text(TILL)
    (tmp_path / "antiphon.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    simulator.script(tool_call("pay", {"usd": 3}, text="Let me pay."), Reply(text="That is done."))


def results(simulator: Simulator) -> list[dict[str, Any]]:
    return [
        block
        for message in simulator.requests[-1].body["messages"]
        for block in message["content"]
        if block["type"] == "tool_result"
    ]


def asked(shell: Shell) -> Terminal:
    terminal = at_the_prompt(shell)
    terminal.types("Pay 3 dollars")
    terminal.sees("Let me pay.")
    terminal.sees("pay with {")
    terminal.sees('"usd": 3')
    terminal.sees(QUESTION)
    return terminal


def leaves(terminal: Terminal) -> None:
    terminal.types("/quit")
    assert terminal.ends() == 0


@pytest.mark.usefixtures("till")
def test_yes(shell: Shell, simulator: Simulator) -> None:
    terminal = asked(shell)
    terminal.types("perhaps")
    terminal.sees(QUESTION)
    terminal.types("y")
    terminal.sees("That is done.")
    leaves(terminal)
    assert [result["content"][0]["text"] for result in results(simulator)] == ["paid 3"]


@pytest.mark.usefixtures("till")
def test_no_and_why(shell: Shell, simulator: Simulator) -> None:
    terminal = asked(shell)
    terminal.types("n too dear")
    terminal.sees("That is done.")
    leaves(terminal)
    assert "Their reason: too dear" in str(results(simulator))


@pytest.mark.usefixtures("till")
def test_with_another_input(shell: Shell, simulator: Simulator) -> None:
    terminal = asked(shell)
    terminal.types("e")
    terminal.sees("Input as JSON")
    terminal.presses("u")
    terminal.types('{"usd": 2}')
    terminal.sees("That is done.")
    leaves(terminal)
    assert 'ran with: {"usd":2}' in str(results(simulator))


@pytest.mark.usefixtures("till")
def test_ctrl_c_stops_the_answer_and_nothing_is_run(shell: Shell, simulator: Simulator) -> None:
    terminal = asked(shell)
    terminal.presses("c")
    terminal.sees("Stopped.")
    terminal.types("Never mind")
    terminal.sees("That is done.")
    leaves(terminal)
    (denied,) = results(simulator)
    assert denied["is_error"]


@pytest.mark.usefixtures("till")
def test_without_a_terminal_it_is_denied(shell: Shell, simulator: Simulator) -> None:
    done = shell.run("ask", "Pay 3 dollars")
    assert (done.returncode, done.stdout) == (0, "Let me pay.That is done.\n")
    assert "There was no terminal to ask in" in str(results(simulator))
