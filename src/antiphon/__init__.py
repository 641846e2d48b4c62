"""A chatbot on the Claude API that you can put in production.

The public API is what this module lists; everything else may change.
"""

from antiphon.chat import AsyncChat, Chat, Reply, Stats
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
    StoreError,
    StoreUnavailable,
    TooLarge,
    UnknownModel,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)

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
