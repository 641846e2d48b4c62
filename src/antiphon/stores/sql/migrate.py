"""Bringing a database to the schema of this code, by Alembic; only loaded when there is something to do."""

import importlib.util
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from antiphon.errors import NewerData
from antiphon.stores.sql.tables import SCHEMA


def schema_of(connection: Connection) -> str | None:
    """The schema's version; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def is_current(version: str | None) -> bool:
    """Whether there is nothing to migrate.

    Raises:
        NewerData: the database was written by a newer version.
    """
    if version is not None and version > SCHEMA:
        raise NewerData(
            f"This data was written by a newer version of Antiphon (schema {version}; this program knows "
            f"{SCHEMA}). Nothing was changed; install the newer version."
        )
    return version == SCHEMA


def migrate(engine: Engine, *, copy_to: Path | None = None) -> None:
    """Upgrade to `SCHEMA`. An existing SQLite file is copied beside itself first. Raises NewerData."""
    with engine.connect() as connection:
        version = schema_of(connection)
    if is_current(version):
        return
    if version is not None and copy_to is not None:
        _copy(copy_to, copy_to.with_suffix(f".before-{SCHEMA}{copy_to.suffix}"))
    with engine.begin() as connection:
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of this connection."""
    from alembic import command  # noqa: PLC0415 - 150 ms, only needed when the schema changes
    from alembic.config import Config  # noqa: PLC0415

    spec = importlib.util.find_spec("antiphon.stores.sql")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    config = Config()
    config.set_main_option("script_location", str(Path(spec.submodule_search_locations[0]) / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _copy(source: Path, target: Path) -> None:
    old, new = sqlite3.connect(source), sqlite3.connect(target)
    try:
        old.backup(new)
    finally:
        old.close()
        new.close()
