"""Where an answer is written as it comes: a pipe, a plain terminal, or one that draws markdown.

The methods block as long as the reader does, so they are called from a thread.
"""

from typing import Literal, Protocol, TextIO

from rich.console import Console

from antiphon.cli.markdown_blocks import MarkdownBlock, MarkdownBlocks
from antiphon.cli.markdown_lines import block_lines
from antiphon.cli.painter import Painter
from antiphon.cli.thoughts import Thought

WAIT_SHOWN_S = 2
"""Seconds of silence after which a person is told that the wait goes on."""

AGAIN = "The connection broke. What stands above is dropped, and the answer starts again:"

THINKING = "Thinking: "
"""Before what Claude thinks, where it cannot be told by its looks."""

_VISIBLE = {
    **{code: chr(0x2400 + code) for code in range(0x20)},  # Unicode's pictures of the control characters
    **dict.fromkeys(range(0x7F, 0xA0), "\ufffd"),
    ord("\t"): "\t",
    ord("\n"): "\n",
    ord("\r"): None,
}


def visible(text: str) -> str:
    """Text that cannot steer a terminal: control characters become the signs that stand for them."""
    return text.translate(_VISIBLE)


class Sheet(Protocol):
    restart: Literal["allowed", "never"]
    """Whether another attempt may follow one that showed some text."""

    def wait(self, seconds: int) -> None:
        """Nothing has come for so long."""
        ...

    def write(self, text: str) -> None: ...

    def think(self, text: str) -> None:
        """More of what Claude thinks: for people to see, apart from the answer."""
        ...

    def start_again(self) -> None:
        """What was written does not count; another attempt follows."""
        ...

    def pause(self) -> None:
        """Something else is written next; what comes after it begins on a line of its own."""
        ...

    def tell(self, line: str) -> None:
        """Something beside the answer, before its text: for people only."""
        ...

    def end(self) -> None:
        """No more comes. What follows stands on a line of its own."""
        ...


class NoSheet:
    """For a caller who wants the answer when it is whole."""

    restart: Literal["allowed", "never"] = "allowed"

    def wait(self, seconds: int) -> None:
        pass

    def write(self, text: str) -> None:
        pass

    def think(self, text: str) -> None:
        pass

    def start_again(self) -> None:
        pass

    def pause(self) -> None:
        pass

    def tell(self, line: str) -> None:
        pass

    def end(self) -> None:
        pass


class PlainSheet:
    """Text as it is; on a terminal without its control characters. Thinking goes to `aside`, if at all."""

    restart: Literal["allowed", "never"] = "never"

    def __init__(self, stream: TextIO, *, terminal: bool, aside: TextIO | None = None) -> None:
        self._stream = stream
        self._terminal = terminal
        self._aside = aside
        self._thinking = False
        self._last = "\n"

    def wait(self, seconds: int) -> None:
        pass

    def write(self, text: str) -> None:
        self._end_thought()
        self._stream.write(visible(text) if self._terminal else text)
        self._stream.flush()
        self._last = text[-1:] or self._last

    def think(self, text: str) -> None:
        if self._aside is not None:
            self._aside.write(visible(text) if self._thinking else THINKING + visible(text))
            self._aside.flush()
            self._thinking = True

    def _end_thought(self) -> None:
        if self._aside is not None and self._thinking:
            self._aside.write("\n\n")
            self._aside.flush()
            self._thinking = False

    def start_again(self) -> None:
        pass

    def pause(self) -> None:
        if self._terminal:  # in a pipe stands the answer, and nothing else
            self.end()

    def tell(self, line: str) -> None:
        if self._terminal and self._last == "\n":
            self.write(f"{line}\n")

    def end(self) -> None:
        self._end_thought()
        if self._last != "\n":
            self.write("\n")


class MarkdownSheet:
    """Markdown, drawn: finished blocks stay, only the open one is drawn again.

    Of an open block that outgrows the screen the upper lines stay as they are, too.
    """

    restart: Literal["allowed", "never"] = "allowed"

    def __init__(self, painter: Painter, console: Console) -> None:
        self._painter = painter
        self._console = console
        self._begin()

    def _begin(self) -> None:
        self._blocks = MarkdownBlocks()
        self._written = False
        self._thought: Thought | None = None
        self._blocks_above = False
        self._lines_above = 0
        """Of the lines of the open blocks, how many stay already."""
        self._width = 0

    def wait(self, seconds: int) -> None:
        if not self._written and self._thought is None and seconds >= WAIT_SHOWN_S:
            self._painter.paint([], [f"\x1b[2m… {seconds} s, Ctrl-C stops\x1b[0m"])

    def think(self, text: str) -> None:
        if self._written:
            self.end()
            self._painter.paint([""])
            self._begin()
        self._thought = self._thought or Thought(self._console)
        self._painter.paint(*self._thought.add(visible(text), self._painter.width - 1))

    def write(self, text: str) -> None:
        if self._thought is not None:
            self._painter.paint([*self._thought.end(), ""])
            self._thought = None
        self._lines_above += self._painter.settle() if self._written else 0
        self._written = True
        final = self._final(self._blocks.add(visible(text)))
        open_blocks = self._blocks.open_blocks()
        rest = self._lines(open_blocks)[self._lines_above :]
        surplus = len(rest) - self._painter.fitting(rest)
        if surplus and open_blocks[-1].kind != "table_open":
            final += rest[:surplus]
            self._lines_above += surplus
        self._painter.paint(final, rest[surplus:])

    def start_again(self) -> None:
        self.end()
        self._painter.paint([f"\x1b[2m{AGAIN}\x1b[0m"])
        self._begin()

    def pause(self) -> None:
        self.end()
        self._begin()

    def tell(self, line: str) -> None:
        if not self._written:
            self._painter.paint([f"\x1b[2m{visible(line)}\x1b[0m"])

    def end(self) -> None:
        thought = self._thought.end() if self._thought is not None else []
        self._painter.paint([*thought, *self._final(self._blocks.open_blocks())])

    def _final(self, blocks: list[MarkdownBlock]) -> list[str]:
        """The lines of finished blocks that do not stand there yet."""
        lines = self._lines(blocks)
        self._blocks_above = self._blocks_above or bool(blocks)
        final = lines[self._lines_above :]
        self._lines_above = max(0, self._lines_above - len(lines))
        return final

    def _lines(self, blocks: list[MarkdownBlock]) -> list[str]:
        """With an empty line before each block that needs one."""
        if not self._lines_above:
            # A block of which some lines stay keeps the width that they were drawn with.
            self._width = self._painter.width - 1
        lines: list[str] = []
        for index, block in enumerate(blocks):
            if not block.attached and (index or self._blocks_above):
                lines.append("")
            lines += block_lines(block, self._console, self._width)
        return lines
