"""The program itself: what it lists, and how little it needs for that."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.cli.conftest import WITHIN_S, Shell

HEAVY = {"anthropic", "fastapi", "sqlalchemy", "prompt_toolkit", "pydantic"}


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(word: str, stranger: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "antiphon", word],
        capture_output=True,
        encoding="utf-8",
        env=stranger.environment,
        timeout=WITHIN_S,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert HEAVY.isdisjoint(imported)


def test_the_list_of_commands(stranger: Shell) -> None:
    done = stranger.run("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("Commands")[2]
    rows = [line.strip("│ ").split("  ")[0] for line in listed.splitlines() if line.startswith("│")]
    assert rows == ["chat", "ask", "serve", "simulate", "local", "history", "cost", "migrate"]


@pytest.mark.parametrize(
    "command", ["chat", "ask", "serve", "simulate", "local", "history", "cost", "migrate"]
)
def test_each_command_that_is_listed_can_be_asked_for_help(command: str, stranger: Shell) -> None:
    done = stranger.run(command, "--help")
    assert done.returncode == 0
    assert f"antiphon {command}" in done.stdout


def test_the_version(stranger: Shell) -> None:
    done = stranger.run("--version")
    assert (done.returncode, done.stdout) == (0, f"antiphon {version('antiphon')}\n")


def test_a_misspelt_command_is_a_usage_error_with_a_guess(stranger: Shell) -> None:
    done = stranger.run("chta")
    assert done.returncode == 2
    assert "'chat'" in done.stderr
