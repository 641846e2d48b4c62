"""Short ways to write the events of a log by hand. Each gives the events that one thing leaves in a log."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from antiphon.domain import events as e
from antiphon.domain.messages import Block, text_block
from antiphon.domain.usage import Usage

Unknown: TypeAlias = tuple[str, dict[str, object]]
"""An event of a type that this version does not know: its type and its data."""

Log: TypeAlias = Sequence[e.Event | Unknown]

Case: TypeAlias = Callable[[], Log]
"""A golden log as it was written by hand: its name is the file's, its docstring is `about`."""

AT = 1_795_348_800_000
"""One moment for all of them: no time is part of what is shown."""

MODEL = "claude-sonnet-5-5"
USAGE = Usage(input_tokens=12, cache_read_tokens=100, output_tokens=8)

WEATHER = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bergen", "days": 2}}
TIME = {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}}


def created(**settings: Any) -> list[e.Event]:
    return [e.ConversationCreate(at=AT, **{"system": "Be brief.", "model": MODEL, **settings})]


def asked(turn: str, message: str, text: str, **how: Any) -> list[e.Event]:
    """A person's message is accepted."""
    return [
        e.MessageAdd(at=AT, message_id=message, turn_id=turn, content=(text_block(text),)),
        e.TurnQueue(at=AT, turn_id=turn, message_id=message, **how),
    ]


def started(turn: str, message: str | None, parent: str | None) -> list[e.Event]:
    return [e.TurnStart(at=AT, turn_id=turn, message_id=message, parent_id=parent)]


def step(answer: str, parent: str, number: int = 0, attempt: int = 1, model: str = MODEL) -> list[e.Event]:
    """A request goes out."""
    return [
        e.StepStart(at=AT, step=number, attempt=attempt, message_id=answer, parent_id=parent, model=model)
    ]


def begun(block: Block, *deltas: dict[str, Any], index: int = 0, number: int = 0) -> list[e.Event]:
    """A block that is still being written."""
    return [
        e.BlockStart(step=number, index=index, block=block),
        *(e.BlockDelta(step=number, index=index, delta=delta) for delta in deltas),
    ]


def text_begun(*pieces: str, index: int = 0, number: int = 0) -> list[e.Event]:
    deltas = ({"type": "text_delta", "text": piece} for piece in pieces)
    return begun(text_block(""), *deltas, index=index, number=number)


def ended(block: Block, index: int = 0, number: int = 0) -> list[e.Event]:
    return [e.BlockEnd(step=number, index=index, block=block)]


def text_written(*pieces: str, index: int = 0, number: int = 0) -> list[e.Event]:
    whole = text_block("".join(pieces))
    return text_begun(*pieces, index=index, number=number) + ended(whole, index, number)


def step_done(number: int = 0, attempt: int = 1, **how: Any) -> list[e.Event]:
    facts = {"model": MODEL, "stop_reason": "end_turn", "usage": USAGE, "cost_nanodollars": 114_000}
    saved = {"saved_nanodollars": 190_000, "request_id": "req_1"}
    return [e.StepEnd(at=AT, step=number, attempt=attempt, **{**facts, **saved, **how})]


def failure(name: str, detail: str, **facts: Any) -> e.Problem:
    return e.Problem(name=name, title="Claude did not answer", detail=detail, **facts)


def attempt_failed(problem: e.Problem, number: int = 0, attempt: int = 1, **facts: Any) -> list[e.Event]:
    return [e.AttemptError(at=AT, step=number, attempt=attempt, error=problem, **facts)]


def turn_done(
    turn: str,
    status: e.TurnStatus,
    head: str | None,
    *,
    steps: int = 1,
    kept: tuple[Block, ...] = (),
    error: e.Problem | None = None,
) -> list[e.Event]:
    left = e.Kept(steps=steps, blocks=kept)
    return [e.TurnEnd(at=AT, turn_id=turn, status=status, kept=left, head=head, error=error)]


def exchange(n: int, parent: str | None, question: str, answer: str, **how: Any) -> list[e.Event]:
    """A whole turn `tN`: the message `uN` and its answer `aN`."""
    return [
        *asked(f"t{n}", f"u{n}", question, **how),
        *started(f"t{n}", f"u{n}", parent),
        *step(f"a{n}", f"u{n}"),
        *text_written(answer),
        *step_done(),
        *turn_done(f"t{n}", "completed", f"a{n}"),
    ]


BUSY = failure(
    "upstream-busy", "Claude is busy; the answer was not finished.", retryable=True, retry_after_s=2.5
)
