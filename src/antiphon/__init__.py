"""A chatbot on the Claude API that you can put in production.

The public API is what this module lists; everything else may change.
"""

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
    InputError,
    InvalidRequest,
    KeyReused,
    MissingCredentials,
    NotFound,
    OverBudget,
    QueueFull,
    SpendLimitReached,
    StoreError,
    StoreUnavailable,
    TooLarge,
    UnknownModel,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)

if TYPE_CHECKING:
    from antiphon.chat import AsyncChat, Chat, Reply, Stats

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
    "InputError",
    "InvalidRequest",
    "KeyReused",
    "MissingCredentials",
    "NotFound",
    "OverBudget",
    "QueueFull",
    "Reply",
    "SpendLimitReached",
    "Stats",
    "StoreError",
    "StoreUnavailable",
    "TooLarge",
    "UnknownModel",
    "UpstreamAuth",
    "UpstreamBusy",
    "UpstreamFailed",
    "UpstreamRejected",
    "Usage",
]


def __getattr__(name: str) -> Any:
    """Load the chat, and with it the SDK (over a second), only for who asks for it."""
    if name in ("AsyncChat", "Chat", "Reply", "Stats"):
        from antiphon import chat  # noqa: PLC0415 - see above

        return getattr(chat, name)
    raise AttributeError(f"module 'antiphon' has no attribute {name!r}")
