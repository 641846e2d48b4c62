"""`antiphon chat`: a conversation in a terminal."""

import sys
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import typer
from rich.text import Text

from antiphon.cli.commands import LEAVING, Commands, is_command
from antiphon.cli.dialogue import Dialogue
from antiphon.cli.exits import Exit, exit_of, say, verdict_on
from antiphon.cli.flags import (
    Attach,
    Cite,
    Effort,
    MaxTokens,
    Model,
    Session,
    Stop,
    Store,
    System,
    Thinking,
)
from antiphon.cli.interrupts import Interrupts
from antiphon.cli.opening import Flags, choose, open_for
from antiphon.cli.prompt import SIGN, KeyboardPrompt, PipedLines, Prompt
from antiphon.cli.quiet_keys import quiet_keys
from antiphon.cli.running import run_command
from antiphon.cli.sources import source_lines
from antiphon.cli.terminal import answer_sheet, screen
from antiphon.domain.messages import Message, text_of
from antiphon.errors import AntiphonError
from antiphon.settings import data_folder

STOPPED = "Stopped. What you saw of the answer is kept."


def chat(
    *,
    model: Model = None,
    system: System = None,
    store: Store = None,
    session: Session = None,
    max_tokens: MaxTokens = None,
    effort: Effort = None,
    thinking: Thinking = None,
    stop: Stop = None,
    attach: Attach = None,
    cite: Cite = False,
) -> None:
    """Talk with Claude. Conversations are kept, and each can be gone on with by its name."""
    flags = Flags(
        model=model,
        system=system,
        session=session,
        store=store,
        max_tokens=max_tokens,
        effort=effort,
        thinking=thinking,
        stop=stop,
    )
    raise typer.Exit(run_command(partial(_chat, flags, attach or [], cite)))


async def _chat(flags: Flags, files: list[Path], cite: bool, interrupts: Interrupts) -> int:
    choice = choose(flags)
    dialogue = Dialogue(await open_for(flags, choice, takes_over=True), flags, choice)
    async with aclosing(dialogue):
        last_exchange = await dialogue.resume()
        dialogue.cites = cite
        for file in files:
            await dialogue.attach(file)
        prompt = KeyboardPrompt(data_folder() / "history") if sys.stdin.isatty() else PipedLines()
        repl = Repl(dialogue, prompt, interrupts)
        repl.greet(last_exchange)
        with quiet_keys():
            await repl.run()
        repl.part(kept=choice.settings.store != "memory://")
        return 128 + interrupts.received if interrupts.ending else repl.exit


class Repl:
    """Reads a message, shows its answer, and so on."""

    def __init__(self, dialogue: Dialogue, prompt: Prompt, interrupts: Interrupts) -> None:
        self._dialogue = dialogue
        self._prompt = prompt
        self._interrupts = interrupts
        self._screen = screen()
        self._commands = Commands(dialogue, self._screen)
        self.exit: int = Exit.ANSWERED
        """For a pipe, how the last failure ended; a person has seen it."""

    def greet(self, last_exchange: Sequence[Message]) -> None:
        if not self._prompt.interactive:
            return
        self._aside(f"{self._dialogue.model} · {self._dialogue.name} · /help")
        for message in last_exchange:
            self._screen.print()
            if message.role == "user":
                self._screen.print(Text(SIGN + text_of(message.content)))
            else:
                sheet = answer_sheet()
                sheet.write(text_of(message.content))
                sheet.end()
        self._screen.print()

    async def run(self) -> None:
        while not self._interrupts.ending:
            line = await self._prompt.read()
            if line is None or line.strip() in LEAVING:
                return
            if is_command(line):
                await self._commands.run(line.rstrip())
            elif line.strip():
                await self._say(line)

    def part(self, *, kept: bool) -> None:
        """Say how to go on later."""
        if self._prompt.interactive and self._dialogue.begun and kept:
            self._aside(f"antiphon chat --session {self._dialogue.name} goes on with this conversation.")

    async def _say(self, line: str) -> None:
        if self._prompt.interactive:
            self._screen.print()
        try:
            answer = await self._dialogue.say(line, answer_sheet(), self._interrupts)
        except AntiphonError as error:
            self._fail(exit_of(error), error.detail)
        else:
            verdict = verdict_on(answer)
            for cited in source_lines(answer.message.content if answer.message else ()):
                self._screen.print(Text(cited))
            stopped = self._interrupts.received and answer.turn.status == "cancelled"
            self._fail(verdict.exit, STOPPED if stopped else verdict.sentence)
        if self._prompt.interactive:
            self._screen.print()

    def _fail(self, code: Exit, sentence: str) -> None:
        if sentence:
            say(sentence)
        if code and not self._prompt.interactive:
            self.exit = code

    def _aside(self, words: str) -> None:
        self._screen.print(Text(words, style="dim"))
