"""Markdown that is still being written: what of it is finished, and what may still change.

A block is finished when the next one has begun. The items of a list count as blocks, and so do the upper
lines of long code, so that nothing long is open to its end. What is finished is never read or drawn again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).disable("reference")
"""HTML is shown as it was written: a terminal can do nothing else with it. So are link definitions, which
may come long after what refers to them is finished."""

CODE_LINES = 10
"""Of open code, how many lines are drawn again each time, and how many give the context of those below."""

_ITEM = "list_item_open"
_LISTS = ("bullet_list_open", "ordered_list_open")


@dataclass(frozen=True, slots=True)
class MarkdownBlock:
    """A block on its own. `number` is that of an item of an ordered list."""

    source: str
    kind: str
    number: int | None = None
    attached: bool = False
    """True if it goes on with the list or the code before it: no empty line between them."""
    context: str = ""
    """Of code, the lines before it, by which its colours are found."""


NOTHING = MarkdownBlock("", "")


class MarkdownBlocks:
    """Takes text as it comes and gives each finished block once."""

    def __init__(self) -> None:
        self._open = ""
        self._last_item: int | None = None
        """The number of the item that was finished last, if its list may go on."""
        self._context = ""
        """The last lines of the code that goes on."""

    def add(self, text: str) -> list[MarkdownBlock]:
        """The blocks that `text` finishes. A line that has not ended may still turn into anything."""
        self._open += text
        if "\n" not in text:
            return []
        end = self._open.rindex("\n") + 1
        *finished, last = self._split(self._open[:end]) or [NOTHING]
        rest = self._open[end:]
        if finished:
            self._open = last.source + rest
            self._last_item = (last.number or 1) - 1 if last.attached else None
            self._context = ""
        if last.kind == "fence":
            finished += self._cut(last, rest)
        return finished

    def open_blocks(self) -> list[MarkdownBlock]:
        """What may still change, as it looks now: mostly one block."""
        return self._split(self._open)

    def _cut(self, code: MarkdownBlock, rest: str) -> list[MarkdownBlock]:
        """The upper lines of long code, cut off between two lines that are not empty."""
        fence, *lines = StringIO(code.source)
        full = [bool(line.strip()) for line in lines]
        cuts = [at for at in range(CODE_LINES, len(lines)) if full[at - 1] and full[at]]
        if not cuts:
            return []
        upper, lower = lines[: cuts[-1]], lines[cuts[-1] :]
        self._open = fence + "".join(lower) + rest
        self._context = "".join([*StringIO(code.context), *upper][-CODE_LINES:])
        return [replace(code, source=fence + "".join(upper))]

    def _split(self, text: str) -> list[MarkdownBlock]:
        lines = [0, *(line_feed.end() for line_feed in re.finditer("\n", text))]
        pieces = list(_pieces(PARSER.parse(text), self._last_item))
        bounds = [*(lines[piece.line] for piece in pieces), len(text)]
        blocks = [
            MarkdownBlock(text[start:end], piece.kind, piece.number, piece.attached)
            for piece, (start, end) in zip(pieces, pairwise(bounds), strict=True)
        ]
        if self._context:
            blocks[0] = replace(blocks[0], attached=True, context=self._context)
        return blocks


class _Piece(NamedTuple):
    line: int
    kind: str
    number: int | None = None
    attached: bool = False


def _pieces(tokens: Sequence[Token], last_item: int | None) -> Iterator[_Piece]:
    """The outermost blocks, and in place of an outermost list its items."""
    number, numbered, follows = 0, False, False
    for index, token in enumerate(tokens):
        if token.map is None or token.nesting < 0:
            continue
        if token.level == 0 and token.type in _LISTS:
            follows = index == 0 and last_item is not None
            numbered = token.type == "ordered_list_open"
            number = last_item or 0 if follows else int(token.attrs.get("start", 1)) - 1
        elif token.level == 0:
            yield _Piece(token.map[0], token.type)
        elif token.level == 1 and token.type == _ITEM:
            number += 1
            yield _Piece(token.map[0], _ITEM, number if numbered else None, follows)
            follows = True
