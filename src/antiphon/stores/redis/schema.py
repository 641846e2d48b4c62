"""The version of what is stored: code refuses data that a newer version wrote."""

from antiphon.errors import NewerData
from antiphon.stores.redis.keys import SCHEMA
from antiphon.stores.redis.scripts import Command
from antiphon.stores.redis.server import Server

VERSION = 1
"""What this code reads and writes."""


async def check_schema(server: Server) -> None:
    """Write the version where there is none. Raises NewerData."""
    await server.run(Command(("SET", SCHEMA, VERSION, "NX"), SCHEMA))
    found = int(await server.run(Command(("GET", SCHEMA), SCHEMA)))
    if found > VERSION:
        raise NewerData(
            f"This data was written by a newer version of Antiphon (schema {found}; this program knows "
            f"{VERSION}). Nothing was changed; install the newer version."
        )
