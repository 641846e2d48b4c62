"""`antiphon cost`: what was spent, in a terminal, a pipe, and a program."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from antiphon.simulator.script import HangUp, Reply
from antiphon.simulator.server import Simulator
from tests.cli.conftest import Shell

TODAY = datetime.now(UTC).date()
USAGE = {"input_tokens": 100, "cache_read_input_tokens": 300, "output_tokens": 10}


@pytest.fixture
def spent(shell: Shell, simulator: Simulator) -> Shell:
    """Two models have answered, one of them twice."""
    simulator.script(*[Reply(usage=USAGE)] * 3)
    for model in ("claude-sonnet-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"):
        assert shell.run("ask", "--model", model, "Hello").returncode == 0
    return shell


def test_a_pipe_gets_a_plain_table(spent: Shell) -> None:
    done = spent.run("cost", ANTIPHON_BUDGET_USD="1", ANTIPHON_BUDGET_PERIOD="month")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["day", "model", "requests", "input", "cached", "output", "USD", "saved"]
    sonnet = [str(TODAY), "claude-sonnet-5-5", "2", "800", "600", "20", "0.00066", "0.00114"]
    assert sonnet in lines
    assert ["all", "3"] in [line[:2] for line in lines]
    assert not re.search("\x1b|[▀-▟]", done.stdout)
    (budget,) = [line for line in lines if line[:1] == ["installation/month"]]
    assert budget[1].endswith("-01T00:00:00Z")
    assert budget[2] == "1"
    assert 0.998 < float(budget[3]) < 1


def test_json_is_the_body_of_the_http_api_on_one_line(spent: Shell) -> None:
    done = spent.run("cost", "--json", "--by", "model,principal")
    assert done.stdout.count("\n") == 1
    told = json.loads(done.stdout)
    assert told["by"] == ["model", "principal"]
    assert [(row["model"], row["requests"]) for row in told["rows"]] == [
        ("claude-haiku-5-5", 1),
        ("claude-sonnet-5-5", 2),
    ]
    assert told["rows"][0]["principal"] == "local"
    assert told["total"]["requests"] == 3


def test_csv_can_be_read_by_a_program(spent: Shell) -> None:
    done = spent.run("cost", "--csv", "--by", "purpose,model")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["purpose"], row["model"], row["requests"]) for row in rows] == [
        ("answer", "claude-haiku-5-5", "1"),
        ("answer", "claude-sonnet-5-5", "2"),
    ]
    assert (rows[1]["cost_usd"], rows[1]["cache_read_tokens"], rows[1]["open_usd"]) == ("0.00066", "600", "0")


def test_days_can_be_chosen_and_are_whole(spent: Shell) -> None:
    def requests(*days: str) -> int:
        told = json.loads(spent.run("cost", "--json", *days).stdout)
        return int(told["total"]["requests"])

    assert requests("--since", f"{TODAY - timedelta(days=1)}", "--until", f"{TODAY + timedelta(days=1)}") == 3
    assert requests("--until", f"{TODAY - timedelta(days=1)}") == 0


def test_a_terminal_gets_a_plot_too(spent: Shell) -> None:
    terminal = spent.start("cost", "--by", "model", NO_COLOR="1")
    assert terminal.ends() == 0
    bars = [line for line in terminal.seen.splitlines() if "█" in line]
    assert [line.split()[0] for line in bars] == ["claude-sonnet-5-5", "claude-haiku-5-5"]
    assert bars[0].count("█") == 40
    assert not re.search("\x1b\\[[0-9;]*3[0-9]m", terminal.seen)


def test_a_cost_whose_usage_never_came_is_told_apart(shell: Shell, simulator: Simulator) -> None:
    simulator.script(Reply(fault=HangUp(after=2)))
    assert shell.run("ask", "Hello").returncode == 1
    assert "whose usage never came" in shell.run("cost").stdout


def test_where_nothing_was_spent_it_says_so(shell: Shell) -> None:
    done = shell.run("cost")
    assert (done.returncode, done.stdout) == (0, "Nothing was spent.\n")
    assert shell.run("cost", "--csv").stdout.startswith("day,model,requests,cost_usd")


def test_what_cannot_be_asked_is_a_sentence(shell: Shell) -> None:
    for words in (("--by", "hour"), ("--since", "yesterday")):
        done = shell.run("cost", *words)
        assert (done.returncode, done.stdout) == (2, "")
    done = shell.run("cost", "--json", "--by", "hour")
    assert json.loads(done.stderr)["type"] == "/problems/invalid-request"


def test_over_budget_is_an_exit_code_of_its_own(shell: Shell, simulator: Simulator) -> None:
    poor = {"ANTIPHON_BUDGET_USD": "0.0000001"}
    done = shell.run("ask", "Hello", **poor)
    assert (done.returncode, done.stdout) == (4, "")
    assert "The budget of this installation does not cover this request" in done.stderr
    told = json.loads(shell.run("ask", "--json", "Hello", **poor).stderr)
    assert (told["type"], told["budget"], told["left_usd"]) == (
        "/problems/over-budget",
        "installation/total",
        "0.0000001",
    )
    talked = shell.run("chat", stdin="Hello\n/cost\n", **poor)
    assert talked.returncode == 4
    assert "Nothing was sent to Claude." in talked.stderr


def test_a_model_without_a_price_comes_with_the_lines_to_add(shell: Shell, simulator: Simulator) -> None:
    done = shell.run("ask", "--model", "claude-nine", "Hello")
    assert done.returncode == 2
    assert '[model."claude-nine"]' in done.stderr
    assert simulator.requests == ()


def test_a_budget_that_cannot_be_used_is_named(shell: Shell) -> None:
    done = shell.run("cost", ANTIPHON_BUDGET_USD="-1")
    assert done.returncode == 3
    assert "budget_usd" in done.stderr
    assert "ANTIPHON_" in done.stderr
