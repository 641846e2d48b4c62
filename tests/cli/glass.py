"""A terminal to look at: it takes what a program writes and shows what a person sees."""

import io
import os
import re

from rich.cells import cell_len

_TOKEN = re.compile(r"\x1b\[(?P<args>[0-9;?]*)(?P<final>[A-Za-z])|(?P<char>.)", re.DOTALL)


class Glass(io.StringIO):
    """Knows as much of a terminal as an answer may use: wrapping, CR, LF, cursor up, erase row, styles."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        super().__init__()
        self.size = os.terminal_size((columns, lines))
        self.written = 0
        """Characters, those that steer included."""
        self._rows: list[str] = [""]
        self._row = 0
        self._column = 0

    def window(self) -> os.terminal_size:
        return self.size

    @property
    def rows(self) -> list[str]:
        """From the first that was ever written, without blanks at their ends."""
        return [row.rstrip() for row in self._rows]

    def write(self, text: str) -> int:
        self.written += len(text)
        for token in _TOKEN.finditer(text):
            if token["char"] is None:
                self._control(token["args"], token["final"])
            else:
                self._put(token["char"])
        return len(text)

    def _put(self, char: str) -> None:
        if char == "\r":
            self._column = 0
        elif char == "\n":
            self._line_feed()
        else:
            row = self._rows[self._row]
            if cell_len(row[: self._column] + char) > self.size.columns:
                self._line_feed()
                row = self._rows[self._row]
            self._rows[self._row] = row[: self._column] + char + row[self._column + 1 :]
            self._column += 1

    def _line_feed(self) -> None:
        self._row += 1
        self._column = 0
        if self._row == len(self._rows):
            self._rows.append("")

    def _control(self, args: str, final: str) -> None:
        match final, args:
            case "A", _:
                top = max(0, len(self._rows) - self.size.lines)
                self._row = max(top, self._row - int(args or 1))
            case "K", "2":
                self._rows[self._row] = ""
            case "m", _:
                pass
            case _:
                raise AssertionError(f"An answer must not use ESC[{args}{final}.")
