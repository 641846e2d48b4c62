"""How much of a history is sent: as much as a small local model reads in bearable time."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from antiphon.domain.plans import RequestPlan

HISTORY_TOKENS = 3000
"""System prompt and messages. With the answer they fit a slot of 4,096; read cold in 10 to 60 s."""

PIECE_TOKENS = HISTORY_TOKENS / 2
"""History is dropped by such pieces, measured from its beginning, so that many turns in a row send the same
prefix, which the server has in its cache."""

TEMPLATE_TOKENS = 64
"""What a chat template may add on its own: a default system prompt."""
TOOLS_TOKENS = 320
"""The same where it says how tools are used, besides the tools."""
MESSAGE_TOKENS = 32
"""What a chat template puts around one message, or one result of a tool."""
MOST_BYTES_PER_TOKEN = 8
"""English has about 4; a history with more bytes than this per token allowed need not be counted."""


def histories(plan: RequestPlan) -> Iterator[tuple[RequestPlan, int]]:
    """A spoken plan with less and less of its history, the newest user message alone at last. Each comes with
    its size in bytes.

    Whole pieces of `PIECE_TOKENS` go first, then single exchanges of the newest piece.
    """
    texts = [_words(message["content"]) for message in plan.messages]
    sizes = [len(text.encode()) for text in texts]
    left = sum(sizes) + len(_words(plan.system).encode()) + len(_words(plan.tools).encode())
    remaining = [left - before for before in accumulate(sizes, initial=0)]
    for start in _starts(plan.messages, [estimated_tokens(text) for text in texts]):
        yield replace(plan, messages=plan.messages[start:]), remaining[start]


def _starts(messages: Sequence[Mapping[str, Any]], tokens: Sequence[float]) -> Iterator[int]:
    users = [index for index, message in enumerate(messages) if _begins(message)]
    last, since = 0, float(PIECE_TOKENS)
    for index, count in enumerate(tokens):
        if since >= PIECE_TOKENS and _begins(messages[index]):
            yield index
            last, since = index, 0.0
        since += count
    yield from (index for index in users if index > last)


def _begins(message: Mapping[str, Any]) -> bool:
    """Whether what is sent may begin with it: a tool's result needs the message before it."""
    return bool(message["role"] == "user" and message["content"][0]["type"] != "tool_result")


def _words(blocks: Sequence[Mapping[str, Any]]) -> str:
    """What blocks, or tools, hold to be read, as one text."""
    return "\n".join(
        block["text"] if block.get("type") == "text" else json.dumps(block, ensure_ascii=False)
        for block in blocks
    )


def estimated_tokens(text: str) -> float:
    """Roughly: 4 ASCII characters, or two thirds of a Chinese one, are a token."""
    characters = len(text)
    return characters / 4 + (len(text.encode()) - characters) * 0.6


def surely_fits(plan: RequestPlan, size: int) -> bool:
    """Without counting: a token is at least one byte."""
    around = MESSAGE_TOKENS * sum(len(message["content"]) for message in plan.messages)
    return size + around + (TOOLS_TOKENS if plan.tools else TEMPLATE_TOKENS) <= HISTORY_TOKENS


def hopeless(size: int) -> bool:
    return size > HISTORY_TOKENS * MOST_BYTES_PER_TOKEN
