"""Alembic runs this for each command; the connection comes from `migrate`."""

from alembic import context

from antiphon.stores.sql.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
