"""`antiphon cost`: what was spent, and what is left of the budgets."""

import asyncio
import csv
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
import typer

from antiphon.bootstrap import make_store
from antiphon.cli.cost_drawing import draw
from antiphon.cli.exits import exit_of, say_problem
from antiphon.cli.flags import Store
from antiphon.cli.terminal import screen
from antiphon.clock import SystemClock, milliseconds
from antiphon.domain.problems import problem_of
from antiphon.errors import AntiphonError
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.service import LOCAL_PRINCIPAL
from antiphon.service.spending import (
    Standing,
    beginning,
    dimensions,
    ending,
    report_body,
    row_body,
    standings,
)
from antiphon.settings import Settings, read_settings, with_lasting_store

DAYS = ["%Y-%m-%d"]


@dataclass(frozen=True, slots=True)
class Report:
    query: UsageQuery
    rows: list[UsageRow]
    budgets: list[Standing]


def cost(
    *,
    by: Annotated[
        str, typer.Option(help="Sum by these: day, model, purpose, conversation, principal.")
    ] = "day,model",
    since: Annotated[
        datetime | None,
        typer.Option(formats=DAYS, metavar="DAY", help="From this day on (UTC).", show_default=False),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=DAYS, metavar="DAY", help="Up to and with this day (UTC).", show_default=False),
    ] = None,
    store: Store = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the sums as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON on one line.")] = False,
) -> None:
    """Show what was spent, from the ledger of the store, and what is left of the budgets in force."""
    try:
        query = UsageQuery(
            since=beginning(since.date()) if since else 0,
            until=ending(until.date()) if until else None,
            by=dimensions(by),
        )
        report = asyncio.run(_report(query, with_lasting_store(read_settings(store=store))))
    except AntiphonError as error:
        say_problem(problem_of(error), json=json)
        raise typer.Exit(exit_of(error)) from None
    if json:
        body = report_body(query.by, report.rows, report.budgets)
        print(msgspec.json.encode(body).decode())
    elif as_csv:
        _write_csv(report)
    else:
        draw(screen(), query.by, report.rows, report.budgets, plot=sys.stdout.isatty())


async def _report(query: UsageQuery, settings: Settings) -> Report:
    """Raises ConfigurationError, StoreUnavailable, NewerData."""
    store = make_store(settings)
    await store.open()
    try:
        at = milliseconds(SystemClock())
        rows = await store.usage(query)
        return Report(query, rows, await standings(store, settings.budgets(), LOCAL_PRINCIPAL, None, at))
    finally:
        await store.close()


def _write_csv(report: Report) -> None:
    """One line for each sum, usage by kind; not a word on budgets."""
    lines = [_flat(row) for row in report.rows]
    columns = dict.fromkeys([*report.query.by, *_flat(UsageRow(key={}))])
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)


def _flat(row: UsageRow) -> dict[str, object]:
    body = row_body(row)
    usage = body.pop("usage")
    return {**body, **usage}
