"""`antiphon ask`: one question, one answer. For pipes and scripts."""

import sys
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from antiphon.cli.dialogue import Dialogue
from antiphon.cli.exits import Exit, say, say_problem, verdict_on
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
from antiphon.cli.quiet_keys import quiet_keys
from antiphon.cli.running import run_command
from antiphon.cli.sheets import NoSheet
from antiphon.cli.sources import source_lines
from antiphon.cli.terminal import answer_sheet
from antiphon.errors import InvalidRequest
from antiphon.money.dollars import dollars_text
from antiphon.service import Answer

NOTHING_ASKED = 'There is nothing to ask. Give the question as text or by a pipe: antiphon ask "Why?".'


def ask(
    text: Annotated[list[str] | None, typer.Argument(help="The question.", show_default=False)] = None,
    *,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print the whole answer as JSON on one line; errors, too, on stderr."),
    ] = False,
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
    """Ask, and print the answer to stdout as it comes. What comes by a pipe is added to the question."""
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
    # Read before the event loop has the signals: Ctrl-C ends a read that would wait for ever.
    parts = [" ".join(text or ()), _piped()]
    question = "\n\n".join(part for part in parts if part.strip())
    raise typer.Exit(run_command(partial(_ask, flags, question, attach or [], cite, json), json=json))


async def _ask(
    flags: Flags, question: str, files: list[Path], cite: bool, json: bool, interrupts: Interrupts
) -> int:
    if not question and not files:
        raise InvalidRequest(NOTHING_ASKED)
    choice = choose(flags)
    dialogue = Dialogue(await open_for(flags, choice, takes_over=False), flags, choice)
    async with aclosing(dialogue):
        await dialogue.resume()
        dialogue.cites = cite
        for file in files:
            await dialogue.attach(file)
        sheet = NoSheet() if json else answer_sheet()
        with quiet_keys():
            answer = await dialogue.say(question, sheet, interrupts)
    if interrupts.received:
        return 128 + interrupts.received
    return _tell(answer, dialogue.name, json=json)


def _piped() -> str:
    """What stdin holds, where it is no terminal."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    return sys.stdin.buffer.read().decode("utf-8-sig", "replace").rstrip("\r\n")


def _tell(answer: Answer, session: str, *, json: bool) -> Exit:
    """What is left to say after the answer was shown."""
    verdict = verdict_on(answer)
    if verdict.failure is not None:
        say_problem(verdict.failure, json=json, turn_id=answer.turn.id)
    elif json:
        print(msgspec.json.encode(answer_body(answer, session)).decode(), flush=True)
    else:
        for line in source_lines(answer.message.content if answer.message else ()):
            print(line, flush=True)
        if verdict.sentence:
            say(verdict.sentence)
    return verdict.exit


def answer_body(answer: Answer, session: str) -> dict[str, object]:
    """The body of `POST /chat`."""
    turn = answer.turn
    return {
        "response": answer.text,
        "session_id": session,
        "turn_id": turn.id,
        "model": turn.model or "",
        "stop_reason": turn.stop_reason or "unknown",
        "usage": asdict(turn.usage),
        "cost_usd": dollars_text(turn.cost_nanodollars),
    }
