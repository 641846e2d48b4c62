"""Thinking as dim lines: whole ones stay, the last may still grow."""

from dataclasses import dataclass

from rich.console import Console
from rich.text import Text


@dataclass(slots=True)
class Thought:
    """`add` returns the lines that stay and the one that may change."""

    console: Console
    _rest: str = ""

    def add(self, text: str, width: int) -> tuple[list[str], list[str]]:
        *whole, last = (self._rest + text).split("\n")
        rows = self._wrapped(last, width)
        open_row = rows.pop().strip()
        self._rest = last[len(last.rstrip()) - len(open_row) :]
        stays = [row for paragraph in whole for row in self._wrapped(paragraph, width)] + rows
        return [_dim(row) for row in stays], [_dim(open_row)]

    def end(self) -> list[str]:
        """The lines that are left."""
        rest, self._rest = self._rest.rstrip(), ""
        return [_dim(rest)] if rest else []

    def _wrapped(self, paragraph: str, width: int) -> list[str]:
        rows = Text(paragraph).wrap(self.console, width)
        return [row.plain.rstrip() for row in rows] or [""]


def _dim(row: str) -> str:
    return f"\x1b[2m{row}\x1b[0m" if row else ""
