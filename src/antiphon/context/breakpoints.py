"""Where the cache is written and read: marks on the last tool, the last system block and the conversation.

Source: the Messages API reference on prompt caching. At most four marks; a mark is read up to 20 positions
back, in which neighbouring tool uses, or tool results, count as one; an hour must stand before five minutes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, TypeAlias

from antiphon.domain.messages import THINKING, Block
from antiphon.domain.plans import RequestPlan
from antiphon.money.pricing import Lifetime

LOOK_BACK = 18
"""Positions after which a mark may be too far from the last one: the API reads 20 back, itself included."""

UNMARKED = THINKING
"""Blocks that take no `cache_control`."""
RUNS = ("tool_use", "tool_result")


Messages: TypeAlias = Sequence[dict[str, Any]]


def with_breakpoints(plan: RequestPlan, lifetime: Lifetime = "5m", head: Lifetime = "5m") -> RequestPlan:
    """The same request with its marks. Blocks that carry one are copies; all others stay the same objects.

    `lifetime` is that of the conversation, `head` that of tools and system before it, which is never shorter:
    a longer lifetime must stand first.
    """
    head = lifetime if head == "5m" else head
    return replace(
        plan,
        tools=_last_marked(plan.tools, head),
        system=_last_marked(plan.system, head),
        messages=_conversation(plan.messages, lifetime),
    )


def mark(lifetime: Lifetime) -> dict[str, Any]:
    """As the API spells it; five minutes are its default."""
    return {"type": "ephemeral"} if lifetime == "5m" else {"type": "ephemeral", "ttl": lifetime}


def _last_marked(blocks: tuple[Block, ...], lifetime: Lifetime) -> tuple[Block, ...]:
    return (*blocks[:-1], {**blocks[-1], "cache_control": mark(lifetime)}) if blocks else ()


def _conversation(messages: Messages, lifetime: Lifetime) -> tuple[dict[str, Any], ...]:
    marked = list(messages)
    for index in _marked_messages(messages):
        content = messages[index]["content"]
        at = _markable(content)
        block = {**content[at], "cache_control": mark(lifetime)}
        marked[index] = {**messages[index], "content": [*content[:at], block, *content[at + 1 :]]}
    return tuple(marked)


def _marked_messages(messages: Messages) -> Iterator[int]:
    """The end of the conversation, and the end of the last request where that is too far back to be found."""
    tail = next(_ends(messages, len(messages) - 1), None)
    if tail is None:
        return
    yield tail
    before = _end_of_last_request(messages, tail)
    if before is not None and _is_far(messages[before + 1 : tail + 1]):
        yield before


def _ends(messages: Messages, start: int) -> Iterator[int]:
    return (index for index in range(start, -1, -1) if _markable(messages[index]["content"]) >= 0)


def _end_of_last_request(messages: Messages, tail: int) -> int | None:
    """The last message that is not an answer, before the last answer: there the last request was marked."""
    answer = next((i for i in range(tail, -1, -1) if messages[i]["role"] == "assistant"), None)
    if answer is None:
        return None
    asked = (i for i in range(answer - 1, -1, -1) if messages[i]["role"] != "assistant")
    return next((i for i in asked if _markable(messages[i]["content"]) >= 0), None)


def _markable(content: Sequence[Block]) -> int:
    """The last block that takes a mark; -1 if there is none."""
    for index in range(len(content) - 1, -1, -1):
        if content[index].get("type") not in UNMARKED:
            return index
    return -1


def _is_far(messages: Messages) -> bool:
    """Whether these are more than the API may look back over: never more positions than blocks."""
    blocks = sum(len(message["content"]) for message in messages)
    return blocks > LOOK_BACK and _positions(messages) > LOOK_BACK


def _positions(messages: Messages) -> int:
    """What the API counts when it looks back: blocks, of which a run of tool uses or results is one."""
    kinds = (str(block.get("type")) for message in messages for block in message["content"])
    return sum(1 if kind in RUNS else len(list(run)) for kind, run in groupby(kinds))
