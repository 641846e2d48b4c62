"""How many tokens something will be before anybody has counted it, and when it is worth to count.

An estimate is bytes by four, made once for each message, and corrected by what requests reported: one factor
for each model, since tokenizers differ.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from antiphon.domain.media import base64_length
from antiphon.domain.messages import Block, Message
from antiphon.domain.plans import RequestPlan

BYTES_PER_TOKEN = 4
"""Of plain English text, about; what is dense costs more, and the correction learns it."""
IMAGE_TOKENS = 1_568
"""The cap of one image on most models, by the Messages API's vision page: where its size is not known."""
IMAGE_MOST = 4_784
"""The cap of one image on the newest models."""
PATCH = 28
"""Pixels: an image costs a token for each square of this width."""
PAGE_TOKENS = 3_000
"""Of a page of a PDF: the upper end of what the reference says of its text."""
BASE64_BYTES_PER_TOKEN = 16
"""Of a PDF: 1,500 to 3,000 tokens for a page of some 30 to 50 kB in base64."""
KEPT = 200_000
"""Messages whose estimates are kept: some 20 MB."""

UNSURE = Fraction(135, 100)
"""How far the tokens may lie above the estimate before anything was reported."""
CORRECTED = Fraction(105, 100)
"""The same with a correction: as far as the count endpoint itself may be off."""
ENOUGH = 2_000
"""Estimated tokens that must have been reported before the correction is trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What one model's requests were estimated at, and what they were. Addable; newer ones weigh as much."""

    estimated: int = 0
    reported: int = 0

    def __add__(self, other: "Correction") -> "Correction":
        return Correction(estimated=self.estimated + other.estimated, reported=self.reported + other.reported)

    @property
    def factor(self) -> float:
        """Reported by estimated tokens; 1.0 before there is enough to tell."""
        return self.reported / self.estimated if self.estimated >= ENOUGH else 1.0

    @property
    def margin(self) -> Fraction:
        return CORRECTED if self.estimated >= ENOUGH else UNSURE


class TokenEstimates:
    """Estimates by message. A message never changes, so neither does what is kept here."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._known: dict[str, int] = {}

    def of(self, message: Message) -> int:
        tokens = self._known.get(message.id)
        if tokens is None:
            tokens = self._known[message.id] = blocks_tokens(message.content)
            if len(self._known) > self._kept:
                self._forget()
        return tokens

    def total(self, messages: Iterable[Message]) -> int:
        known, total = self._known, 0
        for message in messages:
            tokens = known.get(message.id)
            total += self.of(message) if tokens is None else tokens
        return total

    def _forget(self) -> None:
        """The half that was met first."""
        for message_id in list(self._known)[: self._kept // 2]:
            del self._known[message_id]


def blocks_tokens(blocks: Iterable[Block]) -> int:
    return -(-sum(map(_bytes, blocks)) // BYTES_PER_TOKEN)


def text_tokens(text: str) -> int:
    return -(-_length(text) // BYTES_PER_TOKEN)


def tools_tokens(tools: Iterable[dict[str, Any]]) -> int:
    return -(-sum(map(_tool_bytes, tools)) // BYTES_PER_TOKEN)


def plan_tokens(plan: RequestPlan) -> int:
    """The estimated tokens of a plan's prompt, uncorrected."""
    content = (block for message in plan.messages for block in message["content"])
    return blocks_tokens(plan.system) + tools_tokens(plan.tools) + blocks_tokens(content)


def worth_counting(estimated: int, limits: Iterable[int], correction: Correction) -> bool:
    """True if the estimate cannot tell on which side of one of these hard limits the tokens lie.

    Hard limits are what a request must not cross unknowingly: the window, less the answer, and the prompt
    length above which every token costs more.
    """
    likely = estimated * correction.factor
    margin = float(correction.margin)
    return any(likely / margin <= limit <= likely * margin for limit in limits)


def _bytes(block: Block) -> int:
    if block.get("type") == "text" and isinstance(text := block.get("text"), str):
        return _length(text)  # nearly all of them: a match takes longer
    match block:
        case {"type": "image"}:
            return image_tokens(block) * BYTES_PER_TOKEN
        case {"type": "document", "source": {"type": "file"} as source}:
            return _file_bytes(source) + _json_bytes({**block, "source": ""})
        case {"type": "document", "source": {"type": "base64", "data": str(data)}}:
            return len(data) * BYTES_PER_TOKEN // BASE64_BYTES_PER_TOKEN
        case {"type": "tool_result", "content": list() | tuple() as parts}:
            return sum(map(_bytes, parts)) + len(str(block.get("tool_use_id", "")))
        case _:
            return _json_bytes(block)


TOOLS_KEPT = 1_000
_tools: dict[int, tuple[dict[str, Any], int]] = {}
"""The sizes of tools by identity; each tool stands beside its own, so that no other can take its place."""


def _tool_bytes(tool: dict[str, Any]) -> int:
    """What a tool says is never changed in place; a copy that carries a mark is made for one request."""
    if (known := _tools.get(id(tool))) is not None:
        return known[1]
    size = _json_bytes(tool)
    if "cache_control" not in tool:
        if len(_tools) >= TOOLS_KEPT:
            _tools.clear()
        _tools[id(tool)] = tool, size
    return size


def image_tokens(block: Block, unknown: int = IMAGE_TOKENS) -> int:
    """By its pixels, where they are known."""
    match block.get("source"):
        case {"width": int(width), "height": int(height)}:
            return min(-(-width // PATCH) * -(-height // PATCH), IMAGE_MOST)
        case _:
            return unknown


def _file_bytes(source: dict[str, Any]) -> int:
    match source:
        case {"pages": int(pages)}:
            return pages * PAGE_TOKENS * BYTES_PER_TOKEN
        case {"media_type": "text/plain", "bytes": int(size)}:
            return size
        case {"bytes": int(size)}:
            return base64_length(size) * BYTES_PER_TOKEN // BASE64_BYTES_PER_TOKEN
        case _:
            return 0


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _json_bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode())
