"""`antiphon history` on conversations that `antiphon ask` has made."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from antiphon.cli import app
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """Two conversations in the data folder of a person."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    simulator.script(Reply(text="Seven ships."), Reply(text="Rome."))
    assert run("ask", "--session", "harbour", "How many ships?").exit_code == 0
    assert run("ask", "--session", "travel", "Which city?").exit_code == 0


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def test_conversations_are_listed_shown_and_found() -> None:
    assert len(run("history", "list").stdout.splitlines()) == 2
    assert run("history", "show", "harbour").stdout == "You: How many ships?\n\nClaude: Seven ships.\n\n"
    found = run("history", "search", "seven", "ships").stdout.splitlines()
    assert len(found) == 1
    assert found[0].endswith("Seven ships.")
    whole = found[0].split()[0]
    assert run("history", "show", whole).stdout == run("history", "show", whole[-6:]).stdout
    assert run("history", "search", "submarine").stdout == ""


def test_a_conversation_moves_to_another_store(tmp_path: Path) -> None:
    document = run("history", "export", "harbour").stdout
    assert json.loads(document)["events"]
    elsewhere = f"sqlite:///{tmp_path / 'other.db'}"
    made = run("history", "import", "--store", elsewhere, stdin=document).stdout.strip()
    shown = run("history", "show", made, "--store", elsewhere).stdout
    assert shown == run("history", "show", "harbour").stdout


def test_a_conversation_is_deleted_and_its_cost_stays() -> None:
    before = run("cost", "--by", "model", "--json").stdout
    assert "is deleted" in run("history", "delete", "harbour").stdout
    assert len(run("history", "list").stdout.splitlines()) == 1
    assert run("cost", "--by", "model", "--json").stdout == before


def test_what_is_not_there_is_said_in_one_sentence() -> None:
    gone = run("history", "show", "nothing-of-this-name")
    assert gone.exit_code != 0
    assert gone.stderr.count("\n") == 1
    assert run("history", "import", stdin="{").exit_code != 0
