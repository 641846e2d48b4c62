"""A markdown block → lines for a terminal, drawn by rich in the terminal's own colours."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.syntax import Syntax
from rich.theme import Theme

from antiphon.cli.markdown_blocks import PARSER, MarkdownBlock

THEME = Theme(
    {
        "markdown.code": "cyan",
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.h4": "italic bold",
        "markdown.item.bullet": "cyan",
        "markdown.link": "none",
    }
)
"""Rich's own draws code on black and headings in magenta, which light terminals show badly."""

RESET = "\x1b[0m"
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_PADDING = re.compile(r"(?:\x1b\[[0-9;]*m| )+$")


def block_lines(block: MarkdownBlock, console: Console, width: int) -> list[str]:
    """The block as lines with their styles, without empty ones at its ends. `console` draws with `THEME`."""
    with console.capture() as drawn:
        console.print(_Answer(block), width=width)
    lines = [_PADDING.sub(RESET, line) for line in drawn.get().split("\n")]
    while lines and not _STYLE.sub("", lines[0]).strip():
        lines.pop(0)
    while lines and not _STYLE.sub("", lines[-1]).strip():
        lines.pop()
    return lines


class _Heading(Heading):
    """A heading; even the first level stands on the left, where reading begins."""

    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _Code(CodeBlock):
    """Code, indented and on the terminal's own background, so that it can be copied."""

    def __init__(self, lexer_name: str, context: str) -> None:
        super().__init__(lexer_name, "ansi_dark")
        self._context = context

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> "_Code":
        context = markdown.block.context if isinstance(markdown, _Answer) else ""
        return cls(token.info.partition(" ")[0] or "text", context)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Syntax(
            self._context + str(self.text).rstrip(),
            self.lexer_name,
            theme=self.theme,
            line_range=(self._context.count("\n") + 1, None),
            word_wrap=True,
            padding=(0, 2),
        )


class _Answer(Markdown):
    """Markdown as `MarkdownBlocks` reads it. An item has the number that its list gives it."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
    }

    def __init__(self, block: MarkdownBlock) -> None:
        # Links are written out: not every terminal shows those that are hidden behind their text.
        super().__init__("", hyperlinks=False)
        self.block = block
        self.parsed = PARSER.parse(block.source)
        if block.number is not None:
            self.parsed[0].attrs["start"] = block.number
        for token in self.parsed:
            token.children = list(_without_bare_links(token.children or ()))


def _without_bare_links(tokens: Iterable[Token]) -> Iterator[Token]:
    """Of a link whose text is its address only the text, so that it is not shown twice."""
    waiting = list(tokens)
    while waiting:
        token = waiting.pop(0)
        if token.type == "link_open" and [after.type for after in waiting[:2]] == ["text", "link_close"]:
            text = waiting.pop(0)
            if text.content == token.attrs.get("href"):
                waiting.pop(0)
            else:
                yield token
            yield text
        else:
            yield token
