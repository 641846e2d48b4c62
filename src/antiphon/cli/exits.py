"""How a command ends: its exit code, and the sentence that says why."""

import sys
from dataclasses import dataclass
from enum import IntEnum

import msgspec
from rich.console import Console
from rich.text import Text

from antiphon.cli.sheets import visible
from antiphon.domain.events import Problem
from antiphon.errors import AntiphonError
from antiphon.model.stops import CutShort, Empty, stop_of
from antiphon.service import Answer


class Exit(IntEnum):
    ANSWERED = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    OVER_BUDGET = 4
    INCOMPLETE = 5
    """Refused, or cut short."""
    INTERRUPTED = 130


BY_PROBLEM = {
    "invalid-request": Exit.USAGE,
    "too-large": Exit.USAGE,
    "configuration": Exit.CONFIGURATION,
    "newer-data": Exit.CONFIGURATION,
    "upstream-auth": Exit.CONFIGURATION,
    "over-budget": Exit.OVER_BUDGET,
}
"""By the name of a problem; all others are failures of the answer."""

CUT = {
    "max_tokens": "The answer is cut short: it reached the most tokens that an answer may have here. Ask for "
    "the rest, or allow more with --max-tokens.",
    "context_window": "The answer is cut short: the conversation fills the model's context window. Start a "
    "new conversation to go on.",
}
EMPTY = "Claude ended its turn without a word. Ask it to go on, or put the message in other words."
STOPPED = Problem(name="cancelled", title="Stopped", detail="The answer was stopped before its end.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an answer. `failure` is why there is none, or only a part of one."""

    exit: Exit
    sentence: str = ""
    failure: Problem | None = None


def verdict_on(answer: Answer) -> Verdict:
    turn = answer.turn
    match turn.status:
        case "completed":
            stop = stop_of(turn.stop_reason, answer.message.content if answer.message else ())
            if isinstance(stop, CutShort):
                return Verdict(Exit.INCOMPLETE, CUT[stop.limit])
            return Verdict(Exit.ANSWERED, EMPTY if isinstance(stop, Empty) else "")
        case "refused":
            return Verdict(Exit.INCOMPLETE, answer.text)
        case _:
            failure = turn.error or STOPPED
            return Verdict(BY_PROBLEM.get(failure.name, Exit.FAILED), failure.detail, failure)


def exit_of(error: AntiphonError) -> Exit:
    return BY_PROBLEM.get(error.name, Exit.FAILED)


def say(sentence: str) -> None:
    """One sentence for people, on stderr; wrapped between words on a terminal."""
    console = Console(stderr=True, highlight=False)
    console.print(Text(visible(sentence)), soft_wrap=not sys.stderr.isatty())


def say_problem(problem: Problem, *, json: bool, turn_id: str | None = None) -> None:
    """Why there is no answer, on stderr: for people, or as a problem (RFC 9457) on one line."""
    if not json:
        say(problem.detail)
        return
    body = {
        "type": f"/problems/{problem.name}",
        "title": problem.title,
        "detail": problem.detail,
        "retryable": problem.retryable,
        "retry_after_s": problem.retry_after_s,
        "turn_id": turn_id,
        **(problem.facts or {}),
    }
    told = {name: value for name, value in body.items() if value is not None}
    print(msgspec.json.encode(told).decode(), file=sys.stderr, flush=True)
