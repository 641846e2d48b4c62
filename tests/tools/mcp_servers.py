"""A small MCP server: `python mcp_servers.py` speaks by stdin and stdout, with a port by HTTP."""

import asyncio
import base64
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

server = MCPServer("small")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def forecast(city: str, days: int = 1) -> str:
    """The weather of a city."""
    return f"{days} days of sun in {city}"


@server.tool(annotations=ToolAnnotations(idempotent_hint=True))
def remember(word: str) -> str:
    """Remembers a word."""
    return f"{word}, {os.environ.get('GREETING', 'no greeting')}"


@server.tool(structured_output=False)
def everything() -> list[Any]:
    """One of each kind of content."""
    text = TextResourceContents(uri="file:///a.txt", mime_type="text/plain", text="the file")
    return [
        TextContent(text="a text"),
        ImageContent(data=PNG, mime_type="image/png"),
        AudioContent(data=base64.b64encode(b"la").decode(), mime_type="audio/wav"),
        EmbeddedResource(resource=text),
        ResourceLink(uri="https://example.com/", name="A page"),
    ]


@server.tool()
def fail() -> str:
    """Fails."""
    raise ToolError("The moon is in the way.")


@server.tool()
def shout() -> str:
    """Says 5 MB."""
    return "x" * 5_000_000


@server.tool()
async def hang() -> str:
    """Never answers."""
    await asyncio.Event().wait()
    return ""


@server.tool()
def die(code: int) -> str:
    """Ends the server."""
    os._exit(code)


@server.tool()
async def grow(ctx: Context) -> str:
    """Gets a new tool."""

    def more() -> str:
        """Is new."""
        return "more"

    server.add_tool(more)
    announce: Callable[[], Awaitable[None]] = ctx.notify_tools_changed
    await announce()
    return "grown"


def main() -> None:
    if len(sys.argv) > 2:
        with Path(sys.argv[2]).open("a", encoding="utf-8") as started:
            started.write(f"{os.getpid()}\n")
    if len(sys.argv) > 1 and sys.argv[1] != "stdio":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run()


if __name__ == "__main__":
    main()
