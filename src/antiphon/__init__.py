"""A chatbot on the Claude API that you can put in production.

The public API is what this module lists; everything else may change.
"""

import importlib
from typing import TYPE_CHECKING, Any

from antiphon.domain.usage import Usage
from antiphon.errors import (
    AnswerError,
    AnswerInterrupted,
    AntiphonError,
    Busy,
    ConfigurationError,
    Conflict,
    DeadlineExceeded,
    EmptyAnswer,
    InputError,
    InvalidRequest,
    KeyReused,
    MissingCredentials,
    NoRoom,
    NotFound,
    OverBudget,
    QueueFull,
    SpendLimitReached,
    StoreError,
    StoreUnavailable,
    TooLarge,
    ToolError,
    UnknownModel,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)

if TYPE_CHECKING:
    from antiphon.chat import AsyncChat, Chat, Reply, Stats
    from antiphon.tools.function import tool
    from antiphon.tools.mcp_server import McpServer
    from antiphon.tools.server_tool import ServerTool

__all__ = [
    "AnswerError",
    "AnswerInterrupted",
    "AntiphonError",
    "AsyncChat",
    "Busy",
    "Chat",
    "ConfigurationError",
    "Conflict",
    "DeadlineExceeded",
    "EmptyAnswer",
    "InputError",
    "InvalidRequest",
    "KeyReused",
    "McpServer",
    "MissingCredentials",
    "NoRoom",
    "NotFound",
    "OverBudget",
    "QueueFull",
    "Reply",
    "ServerTool",
    "SpendLimitReached",
    "Stats",
    "StoreError",
    "StoreUnavailable",
    "TooLarge",
    "ToolError",
    "UnknownModel",
    "UpstreamAuth",
    "UpstreamBusy",
    "UpstreamFailed",
    "UpstreamRejected",
    "Usage",
    "tool",
]

_LAZY = {
    "antiphon.chat": ("AsyncChat", "Chat", "Reply", "Stats"),
    "antiphon.tools.function": ("tool",),
    "antiphon.tools.mcp_server": ("McpServer",),
    "antiphon.tools.server_tool": ("ServerTool",),
}
"""What is loaded only for who asks for it, by the module that has it."""


def __getattr__(name: str) -> Any:
    """Load the chat, and with it the SDK (over a second), only for who asks for it."""
    for module, names in _LAZY.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'antiphon' has no attribute {name!r}")
