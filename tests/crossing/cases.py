"""What Claude may do to an answer, and what that has to mean: by the reference, not by the code.

A case is a script for the model that is asked first; whoever is asked after it answers well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec

from antiphon.simulator import (
    AnyFault,
    Drop,
    Fail,
    HangUp,
    Outcome,
    Page,
    Point,
    Reply,
    Reset,
    Stall,
    StreamError,
    Truncate,
    empty,
    html_page,
    pause_turn,
    refusal,
    spend_limit,
    tool_call,
)

FIRST, OTHER = "claude-sonnet-5-5", "claude-haiku-5-5"

SAID = "one two three four"
"""What the answer says that goes wrong."""
GOOD = "A whole answer."
"""What the next one says."""
PAUSED = "Let me look that up. "
ASKING = "Let me see. "
DECLINED = "This is not for me to say."

THINKS = {"type": "thinking", "thinking": "first second third fourth"}
SAYS = {"type": "text", "text": SAID}
ASKS = {"type": "tool_use", "name": "forecast", "input": {"city": "Rome", "day": "today"}}
ALL: tuple[dict[str, Any], ...] = (THINKS, SAYS, ASKS)
QUIET: tuple[dict[str, Any], ...] = (THINKS, ASKS)

Helps: TypeAlias = Literal["again", "elsewhere", "nothing"]
"""Whether the same request may do better, only another model's, or none."""


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    script: tuple[Outcome, ...]
    """For the first model's requests, in order."""
    problem: str | None = None
    """By its name, where nothing helps; None where the answer stands as it is."""
    helps: Helps = "nothing"
    says: bool = False
    """Whether a part of `SAID` came before the end, that a reader may have seen."""
    charged: bool = False
    """Whether the requests that failed may have cost something."""
    stop_reason: str = "end_turn"
    text: str = GOOD
    """The answer, where it stands as it is. What Claude broke off counts as its beginning."""
    earlier: str = ""
    """What whole steps had said before anything went wrong."""
    requests: int = 1
    """On the wire, where nothing helps."""
    refused: bool = False
    stalls: bool = False

    def __post_init__(self) -> None:
        mine = tuple(msgspec.structs.replace(outcome, for_model=FIRST) for outcome in self.script)
        object.__setattr__(self, "script", mine)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stream is struck."""

    at: Point
    content: tuple[dict[str, Any], ...] = ALL
    says: bool = False
    began: bool = True


PLACES: Mapping[str, Place] = {
    "before the headers": Place(at="before_headers", began=False),
    "before the first delta": Place(at="before_deltas"),
    "mid thinking": Place(at="mid_thinking"),
    "mid text": Place(at="mid_text", says=True),
    "mid tool input": Place(at="mid_tool_input", says=True),
    "mid tool input, nothing said": Place(at="mid_tool_input", content=QUIET),
    "after the last delta": Place(at="after_deltas", says=True),
    "before its end": Place(at="before_end", says=True),
}

FAULTS: Mapping[str, type[AnyFault]] = {
    "hung up": HangUp,
    "reset": Reset,
    "truncated": Truncate,
    "stalled": Stall,
    "overloaded": StreamError,
}


def broken(fault: str, place: str) -> Case:
    """A stream that breaks. Of one that never began nobody knows what it cost, but for an error status."""
    where, kind = PLACES[place], FAULTS[fault]
    refused_at_once = kind is StreamError and not where.began
    return Case(
        name=f"{fault} {place}",
        script=(Reply(content=where.content, fault=kind(at=where.at)),),
        problem="upstream-busy" if kind is StreamError else "upstream-failed",
        helps="again",
        says=where.says,
        charged=not refused_at_once,
        stalls=kind is Stall,
    )


def _status(status: int, problem: str, helps: Helps, name: str = "", **how: Any) -> Case:
    return Case(name=name or str(status), script=(Fail(status=status, **how),), problem=problem, helps=helps)


def _stops(name: str, reply: Reply, **what: Any) -> Case:
    return Case(name=name, script=(reply,), **what)


def _cut(*content: dict[str, Any], ends: Any, reason: str | None = None) -> Reply:
    return Reply(content=content, ends=ends, stop_reason=reason)


WINDOW = "model_context_window_exceeded"

ENDINGS: tuple[Case, ...] = (
    # HTTP, before any answer. Source: the Messages API reference, "Errors".
    _status(400, "upstream-rejected", "nothing"),
    _status(401, "upstream-auth", "nothing"),
    _status(403, "upstream-auth", "elsewhere"),
    _status(404, "upstream-rejected", "elsewhere"),
    _status(413, "upstream-rejected", "nothing"),
    _status(429, "upstream-busy", "again", "429 for a moment", retry_after=0.1),
    _status(429, "upstream-busy", "elsewhere", "429 for an hour", retry_after=3600),
    _status(500, "upstream-failed", "again"),
    _status(529, "upstream-busy", "again"),
    Case(name="spend limit", script=(spend_limit(),), problem="upstream-rejected"),
    Case(name="a proxy's page", script=(html_page(),), problem="upstream-failed", helps="again"),
    Case(
        name="a page in place of a stream",
        script=(Page(status=200),),
        problem="upstream-failed",
        helps="again",
        charged=True,
    ),
    Case(name="no response", script=(Drop(),), problem="upstream-failed", helps="again", charged=True),
    # Endings. Source: the Messages API reference, "Handling stop reasons".
    _stops("refusal", refusal(explanation=DECLINED), refused=True, helps="elsewhere"),
    _stops(
        "refusal mid output", refusal(SAID, explanation=DECLINED), refused=True, helps="elsewhere", says=True
    ),
    _stops("max_tokens mid text", _cut(SAYS, ends="mid_text"), stop_reason="max_tokens", text=SAID),
    _stops("max_tokens mid thinking", _cut(THINKS, SAYS, ends="mid_thinking"), problem="no-room"),
    _stops("max_tokens mid tool input", _cut(ASKS, ends="mid_tool_input"), problem="no-room"),
    _stops(
        "max_tokens mid tool input, something said",
        _cut(SAYS, ASKS, ends="mid_tool_input"),
        stop_reason="max_tokens",
        text=SAID,
    ),
    _stops("window full mid text", _cut(SAYS, ends="mid_text", reason=WINDOW), stop_reason=WINDOW, text=SAID),
    _stops(
        "window full mid thinking", _cut(THINKS, SAYS, ends="mid_thinking", reason=WINDOW), problem="no-room"
    ),
    _stops(
        "unknown stop reason", Reply(text=SAID, stop_reason="brand_new"), stop_reason="brand_new", text=SAID
    ),
    _stops("pause", pause_turn(PAUSED), text=PAUSED + GOOD, requests=2),
    Case(
        name="pause without end",
        script=(pause_turn(PAUSED),) * 6,
        problem="too-many-steps",
        earlier=PAUSED * 6,
        requests=6,
    ),
    _stops("empty", empty(), requests=2),
    Case(name="empty twice", script=(empty(), empty()), problem="empty-answer", requests=2),
    _stops(
        "tool use",
        tool_call("forecast", {"city": "Rome", "day": "now"}, text=ASKING),
        text=GOOD,
        earlier=ASKING,
        requests=2,
    ),
    Case(
        name="529 after a tool",
        script=(tool_call("forecast", {"city": "Rome", "day": "now"}, text=ASKING), Fail(status=529)),
        problem="upstream-busy",
        helps="again",
        earlier=ASKING,
        requests=2,
    ),
    Case(
        name="hung up after a tool",
        script=(
            tool_call("forecast", {"city": "Rome", "day": "now"}, text=ASKING),
            Reply(content=(SAYS,), fault=HangUp(at="mid_text")),
        ),
        problem="upstream-failed",
        helps="again",
        says=True,
        charged=True,
        earlier=ASKING,
        requests=2,
    ),
)
