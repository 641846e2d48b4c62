"""What somebody offers, in whatever form, as one toolbox."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from antiphon.errors import ConfigurationError
from antiphon.tools.function import FunctionTool
from antiphon.tools.history import NAME as SEARCH_HISTORY
from antiphon.tools.history import Search, search_history
from antiphon.tools.loading import as_tool
from antiphon.tools.mcp_server import McpServer
from antiphon.tools.server_tool import SERVER_TOOLS, ServerTool
from antiphon.tools.tool import Tool
from antiphon.tools.toolbox import Source, Toolbox

Offered: TypeAlias = Callable[..., Any] | FunctionTool[..., Any] | Tool | ServerTool | McpServer | str
"""A function, a tool, one of Claude's own by its name, `search_history`, or an MCP server."""


def make_toolbox(
    offered: Iterable[Offered], *, search: Search, budgeted: bool, approve: Sequence[str] = ()
) -> Toolbox:
    """The toolbox of all that is offered. `budgeted`: a budget is in force, so costs must be bounded.
    `approve`: names of tools that ask a person first.

    Raises:
        ConfigurationError: something is not a tool, two have one name, a tool of Claude's has no limit, or
            what is to ask first cannot.
    """
    tools: list[Tool | ServerTool] = []
    servers: list[McpServer] = []
    for each in offered:
        match each:
            case McpServer():
                servers.append(each)
            case ServerTool():
                tools.append(each)
            case str():
                tools.append(_named(each, search))
            case _:
                tools.append(as_tool(each))
    for tool in tools:
        if budgeted and isinstance(tool, ServerTool) and tool.max_uses is None:
            raise ConfigurationError(
                f"{tool.name} has no max_uses. A budget is in force, and only how often they may be used "
                "bounds what Claude's own tools cost: give max_uses."
            )
    _check_servers(servers)
    _check_approve(approve, tools, servers)
    return Toolbox(tools, [_source(server) for server in servers], approve)


def _check_approve(
    approve: Iterable[str], tools: Iterable[Tool | ServerTool], servers: Iterable[McpServer]
) -> None:
    """A name that is not there is a slip, and its tool would run unasked."""
    can_ask = {tool.name for tool in tools if isinstance(tool, Tool)}
    theirs = tuple(f"{server.name}__" for server in servers)
    for name in approve:
        if name not in can_ask and not name.startswith(theirs):
            raise ConfigurationError(
                f"There is no tool {name!r} that could ask for approval. Give the name of a function, or "
                "server__tool of an MCP server; Claude's own tools run at Claude's and cannot ask."
            )


def _named(name: str, search: Search) -> Tool | ServerTool:
    if name == SEARCH_HISTORY:
        return search_history(search)
    for known in SERVER_TOOLS:
        if name == known:
            return ServerTool(known)
    known_names = ", ".join((*SERVER_TOOLS, SEARCH_HISTORY))
    raise ConfigurationError(f"There is no tool {name!r} that can be named; known are {known_names}.")


def _check_servers(servers: list[McpServer]) -> None:
    names = [server.name for server in servers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(f"Two MCP servers have the same name: {', '.join(twice)}.")


def _source(server: McpServer) -> Source:
    """The SDK, which takes half a second to load, is for who has a server."""
    try:
        from antiphon.tools.mcp.source import McpTools  # noqa: PLC0415 - see above
    except ImportError as error:
        raise ConfigurationError(
            'MCP servers need the MCP SDK, which is not installed: pip install "antiphon[mcp]".'
        ) from error
    return McpTools(server)
