"""`antiphon migrate`: bring a store to the schema of this version, before anything else opens it."""

import asyncio

import typer

from antiphon.bootstrap import make_store
from antiphon.cli.exits import Exit, say
from antiphon.cli.flags import Store
from antiphon.errors import AntiphonError
from antiphon.settings import Settings, read_settings, with_lasting_store


def migrate(store: Store = None) -> None:
    """Bring the store to the schema that this version of Antiphon works with.

    What is there is kept; a file of SQLite is copied beside itself before it is changed. With
    ANTIPHON_MIGRATE=never nothing but this command changes a schema.
    """
    try:
        settings = _settings(store)
        asyncio.run(_migrate(settings))
    except AntiphonError as error:
        say(error.detail)
        raise typer.Exit(Exit.CONFIGURATION) from None
    typer.echo(_told(settings))


def _settings(store: str | None) -> Settings:
    """Raises ConfigurationError."""
    return with_lasting_store(read_settings(store=store)).model_copy(update={"migrate": "auto"})


async def _migrate(settings: Settings) -> None:
    """Opening migrates. Raises ConfigurationError, StoreUnavailable, NewerData."""
    store = make_store(settings)
    await store.open()
    await store.close()


def _told(settings: Settings) -> str:
    match settings.store.partition("://")[0]:
        case "sqlite" | "postgresql" | "postgres":
            from antiphon.stores.sql.tables import SCHEMA  # noqa: PLC0415 - only with its driver

            return f"The store is at schema {SCHEMA}, which this version of Antiphon works with."
        case _:
            return "This store has no schema to migrate; it can be opened."
