"""The command line: one file per command, imported when it runs, so that `antiphon --help` is quick."""

import gc
from importlib.metadata import version
from typing import Annotated

import typer

from antiphon.cli.lazy_group import LazyGroup


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"antiphon {version('antiphon')}")
        raise typer.Exit


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def antiphon(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Talk with Claude: in this terminal, in a pipe, or over HTTP."""


def main() -> None:
    """The program `antiphon`."""
    # Imports make very many objects that stay, and to look for garbage among them again and again is a good
    # part of their time. Once a command's modules are there, `load` lets the collector go on.
    gc.disable()
    app()
