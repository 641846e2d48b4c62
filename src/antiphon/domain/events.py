"""The events of a conversation's log. The stored row is the frame on the wire: `type`, `seq` and this JSON.

Each event carries `v`, the version of its schema. `seq` is given by the store and is not part of the data;
times (`at`) are milliseconds since the epoch. An event of a running turn belongs to the turn whose
`turn_start` came last: a conversation runs one turn at a time.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from antiphon.domain.messages import Block, Role
from antiphon.domain.usage import Usage

TurnStatus: TypeAlias = Literal["completed", "refused", "cancelled", "interrupted", "failed", "over_budget"]

Purpose: TypeAlias = Literal["answer", "summary", "title", "routing", "keep-alive", "eval"]
"""What a request to Claude is for."""

HEAD = "head"
"""As a `parent_id`: whatever the conversation's head is when the turn starts. As a `head`: unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    type: ClassVar[str] = ""
    v: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationCreate(Event):
    type: ClassVar[str] = "conversation_create"
    at: int
    title: str = ""
    system: str = ""
    model: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange(Event):
    """What is None stays as it was. Thinking written before this is not sent again."""

    type: ClassVar[str] = "settings_change"
    at: int
    system: str | None = None
    model: str | None = None
    options: dict[str, Any] | None = None
    tools: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAdd(Event):
    """A whole message on the user's side: what a person wrote, or the tool results of a step.

    A person's message finds its place in the tree when its turn starts (`TurnStart.parent_id`); tool results
    name their parent here.
    """

    type: ClassVar[str] = "message_add"
    at: int
    message_id: str
    turn_id: str
    content: tuple[Block, ...]
    parent_id: str | None = None
    role: Role = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnQueue(Event):
    """A turn was accepted. `message_id` is None where an answer to `parent_id` is made again."""

    type: ClassVar[str] = "turn_queue"
    at: int
    turn_id: str
    message_id: str | None
    parent_id: str | None = HEAD
    after_turn: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """Changes of the conversation's settings that take effect as this turn starts: system, model, options."""
    options: dict[str, Any] = field(default_factory=dict)
    """Parameters of the Messages API for this turn only."""
    restart: Literal["allowed", "never"] = "allowed"
    """`never`: whoever reads cannot take text back, so no attempt follows one that showed some."""
    keep_partial: bool = True
    """Whether a failed answer leaves the text that was written."""
    budget_nanodollars: int | None = None
    """What the conversation may cost in all, as far as this turn is concerned; None: no limit of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStart(Event):
    type: ClassVar[str] = "turn_start"
    at: int
    turn_id: str
    message_id: str | None
    parent_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStart(Event):
    """One model request goes out. A higher `attempt` drops what this step had shown."""

    type: ClassVar[str] = "step_start"
    at: int
    step: int
    attempt: int
    message_id: str
    parent_id: str | None
    model: str
    held_nanodollars: int = 0
    """The most that this attempt can cost; it is charged that much if its usage never comes."""
    input_tokens: int = 0
    """As estimated before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockStart(Event):
    type: ClassVar[str] = "block_start"
    step: int
    index: int
    block: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDelta(Event):
    """Several deltas of one kind may be joined into one; `delta` is spelled as on Claude's wire."""

    type: ClassVar[str] = "block_delta"
    step: int
    index: int
    delta: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEnd(Event):
    """The whole block: it replaces what its deltas had built, so those of ended turns may be pruned."""

    type: ClassVar[str] = "block_end"
    step: int
    index: int
    block: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStart(Event):
    type: ClassVar[str] = "tool_start"
    at: int
    step: int
    tool_use_id: str
    name: str
    input: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnd(Event):
    type: ClassVar[str] = "tool_end"
    at: int
    step: int
    tool_use_id: str
    is_error: bool
    content: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest(Event):
    """A tool asks before it runs. `expires_at` is in milliseconds since the epoch."""

    type: ClassVar[str] = "approval_request"
    at: int
    approval_id: str
    step: int
    tool_use_id: str
    name: str
    input: Any
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalResolve(Event):
    """Whether it may. `input`: what it runs with instead of what Claude gave, where that was edited."""

    type: ClassVar[str] = "approval_resolve"
    at: int
    approval_id: str
    decision: Literal["allow", "deny", "edit", "expire"]
    input: Any = None
    reason: str = ""
    by: str = ""
    """The principal who decided; nobody did where it expired, or its turn was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd(Event):
    """The reported end of an attempt that succeeded."""

    type: ClassVar[str] = "step_end"
    at: int
    step: int
    attempt: int
    model: str
    stop_reason: str
    usage: Usage
    cost_nanodollars: int
    saved_nanodollars: int = 0
    """What the same request would have cost more without any cache."""
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None
    request_id: str | None = None
    prices: dict[str, str] = field(default_factory=dict)
    """What was reckoned with: picodollars per token by kind, and the `multiplier` of them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange(Event):
    """A fallback: another model answers this step."""

    type: ClassVar[str] = "model_change"
    at: int
    step: int
    from_model: str
    to_model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextCompact(Event):
    """From `after_message_id` on, what is sent begins with `summary` in place of what came before."""

    type: ClassVar[str] = "context_compact"
    at: int
    after_message_id: str
    summary: str
    previous_seq: int = 0
    """The `context_compact` before this one, of any branch; 0 if this is the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadMove(Event):
    type: ClassVar[str] = "head_move"
    at: int
    message_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleChange(Event):
    type: ClassVar[str] = "title_change"
    at: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest(Event):
    """`seen_seq`: the last event that whoever cancelled had seen."""

    type: ClassVar[str] = "cancel_request"
    at: int
    turn_id: str
    seen_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an ended turn leaves in the history: `steps` whole steps, and `blocks` of the step after them."""

    steps: int
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as people and programs read it; `name` is the last part of its problem type."""

    name: str
    title: str
    detail: str
    retryable: bool = False
    retry_after_s: float | None = None
    """How long the other side asked to be left alone, in seconds."""
    facts: dict[str, str | None] | None = None
    """What programs may want to read: of a budget its name, what is left of it, when it begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnd(Event):
    """`head` is the conversation's head from here on; `HEAD` where a turn that never started leaves it."""

    type: ClassVar[str] = "turn_end"
    at: int
    turn_id: str
    status: TurnStatus
    kept: Kept
    head: str | None
    error: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptError(Event):
    """An attempt failed. Its usage never came: `usage` is what was reported until then.

    It is charged all that was held for it, unless no response had begun: then it cost nothing.
    """

    type: ClassVar[str] = "error"
    at: int
    step: int
    attempt: int
    error: Problem
    usage: Usage = Usage()
    cost_nanodollars: int = 0
    estimate_nanodollars: int = 0
    """What it probably cost, by what was seen of it."""
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStart(Event):
    """A request beside the answers goes out: for a title, a summary, or to keep a cache warm."""

    type: ClassVar[str] = "request_start"
    at: int
    id: str
    purpose: Purpose
    model: str
    held_nanodollars: int = 0
    input_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEnd(Event):
    """Its end: with a stop reason, or with the error that ended it, as `AttemptError` has it."""

    type: ClassVar[str] = "request_end"
    at: int
    id: str
    stop_reason: str = ""
    error: Problem | None = None
    usage: Usage = Usage()
    cost_nanodollars: int = 0
    saved_nanodollars: int = 0
    estimate_nanodollars: int = 0
    request_id: str | None = None
    prices: dict[str, str] = field(default_factory=dict)


EVENTS: tuple[type[Event], ...] = (
    ConversationCreate,
    SettingsChange,
    MessageAdd,
    TurnQueue,
    TurnStart,
    StepStart,
    BlockStart,
    BlockDelta,
    BlockEnd,
    ToolStart,
    ToolEnd,
    ApprovalRequest,
    ApprovalResolve,
    StepEnd,
    ModelChange,
    ContextCompact,
    HeadMove,
    TitleChange,
    CancelRequest,
    TurnEnd,
    AttemptError,
    RequestStart,
    RequestEnd,
)
