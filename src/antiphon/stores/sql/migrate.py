"""Bringing a database to the schema of this code, by Alembic; only loaded when there is something to do."""

import importlib.util
import sqlite3
from pathlib import Path

from sqlalchemy import Engine, inspect, text

from antiphon.errors import NewerData
from antiphon.stores.sql.tables import SCHEMA


def schema_of(engine: Engine) -> str | None:
    """The schema's version; None for an empty database."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def migrate(engine: Engine, *, copy_to: Path | None = None) -> None:
    """Upgrade to `SCHEMA`. An existing SQLite file is copied beside itself first.

    Raises:
        NewerData: the database was written by a newer version.
    """
    version = schema_of(engine)
    if version == SCHEMA:
        return
    if version is not None and version > SCHEMA:
        raise NewerData(
            f"This data was written by a newer version of Antiphon (schema {version}; this program knows "
            f"{SCHEMA}). Nothing was changed; install the newer version."
        )
    if version is not None and copy_to is not None:
        _copy(copy_to, copy_to.with_suffix(f".before-{SCHEMA}{copy_to.suffix}"))
    _upgrade(engine)


def _copy(source: Path, target: Path) -> None:
    old, new = sqlite3.connect(source), sqlite3.connect(target)
    try:
        old.backup(new)
    finally:
        old.close()
        new.close()


def _upgrade(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - 150 ms, only needed when the schema changes
    from alembic.config import Config  # noqa: PLC0415

    spec = importlib.util.find_spec("antiphon.stores.sql")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    config = Config()
    config.set_main_option("script_location", str(Path(spec.submodule_search_locations[0]) / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
