"""A replica with three tools, one of each effect, which note every run before they do anything else."""

import asyncio
import os
import socket
import sys
from typing import Any, get_args

import uvicorn

from antiphon.bootstrap import open_service
from antiphon.server import create_app
from antiphon.settings import read_settings
from antiphon.telemetry import configure_logging
from antiphon.tools.tool import Effect, Tool

RUNS = "TESTED_TOOL_RUNS"
"""The variable that names the file of runs: a line `<effect> <mark>` each."""
SCHEMA = {"type": "object", "properties": {"mark": {"type": "string"}}, "required": ["mark"]}
TAKES_S = 0.15
"""Long enough for a kill to find it at work."""
EFFECTS: tuple[Effect, ...] = get_args(Effect)


def tool(effect: Effect, runs: int) -> Tool:
    """Named as its effect. `runs` is a descriptor; what was written to it outlives a `kill -9`."""

    async def call(given: dict[str, Any]) -> str:
        os.write(runs, f"{effect} {given['mark']}\n".encode())
        await asyncio.sleep(TAKES_S)
        return str(given["mark"])

    return Tool(name=effect, schema=SCHEMA, call=call, effect=effect)


async def serve() -> None:
    runs = os.open(os.environ[RUNS], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    settings = read_settings()
    service = await open_service(settings, tools=[tool(effect, runs) for effect in EFFECTS])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        app = create_app(settings, service=service)
        await uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None)).serve([listener])


if __name__ == "__main__":
    configure_logging()
    asyncio.run(serve())
