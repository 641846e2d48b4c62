"""A group of commands whose modules are imported only when one of them runs."""

import gc
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer._click import Command, Context
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command lies: a function, or a `typer.Typer` with commands of its own."""

    module: str
    name: str
    help: str
    """What the list of commands says of it; its own `--help` says more."""


COMMANDS = {
    "chat": Place("antiphon.cli.chat", "chat", "Talk with Claude in this terminal."),
    "ask": Place("antiphon.cli.ask", "ask", "Ask one question; its answer goes to stdout."),
    "serve": Place("antiphon.cli.serve", "serve", "Serve the page and the HTTP API."),
    "simulate": Place("antiphon.cli.simulate", "simulate", "Run a Messages API that answers from a script."),
    "local": Place("antiphon.cli.local", "local_app", "Models on this machine: list, get, remove."),
    "history": Place(
        "antiphon.cli.history",
        "history_app",
        "Conversations: list, show, search, export, import, delete.",
    ),
    "cost": Place("antiphon.cli.cost", "cost", "What was spent, by day, model and more; what is left."),
    "migrate": Place("antiphon.cli.migrate", "migrate", "Bring the store to this version's schema."),
}


class LazyGroup(TyperGroup):
    """Lists `COMMANDS` by their short help; what runs, or completes, is imported first."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, place in COMMANDS.items():
            self.add_command(TyperCommand(name=name, help=place.help))

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else command, rest


def load(name: str) -> Command:
    """Import a command and make it runnable."""
    place = COMMANDS[name]
    found = getattr(import_module(place.module), place.name)
    if not gc.isenabled():  # `main` has seen to that
        gc.freeze()  # what is loaded stays, so nobody need look for garbage in it later, either
        gc.enable()
    if isinstance(found, typer.Typer):
        command: Command = typer.main.get_command(found)
        command.name = name
        return command
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)
