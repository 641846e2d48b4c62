"""How a server is reached: a program's stdin and stdout, or streamable HTTP."""

import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TextIO

import httpx2
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.session import MessageHandlerFnT
from mcp.client.streamable_http import streamable_http_client

from antiphon.tools.mcp_server import McpServer

READ_S = 300.0
"""A server may be silent for so long while a tool runs."""


@asynccontextmanager
async def connected(server: McpServer, heard: MessageHandlerFnT) -> AsyncGenerator[Client]:
    """A session with the server; `heard` gets its notifications.

    Raises:
        TimeoutError, OSError, MCPError, httpx2.HTTPError, also in groups: it cannot be reached.
    """
    async with AsyncExitStack() as stack:
        if server.url is not None:
            timeout = httpx2.Timeout(server.start_s, read=READ_S)
            http = await stack.enter_async_context(
                httpx2.AsyncClient(headers=dict(server.headers), timeout=timeout)
            )
            transport = streamable_http_client(server.url, http_client=http)
        else:
            program, *arguments = server.words
            parameters = StdioServerParameters(
                command=program, args=arguments, env=dict(server.env), cwd=server.cwd
            )
            transport = stdio_client(parameters, stack.enter_context(_errors(server)))
        yield await stack.enter_async_context(Client(transport, message_handler=heard, cache=None))


def _errors(server: McpServer) -> TextIO:
    """Where its stderr goes; never to ours, which may be a terminal that somebody chats on."""
    return Path(server.log or os.devnull).open("a", encoding="utf-8")
