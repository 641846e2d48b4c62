"""What a conversation shows: the value that the fold makes of its events."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from antiphon.domain.events import Problem, TurnStatus
from antiphon.domain.messages import Block, Message
from antiphon.domain.usage import Usage

RunStatus: TypeAlias = Literal["queued", "running", "waiting"] | TurnStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRun:
    """A tool's run as shown. `content` is None while it runs."""

    tool_use_id: str
    name: str
    input: Any
    is_error: bool = False
    content: tuple[Block, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A tool use that a person is asked about. `decision` is None until one was made.

    `expires_at` is in milliseconds since the epoch. `by` is who decided: nobody, where it expired.
    """

    id: str
    tool_use_id: str
    name: str
    input: Any
    expires_at: int
    decision: Literal["allow", "deny", "edit", "expire"] | None = None
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An attempt that failed and was followed by another of its step."""

    step: int
    attempt: int
    model: str
    error: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Another model took a step over."""

    step: int
    from_model: str
    to_model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn as shown. `message_id` is the user's message; None where an answer is made again."""

    id: str
    message_id: str | None
    parent_id: str | None = None
    status: RunStatus = "queued"
    steps: tuple[tuple[str, ...], ...] = ()
    """Per step the ids of its messages: the assistant's, then the tool results if there are any."""
    attempt: int = 0
    writing: Message | None = None
    """The assistant's message that is being written now; a `tool_use` in it holds `partial_json`."""
    tools: tuple[ToolRun, ...] = ()
    approvals: tuple[Approval, ...] = ()
    retries: tuple[Retry, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    stop_reason: str | None = None
    model: str | None = None
    usage: Usage = Usage()
    cost_nanodollars: int = 0
    saved_nanodollars: int = 0
    error: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation folded up to and including event `seq`."""

    seq: int = 0
    title: str = ""
    system: str = ""
    model: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    messages: dict[str, Message] = field(default_factory=dict)
    head: str | None = None
    turns: dict[str, Turn] = field(default_factory=dict)
    running: str | None = None

    def path(self, message_id: str | None = None) -> list[Message]:
        """The messages from the root to `message_id` (default: the head)."""
        path: list[Message] = []
        at = self.head if message_id is None else message_id
        while at is not None:
            message = self.messages[at]
            path.append(message)
            at = message.parent_id
        path.reverse()
        return path
