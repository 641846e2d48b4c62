"""The shape of a request, and the views of it that the rules need. Source: the Messages API reference."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from antiphon.simulator.errors import ApiError
from antiphon.simulator.models import Model
from antiphon.simulator.tokens import blocks_of

PROMPT_FIELDS = frozenset(
    {
        "model",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
        "speed",
    }
)
MESSAGE_FIELDS = PROMPT_FIELDS | {
    "max_tokens", "stream", "stop_sequences", "metadata", "service_tier", "inference_geo", "container",
    "diagnostics",
}  # fmt: skip
PROMPT_BETA_FIELDS: Mapping[str, tuple[str, ...]] = {
    "billing_policy": ("",),
    "compaction": ("compact-",),
    "context_management": ("context-management-", "compact-"),
    "mcp_servers": ("mcp-client-",),
}
MESSAGE_BETA_FIELDS: Mapping[str, tuple[str, ...]] = {
    **PROMPT_BETA_FIELDS,
    "fallbacks": ("server-side-fallback-",),
    "fallback_credit_token": ("fallback-credit-",),
    "thread": ("message-threads-",),
}
"""The fields of betas, each with the beginnings of the names of betas that bring it."""

SAMPLING_FIELDS = frozenset({"temperature", "top_p", "top_k"})
NO_SAMPLING_SINCE = "2026-10-21"
"""The first `anthropic-version` without sampling parameters."""


class Turn(NamedTuple):
    """Consecutive messages of one role, which the API reads as one."""

    first: int
    """The index of the first of them."""
    role: str
    blocks: Sequence[Mapping[str, Any]]


class Call(NamedTuple):
    """One request to `/v1/messages` or to its token count."""

    body: Mapping[str, Any]
    turns: Sequence[Turn]
    model: Model
    organization: str = ""
    version: str = NO_SAMPLING_SINCE
    betas: str = ""
    """The header `anthropic-beta`."""
    dropped: frozenset[tuple[int, int]] = frozenset()
    """Places (message, block) of thinking that the model does not read."""

    def has_beta(self, name: str) -> bool:
        """Whether the request brings a beta whose name begins like this."""
        return has_beta(self.betas, name)


class _BlockShape(msgspec.Struct):
    type: str


class _MessageShape(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[_BlockShape]


class _DiagnosticsShape(msgspec.Struct):
    previous_message_id: str | None = None


class _OutputConfigShape(msgspec.Struct):
    format: dict[str, Any] | None = None


class _PromptShape(msgspec.Struct):
    model: Annotated[str, msgspec.Meta(min_length=1)]
    messages: Annotated[list[_MessageShape], msgspec.Meta(min_length=1, max_length=100_000)]
    system: str | list[_BlockShape] = ""
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: _OutputConfigShape | None = None
    cache_control: dict[str, Any] | None = None


class _RequestShape(_PromptShape, kw_only=True):
    max_tokens: Annotated[int, msgspec.Meta(ge=0)]
    stream: bool = False
    stop_sequences: list[str] | None = None
    diagnostics: _DiagnosticsShape | None = None
    thread: dict[str, Any] | None = None


def parsed(raw: bytes) -> Any:
    """The JSON of a request's body."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from error


def check_shape(body: Any, *, counting: bool) -> None:
    try:
        msgspec.convert(body, _PromptShape if counting else _RequestShape)
    except msgspec.ValidationError as error:
        raise ApiError(400, _in_api_words(str(error))) from error


def check_fields(body: Mapping[str, Any], *, counting: bool, version: str, betas: str) -> None:
    known = PROMPT_FIELDS if counting else MESSAGE_FIELDS
    brought = PROMPT_BETA_FIELDS if counting else MESSAGE_BETA_FIELDS
    known |= {field for field, names in brought.items() if any(has_beta(betas, name) for name in names)}
    if not counting and version < NO_SAMPLING_SINCE:
        known |= SAMPLING_FIELDS
    unknown = [name for name in body if name not in known]
    if unknown:
        raise ApiError(400, f"{unknown[0]}: Extra inputs are not permitted")


def has_beta(betas: str, name: str) -> bool:
    return any(each.strip().startswith(name) for each in betas.split(",") if each.strip())


def _in_api_words(message: str) -> str:
    """`Expected str, got int - at $.messages[0].content` as `messages.0.content: Expected str, got int`."""
    missing = re.match(r"Object missing required field `(\w+)`(?: - at `\$\.?(.*)`)?$", message)
    if missing:
        place = ".".join(part for part in (missing[2], missing[1]) if part)
        return f"{_dotted(place)}: Field required"
    problem, _, place = message.partition(" - at `$.")
    return f"{_dotted(place.rstrip('`'))}: {problem}" if place else problem


def _dotted(path: str) -> str:
    return re.sub(r"\[(\d+)\]", r".\1", path.replace("[...]", ""))


def turns(body: Mapping[str, Any]) -> list[Turn]:
    merged: list[Turn] = []
    for index, message in enumerate(body["messages"]):
        blocks = list(blocks_of(message["content"]))
        if merged and merged[-1].role == message["role"]:
            last = merged.pop()
            merged.append(Turn(last.first, last.role, [*last.blocks, *blocks]))
        else:
            merged.append(Turn(index, message["role"], blocks))
    return merged


def all_blocks(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every block of system and messages with its place, `messages.2`, and those within tool results."""
    for block in blocks_of(body.get("system") or ()):
        yield "system", block
    for index, message in enumerate(body["messages"]):
        for block in blocks_of(message["content"]):
            yield f"messages.{index}", block
            inner = block.get("content")
            if isinstance(inner, list):
                yield from ((f"messages.{index}", part) for part in inner if isinstance(part, dict))


def placed_blocks(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The same with the exact place, `messages.2.content.0`."""
    for number, block in enumerate(blocks_of(body.get("system") or ())):
        yield f"system.{number}", block
    for index, message in enumerate(body["messages"]):
        for number, block in enumerate(blocks_of(message["content"])):
            place = f"messages.{index}.content.{number}"
            yield place, block
            inner = block.get("content")
            if isinstance(inner, list):
                parts = ((n, part) for n, part in enumerate(inner) if isinstance(part, dict))
                yield from ((f"{place}.content.{n}", part) for n, part in parts)
