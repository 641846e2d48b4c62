"""What stdout can do: take bytes, show text, or draw."""

import sys
from functools import partial

from rich.console import Console

from antiphon.cli.markdown_lines import THEME
from antiphon.cli.painter import Painter, window_of
from antiphon.cli.sheets import MarkdownSheet, PlainSheet, Sheet


def answer_sheet() -> Sheet:
    """Where the next answer goes. `NO_COLOR` and terminals that cannot draw get plain text."""
    console = screen()
    if draws(console):
        painter = Painter(sys.stdout, partial(window_of, sys.stdout))
        return MarkdownSheet(painter, console)
    aside = sys.stderr if sys.stderr.isatty() else None
    return PlainSheet(sys.stdout, terminal=sys.stdout.isatty(), aside=aside)


def screen() -> Console:
    """stdout, for what is not an answer."""
    return Console(theme=THEME, highlight=False, emoji=False, markup=False)


def draws(console: Console) -> bool:
    plain = console.no_color or console.is_dumb_terminal or console.legacy_windows
    return sys.stdout.isatty() and not plain
