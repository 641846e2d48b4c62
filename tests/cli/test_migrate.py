"""`antiphon migrate`: the schema of a store, or why it cannot be had."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from antiphon.cli import app
from antiphon.stores.sql.tables import SCHEMA


def migrate(*words: str) -> Result:
    return CliRunner().invoke(app, ["migrate", *words])


def test_a_database_is_made_and_its_schema_told(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'antiphon.db'}"
    for _ in range(2):
        done = migrate("--store", store)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith(f"The store is at schema {SCHEMA}")
    assert (tmp_path / "antiphon.db").exists()


def test_without_a_store_it_is_the_one_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert migrate().exit_code == 0
    assert (tmp_path / "antiphon" / "antiphon.db").exists()


def test_what_cannot_be_opened_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Zoe, this is no database. " * 100)
    for store in (f"sqlite:///{tmp_path / 'letter.db'}", "postgresql://127.0.0.1:9/nobody", "shelf://"):
        done = migrate("--store", store)
        assert (done.exit_code, done.stdout) == (3, "")
        assert done.stderr.strip().endswith(".")
        assert "Traceback" not in done.stderr
