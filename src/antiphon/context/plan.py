"""The request plan: the path of messages as it is sent, always valid for the Messages API.

Rules and their source, the Messages API reference: `tool_use` blocks are answered at once by a user message of
`tool_result` blocks; text blocks are not empty; thinking is bound to the exact prefix it was written under, so
that after a change of system, model or tools, or a cut history, none of it may be sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from antiphon.domain.blocks import is_empty
from antiphon.domain.conversations import Header, PlacedMessage
from antiphon.domain.messages import Block, text_block, without_thinking
from antiphon.domain.plans import RequestPlan

OURS = ("invalid_json",)
"""Keys that we keep on blocks and the API does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_history_turns`: how many of the newest user turns are sent; None for all."""

    max_tokens: int = 8192
    max_history_turns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one turn asks beside the history: options for this turn, tools on offer, limits."""

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[dict[str, Any], ...] = ()
    limits: Limits = Limits()


def plan_request(header: Header, path: Sequence[PlacedMessage], request: Request) -> RequestPlan:
    """Plan the next request of a conversation whose path from the root is `path`."""
    options = {**header.options, **request.options}
    sent = _newest_turns(path, request.limits.max_history_turns)
    bound_from = header.settings_seq if len(sent) == len(path) else path[-1].seq + 1
    return RequestPlan(
        model=request.model,
        max_tokens=options.pop("max_tokens", request.limits.max_tokens),
        system=(text_block(header.system),) if header.system.strip() else (),
        messages=_sendable(sent, bound_from),
        tools=request.tools,
        options=options,
    )


def _newest_turns(path: Sequence[PlacedMessage], turns: int | None) -> Sequence[PlacedMessage]:
    """The path from the n-th newest person's message on."""
    if turns is None:
        return path
    starts = [index for index, placed in enumerate(path) if _is_asking(placed)]
    return path[starts[-turns] :] if len(starts) > turns else path


def _is_asking(placed: PlacedMessage) -> bool:
    message = placed.message
    return message.role == "user" and all(block.get("type") != "tool_result" for block in message.content)


def _sendable(path: Sequence[PlacedMessage], bound_from: int) -> tuple[dict[str, Any], ...]:
    """Wire messages. Thinking from before seq `bound_from` stays away."""
    messages: list[dict[str, Any]] = []
    for index, placed in enumerate(path):
        following = path[index + 1].message.content if index + 1 < len(path) else ()
        content = placed.message.content
        if placed.seq <= bound_from:
            content = without_thinking(content)
        kept = [_clean(block) for block in content if not is_empty(block)]
        if placed.message.role == "assistant":
            kept = _answered(kept, following)
        if kept:
            messages.append({"role": placed.message.role, "content": kept})
    return tuple(messages)


def _clean(block: Block) -> Block:
    return (
        {key: value for key, value in block.items() if key not in OURS} if block.keys() & set(OURS) else block
    )


def _answered(content: list[Block], following: Sequence[Block]) -> list[Block]:
    """Without tool uses that nobody answered: the API refuses them."""
    answers = {block.get("tool_use_id") for block in following if block.get("type") == "tool_result"}
    return [block for block in content if block.get("type") != "tool_use" or block.get("id") in answers]
