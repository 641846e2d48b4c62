"""What can be said to the program instead of to Claude: `/help` and its siblings."""

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal, cast

from rich.console import Console
from rich.table import Table

from antiphon.cli.dialogue import Dialogue
from antiphon.cli.exits import say
from antiphon.errors import AntiphonError
from antiphon.money.dollars import dollars_text
from antiphon.service import TurnOptions
from antiphon.service.options import THINKING_CHOICES

HELP = {
    "/help": "this list",
    "/new": "start a new conversation; this one is kept",
    "/attach [FILE]": "send a file with your next message, or show which will go with it",
    "/model [NAME]": "show the models, or let another one answer from the next message on",
    "/effort [LEVEL]": "show how much work an answer may be worth, or choose from the next message on",
    "/thinking [off|on|shown]": "whether Claude thinks before it answers, and whether you see it",
    "/cost": "what this conversation and its last turn used and cost",
    "/quit": "leave; so do quit, exit and Ctrl-D",
}
KEYS = "Enter sends, Alt-Enter makes a new line, Ctrl-C stops an answer."
LEAVING = ("quit", "exit", "/quit", "/exit")
KINDS = (
    "input",
    "written to the cache for 5 minutes",
    "written to the cache for 1 hour",
    "read from the cache",
    "output",
    "  of it thinking",
    "web searches",
)
"""Usage in words, in the order of its fields."""

USUAL = "usual"
"""As the conversation has it, or the model by itself."""

_COMMAND = re.compile(r"/[a-z]+(?=\s|$)")


def is_command(line: str) -> bool:
    """`/word`, alone or before an argument; a path such as /etc/hosts is none."""
    return _COMMAND.match(line) is not None


@dataclass(frozen=True, slots=True)
class Commands:
    dialogue: Dialogue
    screen: Console

    async def run(self, line: str) -> None:
        """Do what a command says; what it does not understand it says on stderr."""
        name, _, argument = line.partition(" ")
        match name, argument.strip():
            case "/help", "":
                self._help()
            case "/new", "":
                self._new()
            case "/attach", "":
                self._attached()
            case "/attach", file:
                await self._attach(file)
            case "/model", "":
                self._models()
            case "/model", model:
                self._choose(model)
            case "/effort", level:
                self._option("effort", level, self.dialogue.efforts)
            case "/thinking", choice:
                self._option("thinking", choice, THINKING_CHOICES)
            case "/cost", "":
                await self._cost()
            case _:
                say(f"There is no command {line}; /help lists them. A space before it sends it to Claude.")

    def _help(self) -> None:
        table = Table.grid(padding=(0, 2))
        for command, words in HELP.items():
            table.add_row(command, words)
        self.screen.print(table)
        self.screen.print(KEYS)

    def _new(self) -> None:
        if not self.dialogue.begun:
            self.screen.print("This conversation is new already.")
            return
        left = self.dialogue.start_anew()
        self.screen.print(f"A new conversation. The one before is kept as {left}.")

    def _attached(self) -> None:
        names = [known.name for known in self.dialogue.attached]
        self.screen.print(f"With your next message: {', '.join(names)}." if names else "Nothing is attached.")

    async def _attach(self, file: str) -> None:
        try:
            await self.dialogue.attach(Path(file))
        except AntiphonError as error:
            say(error.detail)
        else:
            self._attached()

    def _models(self) -> None:
        for name in self.dialogue.known_models():
            self.screen.print(f"{'*' if name == self.dialogue.model else ' '} {name}")

    def _choose(self, name: str) -> None:
        try:
            self.dialogue.choose_model(name)
        except AntiphonError as error:
            say(error.detail)
        else:
            self.screen.print(f"{name} answers from the next message on.")

    def _option(self, name: Literal["effort", "thinking"], chosen: str, known: Sequence[str]) -> None:
        options = self.dialogue.options
        if not chosen:
            for each in (*known, USUAL):
                self.screen.print(f"{'*' if each == (options[name] or USUAL) else ' '} {each}")
        elif chosen not in (*known, USUAL):
            say(f"{name} can be {', '.join((*known, USUAL))} with {self.dialogue.model}; it stays as it was.")
        else:
            wish = cast("TurnOptions", {name: None if chosen == USUAL else chosen})
            self.dialogue.options = {**options, **wish}
            self.screen.print(f"From the next message on, {name} is {chosen}.")

    async def _cost(self) -> None:
        totals, last = await self.dialogue.totals(), self.dialogue.last_turn
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("")
        table.add_column("last turn", justify="right")
        table.add_column("conversation", justify="right")
        of_turn = [f"{count:,}" for count in astuple(last.usage)] if last else ["–"] * len(KINDS)
        for kind, in_turn, count in zip(KINDS, of_turn, astuple(totals.usage), strict=True):
            if count or kind in ("input", "output"):
                table.add_row(kind, in_turn, f"{count:,}")
        cost = dollars_text(last.cost_nanodollars) if last else "–"
        table.add_row("cost in USD", cost, dollars_text(totals.cost_nanodollars))
        self.screen.print(table)
