"""A tool asks first: the question, and what the person at the terminal says."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from prompt_toolkit import PromptSession

from antiphon.cli.prompt import terminal_output
from antiphon.cli.sheets import visible
from antiphon.domain.approvals import Allow, Decision, Deny, Edit
from antiphon.domain.events import ApprovalRequest

Question: TypeAlias = Callable[[ApprovalRequest], Awaitable[Decision]]

NO_TERMINAL = Deny("There was no terminal to ask in, so tools that need approval did not run.")
HINT = "Run it? y = yes, n = no (n and why), e = change the input: "
SHOWN_CHARS = 4000
"""Of an input; what is longer is cut on the screen, and can be read whole with `e`."""


def question() -> Question:
    """How a person is asked here."""
    return in_terminal if sys.stdin is not None and sys.stdin.isatty() else nobody


async def nobody(_request: ApprovalRequest) -> Decision:
    return NO_TERMINAL


async def in_terminal(request: ApprovalRequest) -> Decision:
    """Ask until there is an answer. Ctrl-C stops the whole answer, as it does elsewhere."""
    session: PromptSession[str] = PromptSession(output=terminal_output())
    try:
        said = await session.prompt_async(f"{told(request)}\n{HINT}")
        while (decision := decision_of(said)) is None:
            if said.strip().lower() in ("e", "edit"):
                return Edit(await _edited(session, request.input))
            said = await session.prompt_async(HINT)
    except EOFError:
        return Deny()
    except KeyboardInterrupt:
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()  # until the turn has ended, and with it this question
        raise AssertionError from None
    return decision


def told(request: ApprovalRequest) -> str:
    """What is asked for, in words that cannot steer the terminal."""
    given = json.dumps(request.input, ensure_ascii=False, indent=2)
    cut = " …" if len(given) > SHOWN_CHARS else ""
    return visible(f"Claude wants to run {request.name} with {given[:SHOWN_CHARS]}{cut}")


def decision_of(said: str) -> Decision | None:
    """None for what is no answer, and for the wish to change the input."""
    word, _, reason = said.strip().partition(" ")
    match word.lower():
        case "y" | "yes":
            return Allow()
        case "n" | "no":
            return Deny(reason.strip())
        case _:
            return None


async def _edited(session: PromptSession[str], given: Any) -> dict[str, Any]:
    text = json.dumps(given, ensure_ascii=False)
    while True:
        text = await session.prompt_async("Input as JSON: ", default=visible(text))
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if isinstance(value, dict):
            return value
