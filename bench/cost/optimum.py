"""The offline optimum: what a conversation costs for somebody who knows all sizes and pauses before.

It may do what the package may do, but pings: mark for five minutes or an hour before each pause, and replace
the past by a summary at the start of any turn, by either model. Where to do so is found exactly, by dynamic
programming over the turns. A summary is as long as one of everything before it would be.
"""

from dataclasses import dataclass
from functools import cached_property

from antiphon.context.estimate import tools_tokens
from antiphon.context.summaries import INSTRUCTION
from antiphon.money.facts import Prices
from antiphon.simulator.tokens import tokens
from bench.cost.history import TOKENS_PER_S, TOOL_S, tools_of
from bench.cost.policies import summary_tokens
from bench.cost.workload import SYSTEM_CHARACTERS, Conversation

SHORT_S, LONG_S = 300.0, 3600.0

USE_BYTES = 76
RESULT_BYTES = 68
"""What the JSON of a tool use, and of a result, has beside the text in it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: tokens new since the one before, its answer's, and seconds since that one's start."""

    new: int
    out: int
    wait_s: float


@dataclass(frozen=True)
class Shape:
    """A conversation as the optimum sees it: its requests by turn, and the tokens before all of them."""

    head: int
    turns: tuple[tuple[Sent, ...], ...]
    tail_tokens: int

    @cached_property
    def added(self) -> list[int]:
        """Tokens that the path has before each turn, and in the end; without the turn's own message."""
        total, sums = 0, []
        for turn in self.turns:
            sums.append(total)
            total += sum(sent.new for sent in turn)
        return [*sums, total]

    def tail_begins(self, at: int) -> int:
        """The turn with which the tail begins if the past is cut at the start of turn `at`."""
        begin = at
        while begin > 0 and self.added[at] - self.added[begin - 1] <= self.tail_tokens:
            begin -= 1
        return begin


def shape_of(conversation: Conversation, tail_tokens: int) -> Shape:
    """The same tokens and times as in a replay of the full history."""
    head = tokens(SYSTEM_CHARACTERS[conversation.kind]) + tools_tokens(tools_of(conversation))
    turns, answer, wait = [], 0, 0.0
    for turn in conversation.turns:
        new, wait = answer + tokens(turn.asked), wait + turn.pause_s
        sent = []
        for step in turn.steps:
            out = tokens(step.said + (USE_BYTES if step.result is not None else 0))
            sent.append(Sent(new, out, wait))
            wait = out / TOKENS_PER_S
            new = answer = out
            if step.result is not None:
                new, wait = out + tokens(step.result + RESULT_BYTES), wait + TOOL_S
                answer = 0
        turns.append(tuple(sent))
    return Shape(head, tuple(turns), tail_tokens)


def optimum(shape: Shape, prices: Prices, small: Prices) -> float:
    """Dollars of the cheapest way."""
    turns = len(shape.turns)
    best = [0.0, *([float("inf")] * turns)]
    for start in range(turns):
        for end, spent in enumerate(_segment(shape, prices, start), start + 1):
            last = 0.0 if end == turns else _summary(shape, prices, small, start, end)
            best[end] = min(best[end], best[start] + spent + last)
    return best[turns] / 1e12


def _base(shape: Shape, start: int) -> int:
    """Tokens that stand before turn `start` if the past was cut there."""
    if start == 0:
        return 0
    begin = shape.tail_begins(start)
    kept = shape.added[start] - shape.added[begin]
    return kept + (summary_tokens(shape.added[begin]) if begin else 0)


def _summary(shape: Shape, prices: Prices, small: Prices, start: int, at: int) -> float:
    """The price of the summary made at turn `at`, after one at `start`: by the cheaper model."""
    begin = shape.tail_begins(at)
    if begin == 0:
        return 0.0
    out = summary_tokens(shape.added[begin])
    before = _base(shape, start)
    raw = before + max(0, shape.added[begin] - shape.added[start])
    by_small = raw * small.input + out * small.output
    whole = shape.head + before + shape.added[at] - shape.added[start]
    warm = shape.turns[at][0].wait_s < SHORT_S
    reading = whole * (prices.read if warm else prices.input)
    by_own = reading + tokens(len(INSTRUCTION)) * prices.input + out * prices.output
    return min(by_small, by_own)


def _segment(shape: Shape, prices: Prices, start: int) -> "list[float]":
    """What the turns from `start` on cost, up to each of them, with a cut at `start` and none after it."""
    context, spent, costs = shape.head + _base(shape, start), 0.0, []
    written = -1
    for turn in shape.turns[start:]:
        for sent in turn:
            if written < 0:
                read = shape.head if start > 0 and sent.wait_s < SHORT_S else 0
                written = context + sent.new - read
                spent += read * prices.read + written * prices.write_5m
            else:
                spent += _next(prices, context, sent, written)
                written = sent.new
            context += sent.new
            spent += sent.out * prices.output
        costs.append(spent)
    return costs


def _next(prices: Prices, context: int, sent: Sent, written: int) -> float:
    """The prompt after a pause that was known before. `context` was sent then, the last `written` tokens of
    it written: for an hour, if that is worth it.
    """
    new = sent.new * prices.write_5m
    if sent.wait_s < SHORT_S:
        return context * prices.read + new
    again = context * prices.write_5m + new
    if sent.wait_s >= LONG_S:
        return again
    dearer = written * (prices.write_1h - prices.write_5m)
    return min(again, context * prices.read + new + dearer)
