"""The request plan: the path of messages as it is sent, always valid for the Messages API.

Rules and their source, the Messages API reference: `tool_use` blocks are answered at once by a user message
that begins with their `tool_result` blocks; text blocks are not empty, also within results; an assistant's
message does not end with thinking; thinking is bound to the exact prefix it was written under, so that after
a change of system, model or tools, or a cut history, none from before it may be sent.

What is sent of a message depends on it and its neighbours alone: the next turn's plan begins with this one's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from antiphon.domain.blocks import is_empty
from antiphon.domain.conversations import Header, PlacedMessage
from antiphon.domain.messages import THINKING, Block, Role, text_block, without_thinking
from antiphon.domain.plans import RequestPlan

OURS = ("invalid_json", "partial_json")
"""Keys that we keep on blocks and the API does not know."""

PLAIN = ("text", *THINKING)
"""Blocks that carry nothing of ours and need no other: most of a long history."""


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
    sent, bound_from = path, header.settings_seq
    if (turns := request.limits.max_history_turns) is not None:
        asked = [index for index, placed in enumerate(path) if _is_asking(placed)]
        if len(asked) > turns:
            sent = path[asked[-turns] :]
            bound_from = max(bound_from, path[asked[-1]].seq)  # the window stands still within a turn
    return RequestPlan(
        model=request.model,
        max_tokens=options.pop("max_tokens", request.limits.max_tokens),
        system=(text_block(header.system),) if header.system.strip() else (),
        messages=_sendable(sent, bound_from),
        tools=request.tools,
        options=options,
    )


def _is_asking(placed: PlacedMessage) -> bool:
    """A person's message with something to send, not the results of tools."""
    message = placed.message
    if message.role != "user" or all(is_empty(block) for block in message.content):
        return False
    return all(block.get("type") != "tool_result" for block in message.content)


def _sendable(path: Sequence[PlacedMessage], bound_from: int) -> tuple[dict[str, Any], ...]:
    """Wire messages. Thinking up to seq `bound_from` stays away."""
    cleaned = [(placed.message.role, _cleaned(placed, bound_from)) for placed in path]
    said = [(role, content) for role, content in cleaned if content]
    return tuple({"role": role, "content": content} for role, content in _paired(said) if content)


def _cleaned(placed: PlacedMessage, bound_from: int) -> list[Block]:
    content = placed.message.content
    if placed.seq <= bound_from:
        content = without_thinking(content)
    kept = (block for block in content if not is_empty(block))
    return [block if block.get("type") in PLAIN else _clean(block) for block in kept]


def _clean(block: Block) -> Block:
    if not block.keys().isdisjoint(OURS):
        block = {key: value for key, value in block.items() if key not in OURS}
    inner = block.get("content")
    if block.get("type") == "tool_result" and isinstance(inner, list | tuple):
        block = {**block, "content": [part for part in inner if not is_empty(part)]}
    return block


_Said: TypeAlias = tuple[Role, list[Block]]


def _paired(messages: Sequence[_Said]) -> list[_Said]:
    """Each tool use with its result in the message after it: where one is missing, the other goes too."""
    paired: list[_Said] = []
    used: set[str] = set()
    asked: set[str] = set()
    for (role, content), after in zip(messages, [*messages[1:], None], strict=True):
        kept = content
        if _ID.keys().isdisjoint([block.get("type") for block in content]):
            asked = set()
        elif role == "assistant":
            kept = _only("tool_use", _answered(after) - used, content)
            asked = _ids("tool_use", kept)
            used |= asked
        else:
            kept = _only("tool_result", asked, content)
            kept.sort(key=lambda block: block.get("type") != "tool_result")
            asked = set()
        paired.append((role, _without_end_thinking(kept) if role == "assistant" else kept))
    return paired


def _answered(after: _Said | None) -> set[str]:
    """The tool uses that the message after theirs answers."""
    return _ids("tool_result", after[1]) if after is not None and after[0] == "user" else set()


_ID = {"tool_use": "id", "tool_result": "tool_use_id"}


def _ids(kind: str, content: Sequence[Block]) -> set[str]:
    return {str(block.get(_ID[kind])) for block in content if block.get("type") == kind}


def _only(kind: str, ids: set[str], content: Sequence[Block]) -> list[Block]:
    """`content` with no other tool blocks than one of `kind` for each of `ids`."""
    left = set(ids)
    kept: list[Block] = []
    for block in content:
        if block.get("type") == kind and (wanted := str(block.get(_ID[kind]))) in left:
            left.remove(wanted)
            kept.append(block)
        elif block.get("type") not in _ID:
            kept.append(block)
    return kept


def _without_end_thinking(content: list[Block]) -> list[Block]:
    """An answer that was cut short while Claude thought ends before that thought."""
    end = len(content)
    while end and content[end - 1].get("type") in THINKING:
        end -= 1
    return content if end == len(content) else content[:end]
