"""Conversations to replay: sizes and pauses of real ones, put together to the lengths that cost money.

The traces are short, 3 turns (chat) and 7 turns (tools) at the median; a conversation here is several of them
in a row, until it has the wanted number of turns: a person who comes back to the same window. Pauses are
those of one real chat after another, in their order. Every second trace is kept for finding the limits
(`fit`), the others for the figures (`shown`).
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["chat", "tools"]
Half: TypeAlias = Literal["fit", "shown"]

KINDS: tuple[Kind, ...] = ("chat", "tools")
LENGTHS = (30, 100, 300)
"""Turns of a conversation; as many conversations of each."""
VERY_LONG = 1000
"""Shown apart: in a sum it would hide all others."""

SYSTEM_CHARACTERS = {"chat": 28, "tools": 6155}
TOOLS = {"chat": 0, "tools": 14}
"""The system prompts of the sources; tau-bench's airline has 14 tools."""
TOOL_CHARACTERS = 450
"""Of one tool's definition: not in the traces; an assumption."""


@dataclass(frozen=True, slots=True)
class Step:
    """One answer of the model, in characters; `result` is None where no tool was asked for."""

    said: int
    result: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    pause_s: float
    """Between the end of the last answer and this message."""
    asked: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    kind: Kind
    number: int
    turns: tuple[Turn, ...]


class Traces:
    def __init__(self) -> None:
        self._data: dict[str, Any] = json.loads(files("bench.cost").joinpath("traces.json").read_text())

    def turns(self, kind: Kind, half: Half) -> list[list[tuple[int, tuple[Step, ...]]]]:
        """Per trace, per turn: the size of the message, and the steps of the answer."""
        if kind == "chat":
            chats = _half(self._data["chat"]["conversations"], half)
            return [[(asked, (Step(said),)) for asked, said in chat] for chat in chats]
        return [list(_tool_turns(trace)) for trace in _half(self._data["tools"]["conversations"], half)]

    def pauses(self, half: Half) -> list[list[float]]:
        return _half(self._data["pauses"]["chats"], half)


def conversations(
    traces: Traces, kind: Kind, half: Half, count: int, lengths: Sequence[int] = LENGTHS
) -> list[Conversation]:
    """`count` conversations of each length, of traces drawn with replacement."""
    drawn = random.Random(f"{kind} {half} {lengths}")
    turns, pauses = traces.turns(kind, half), traces.pauses(half)
    lengths = [length for _ in range(count) for length in lengths]
    return [
        Conversation(kind, number, tuple(_long(drawn, turns, pauses, length)))
        for number, length in enumerate(lengths)
    ]


def _long(
    drawn: random.Random,
    traces: Sequence[Sequence[tuple[int, tuple[Step, ...]]]],
    pauses: Sequence[Sequence[float]],
    length: int,
) -> Iterator[Turn]:
    said = _endless(drawn, traces)
    waited = _endless(drawn, pauses)
    for _ in range(length):
        asked, steps = next(said)
        yield Turn(next(waited), asked, steps)


def _endless(drawn: random.Random, lists: Sequence[Sequence[Any]]) -> Iterator[Any]:
    while True:
        yield from drawn.choice(lists)


def _half(rows: list[Any], half: Half) -> list[Any]:
    return rows[half == "shown" :: 2]


def _tool_turns(trace: list[list[Any]]) -> Iterator[tuple[int, tuple[Step, ...]]]:
    """A trace as turns; what no answer follows is left out."""
    asked: int | None = None
    steps: list[Step] = []
    for (role, size), after in zip(trace, [*trace[1:], ["", 0]], strict=True):
        if role == "user":
            if asked is not None and steps:
                yield asked, tuple(steps)
            asked, steps = size, []
        elif role == "assistant":
            steps.append(Step(size))
        elif role == "tool_use":
            steps.append(Step(size, after[1] if after[0] == "tool_result" else 0))
    if asked is not None and steps:
        yield asked, tuple(steps)
