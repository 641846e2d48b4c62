"""One MCP server as a source of tools: it is kept connected, its list is followed, and its death is told."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from mcp import Client
from mcp import Tool as McpTool
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp.types import CONNECTION_CLOSED, METHOD_NOT_FOUND, ToolListChangedNotification

from antiphon.errors import ToolError
from antiphon.tools.mcp.connecting import connected
from antiphon.tools.mcp.mapping import TOOLS_MAX, result_of, tool_of
from antiphon.tools.mcp_server import McpServer
from antiphon.tools.tool import Tool

log = structlog.get_logger()

LOOK_S = 30.0
"""A server is asked for its list so often even if it announces nothing: so its death is noticed."""
PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
PAGES_MAX = 50


def pause_s(failures: int) -> float:
    """Seconds before the next try after so many failures in a row, without jitter."""
    return float(min(PAUSE_S * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE_S))


class McpTools:
    """The tools of one server. While it is away they stay on offer, so that the prefix of requests stays, and
    answer with a sentence that says so.
    """

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self._tools: Mapping[str, Tool] = {}
        self._client: Client | None = None
        self._tried = asyncio.Event()
        self._changed = asyncio.Event()
        self._lost = False
        """It is away, and the log says so."""
        self._task: asyncio.Task[None] | None = None

    @property
    def tools(self) -> Mapping[str, Tool]:
        return self._tools

    async def open(self) -> None:
        """Connect; a server that does not answer in time is tried on in the background."""
        self._task = asyncio.create_task(self._run(), name=f"MCP server {self._server.name}")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._server.start_s):
                await self._tried.wait()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._session()
            except Exception as error:  # noqa: BLE001 - a server may fail in any way; it is tried again
                failures = 1 if self._client is not None else failures + 1
                if not self._lost:
                    log.warning(
                        "mcp_server_away", server=self._server.name, error=_kind(error), told=self._away()
                    )
                self._lost = True
            finally:
                self._client = None
                self._tried.set()
            await asyncio.sleep(pause_s(failures) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _session(self) -> None:
        """Connect and stay so. Ends only by an exception."""
        self._changed.clear()
        async with asyncio.timeout(self._server.start_s) as starting:
            async with connected(self._server, self._heard) as client:
                await self._list(client)
                starting.reschedule(None)
                self._client = client
                self._tried.set()
                if self._lost:
                    log.warning("mcp_server_back", server=self._server.name, tools=len(self._tools))
                self._lost = False
                listener = asyncio.create_task(self._listen(client))
                try:
                    await self._follow(client)
                finally:
                    listener.cancel()
                    await asyncio.gather(listener, return_exceptions=True)

    async def _follow(self, client: Client) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._changed.wait()
            self._changed.clear()
            async with asyncio.timeout(self._server.start_s):
                await self._list(client)

    async def _listen(self, client: Client) -> None:
        """Changes of the list, from servers that announce them on request. A lost stream is looked into."""
        with suppress(ListenNotSupportedError, SubscriptionLost, MCPError):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._changed.set()
        self._changed.set()

    async def _heard(self, message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._changed.set()

    async def _list(self, client: Client) -> None:
        tools = [self._tool(offered) for offered in await _offered(client)]
        named = {tool.name: tool for tool in tools if tool is not None}
        if _told(named) != _told(self._tools):
            self._tools = named

    def _tool(self, offered: McpTool) -> Tool | None:
        call = partial(self._call, offered.name)
        approve = self._server.approve
        approval = approve if isinstance(approve, bool) else offered.name in approve
        return tool_of(self._server.name, offered, call, self._server.timeout_s, approval=approval)

    async def _call(self, name: str, given: dict[str, Any]) -> Any:
        client = self._client
        if client is None:
            raise ToolError(self._away())
        try:
            return result_of(await client.call_tool(name, given))
        except MCPError as error:
            self._changed.set()  # it is worth a look whether it still lives
            if error.code == CONNECTION_CLOSED:
                raise ToolError(
                    f"The MCP server {self._server.name} broke off while the tool ran; its effect is unknown."
                ) from error
            raise ToolError(f"The MCP server {self._server.name} refused: {error.message}") from error
        except ToolError:
            raise
        except Exception:
            self._changed.set()
            raise

    def _away(self) -> str:
        return (
            f"The MCP server {self._server.name} cannot be reached, so its tools are disabled for now; "
            "nothing was run. Go on without them, or tell the user."
        )


def _kind(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__


async def _offered(client: Client) -> list[McpTool]:
    """The server's list, page by page; a server may have no tools at all."""
    found: list[McpTool] = []
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        try:
            page = await client.list_tools(cursor=cursor)
        except MCPError as error:
            if error.code == METHOD_NOT_FOUND:
                break
            raise
        found += page.tools
        cursor = page.next_cursor
        if cursor is None or len(found) >= TOOLS_MAX:
            break
    return found[:TOOLS_MAX]


def _told(tools: Mapping[str, Tool]) -> dict[str, Any]:
    """What makes a list another list."""
    return {name: (tool.wire(), tool.effect) for name, tool in tools.items()}
