"""The bottom of a terminal: lines that stay, and below them a few that may still change."""

import os
from collections.abc import Callable, Sequence
from itertools import accumulate, takewhile
from typing import TextIO, TypeAlias

from rich.cells import cell_len
from rich.text import Text

UP = "\x1b[A"
ERASE_ROW = "\x1b[2K"
"""Row by row: a terminal that is told to erase its whole screen may keep a copy of it above."""
FALLBACK = os.terminal_size((80, 24))


Window: TypeAlias = Callable[[], os.terminal_size]
"""The size of the window as it is now: people change it."""


def window_of(terminal: TextIO) -> os.terminal_size:
    try:
        size = os.get_terminal_size(terminal.fileno())
    except OSError:
        return FALLBACK
    return size if size.columns and size.lines else FALLBACK


class Painter:
    """Draws lines that end in no line feed and hold no other control than styles.

    The cursor stands behind the last live line. Only what changed is drawn again, so nothing flickers. What
    has left the screen at its top cannot be drawn again: `fitting` and `settle` keep account of that.
    """

    def __init__(self, terminal: TextIO, window: Window) -> None:
        self._terminal = terminal
        self._window = window
        self._live: Sequence[str] = [""]
        self._width = window().columns

    @property
    def width(self) -> int:
        """Columns of the window as it is now."""
        return self._window().columns

    def fitting(self, lines: Sequence[str]) -> int:
        """How many of these lines, counted from the last, fit on the screen with a row to spare."""
        size = self._window()
        return self._reached(lines, size, size.lines - 1)

    def settle(self) -> int:
        """After the window was made smaller: how many live lines left the screen. They stay as they are."""
        size = self._window()
        lost = len(self._live) - max(1, self._reached(self._live, size, size.lines))
        self._live = self._live[lost:]
        return lost

    def paint(self, final: Sequence[str], live: Sequence[str] = ()) -> None:
        """Put `final` for good where the live lines begin, and `live` below. Blocks as the terminal does."""
        lines = [*final, *(live or [""])]
        size = self._window()
        same = self._same(lines) if size.columns == self._width else 0
        if same == len(self._live):
            drawn = "".join(f"\n{line}" for line in lines[same:])
        else:
            same = min(same, len(lines) - 1)
            rows = sum(_rows(line, size.columns) for line in self._live[same:])
            up = min(rows, size.lines) - 1
            drawn = f"\r{ERASE_ROW}{(UP + ERASE_ROW) * up}" + "\n".join(lines[same:])
        self._live = list(live) or [""]
        self._width = size.columns
        self._terminal.write(drawn)
        self._terminal.flush()

    def _reached(self, lines: Sequence[str], size: os.terminal_size, most: int) -> int:
        rows = accumulate(_rows(line, size.columns) for line in reversed(lines))
        return sum(1 for _ in takewhile(lambda count: count <= most, rows))

    def _same(self, lines: Sequence[str]) -> int:
        """How many of the live lines stay as they are, from the first on."""
        pairs = zip(self._live, lines, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _rows(line: str, width: int) -> int:
    """The rows that a line takes; more than one if the window was made narrower since it was drawn."""
    return max(1, -(-cell_len(Text.from_ansi(line).plain) // width))
