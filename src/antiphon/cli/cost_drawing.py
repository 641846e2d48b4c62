"""Sums of the ledger as a table, a small plot, and what is left of the budgets."""

from collections import defaultdict
from collections.abc import Sequence

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from antiphon.cli.sheets import visible
from antiphon.money.dollars import dollars_text
from antiphon.money.ledger import Dimension, UsageRow
from antiphon.service.spending import Standing, total

BAR = 40
"""Columns of the longest bar."""
BARS = 31
"""The most that are drawn: the last days, or the dearest of all else."""

NOTHING = "Nothing was spent."
OPEN = "{} USD of it are held for requests that have not ended."
UNSETTLED = "{} USD of it are the most that requests can have cost whose usage never came."


def draw(
    screen: Console,
    by: Sequence[Dimension],
    rows: Sequence[UsageRow],
    budgets: Sequence[Standing],
    *,
    plot: bool,
) -> None:
    """A pipe gets whole lines, however long, and no plot."""
    if not plot:
        screen.width = 1000
    if not rows:
        screen.print(NOTHING)
    else:
        _draw_sums(screen, by, rows)
    if plot and rows and by:
        screen.print()
        screen.print(_plot(by[0], rows))
    if budgets:
        screen.print()
        screen.print(_standings(budgets))


def _draw_sums(screen: Console, by: Sequence[Dimension], rows: Sequence[UsageRow]) -> None:
    whole = total(rows)
    screen.print(_sums(by, rows, whole))
    if whole.open_nanodollars:
        screen.print(OPEN.format(dollars_text(whole.open_nanodollars)))
    if never := whole.unsettled_nanodollars - whole.open_nanodollars:
        screen.print(UNSETTLED.format(dollars_text(never)))


def _table(*named: str, figures: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in named:
        table.add_column(name, overflow="fold")
    for name in figures:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _sums(by: Sequence[Dimension], rows: Sequence[UsageRow], whole: UsageRow) -> Table:
    table = _table(*by, figures=("requests", "input", "cached", "output", "USD", "saved"))
    for row in rows:
        table.add_row(*(visible(row.key[name]) for name in by), *_figures(row))
    if len(rows) > 1:
        table.add_row(*("all" if name == by[0] else "" for name in by), *_figures(whole), style="bold")
    return table


def _figures(row: UsageRow) -> list[str]:
    usage = row.usage
    counts = (row.requests, usage.total_input_tokens, usage.cache_read_tokens, usage.output_tokens)
    amounts = (row.cost_nanodollars, row.saved_nanodollars)
    return [*(f"{count:,}" for count in counts), *(dollars_text(amount) for amount in amounts)]


def _plot(name: Dimension, rows: Sequence[UsageRow]) -> Table:
    """Dollars by the first of what was asked for."""
    spent: dict[str, int] = defaultdict(int)
    for row in rows:
        spent[row.key[name]] += row.cost_nanodollars
    dearest = sorted(spent.items(), key=lambda item: -item[1])
    shown = list(spent.items())[-BARS:] if name == "day" else dearest[:BARS]
    most = dearest[0][1] or 1
    table = Table.grid(padding=(0, 2, 0, 0))
    for key, cost in shown:
        table.add_row(visible(key), Bar(most, 0, cost, width=BAR), dollars_text(cost))
    return table


def _standings(budgets: Sequence[Standing]) -> Table:
    table = _table("budget", "begins anew", figures=("USD", "left"))
    for standing in budgets:
        left = "each has its own" if standing.left is None else dollars_text(max(standing.left, 0))
        usd = dollars_text(standing.nanodollars)
        table.add_row(standing.budget, standing.resets_at or "never", usd, left)
    return table
