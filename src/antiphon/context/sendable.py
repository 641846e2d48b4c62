"""A path of messages as it may be sent: always valid for the Messages API, and the same bytes each time.

Rules and their source, the Messages API reference: `tool_use` blocks are answered at once by a user message
that begins with their `tool_result` blocks; text blocks are not empty, also within results; an assistant's
message does not end with thinking; thinking is bound to the exact prefix it was written under, so that after
a change of system, model or tools, or a cut history, none from before it may be sent.

What is sent of a message depends on it and its neighbours alone: the next turn's plan begins with this one's.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from antiphon.domain.blocks import is_empty
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.messages import (
    SERVER_USES,
    THINKING,
    TOOL_USES,
    Block,
    Message,
    Role,
    text_block,
    without_thinking,
)

OURS = ("invalid_json", "partial_json", "cache_control")
"""Keys of blocks that are not sent: two that the API does not know, and marks of the cache, of which it takes
four at most: the plan sets them anew."""

GO_ON = text_block("Please continue.")
"""Sent after an assistant's message without a word: the same request would end so again."""

PLAIN = ("text", *THINKING)
"""Blocks that carry nothing of ours and need no other: most of a long history."""


def is_asking(placed: PlacedMessage) -> bool:
    """A person's message with something to send, not the results of tools."""
    says = False
    if placed.message.role == "user":
        for block in placed.message.content:
            if block.get("type") == "tool_result":
                return False
            says = says or not is_empty(block)
    return says


def sendable(path: Sequence[PlacedMessage], bound_from: int, model: str) -> list[dict[str, Any]]:
    """Wire messages. Thinking up to seq `bound_from`, and that of other models than `model`, stays away.

    Most messages of a long history are one block of text, which needs nothing: they take a short way.
    """
    said: list[_Said] = []
    needs_pairing = False
    for index, placed in enumerate(path):
        message = placed.message
        content = message.content
        if len(content) == 1 and _is_plain_text(content[0]):
            said.append((message.role, list(content), True))
            continue
        thinking = placed.seq > bound_from and _wrote(model, message)
        cleaned = _cleaned(content, thinking=thinking)
        if message.role == "assistant" and not _without_end_thinking(cleaned):
            if _goes_on(path, index):
                said.append(("user", [GO_ON], True))
        elif cleaned:
            said.append((message.role, cleaned, False))
            needs_pairing = True
    if not needs_pairing:
        return [{"role": role, "content": content} for role, content, _ in said]
    return [{"role": role, "content": content} for role, content in _paired(said) if content]


def _wrote(model: str, message: Message) -> bool:
    """Whether this model wrote it, or the dated snapshot that its name stands for."""
    if message.model is None or message.model == model:
        return True
    name, _, day = message.model.rpartition("-")
    return name == model and len(day) == 8 and day.isdigit()


def _goes_on(path: Sequence[PlacedMessage], index: int) -> bool:
    """Whether the assistant said nothing here and is, or was, asked to go on."""
    return index + 1 == len(path) or path[index + 1].message.role == "assistant"


def _is_plain_text(block: Block) -> bool:
    if block.get("type") != "text" or "cache_control" in block:
        return False
    text = block.get("text")
    return isinstance(text, str) and bool(text) and not text.isspace()


def _cleaned(content: Sequence[Block], *, thinking: bool) -> list[Block]:
    if not thinking:
        content = without_thinking(content)
    return [_clean(block) if _needs_care(block) else block for block in content if not is_empty(block)]


def _needs_care(block: Block) -> bool:
    return block.get("type") not in PLAIN or "cache_control" in block


def _clean(block: Block) -> Block:
    if not block.keys().isdisjoint(OURS):
        block = {key: value for key, value in block.items() if key not in OURS}
    inner = block.get("content")
    if block.get("type") == "tool_result" and isinstance(inner, list | tuple):
        block = {**block, "content": [_unmarked(part) for part in inner if not is_empty(part)]}
    if block.get("type") in TOOL_USES and not isinstance(block.get("input"), dict):  # older logs have such
        block = {**block, "input": {}}
    return block


def _unmarked(part: Block) -> Block:
    if "cache_control" not in part:
        return part
    return {key: value for key, value in part.items() if key != "cache_control"}


_Said: TypeAlias = tuple[Role, list[Block], bool]
"""Role, content, and whether it is plain text alone."""


def _paired(messages: Sequence[_Said]) -> Iterator[tuple[Role, list[Block]]]:
    """Each tool use with its result in the message after it: where one is missing, the other goes too."""
    used: set[str] = set()
    asked: set[str] = set()
    for index, (role, content, plain) in enumerate(messages):
        if plain:
            asked = set()
            yield role, content
        elif role == "assistant":
            after = messages[index + 1] if index + 1 < len(messages) else None
            kept = _only("tool_use", _answered(after) - used, content)
            asked = _ids("tool_use", kept)
            used |= asked
            if after is not None:  # else Claude goes on with them
                kept = _without_lost(kept, after)
            yield role, _without_end_thinking(kept)
        else:
            kept = _only("tool_result", asked, content)
            kept.sort(key=lambda block: block.get("type") != "tool_result")
            asked = set()
            yield role, kept


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


def _without_lost(content: list[Block], after: _Said) -> list[Block]:
    """Without uses of Claude's own tools of which no result came: it paused there and did not go on."""
    if all(block.get("type") not in SERVER_USES for block in content):
        return content
    following = after[1] if after[0] == "assistant" else []
    answered = {block.get("tool_use_id") for block in (*content, *following)}
    return [b for b in content if b.get("type") not in SERVER_USES or b.get("id") in answered]


def _without_end_thinking(content: list[Block]) -> list[Block]:
    """An answer that was cut short while Claude thought ends before that thought."""
    end = len(content)
    while end and content[end - 1].get("type") in THINKING:
        end -= 1
    return content if end == len(content) else content[:end]
