"""The script that sees to a browser for the tests."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "chromium.py"


def run() -> tuple[int, list[str]]:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr.splitlines()


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_chromium_that_is_named_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("ANTIPHON_CHROMIUM", str(program(tmp_path, "mine")))
    assert run() == (0, [])


def test_a_chromium_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTIPHON_CHROMIUM", raising=False)
    program(tmp_path, "chromium")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run() == (0, [])


def test_without_one_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_CHROMIUM", str(tmp_path / "nothing"))
    status, [line] = run()
    assert status == 1
    assert "ANTIPHON_CHROMIUM" in line
