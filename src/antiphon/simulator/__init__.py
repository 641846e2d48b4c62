"""A Messages API that runs here, for development, tests and benchmarks. Imports nothing of Antiphon's.

`Simulator` runs in the caller's event loop, `running` in a thread. What they are to answer is a script of
outcomes: `Reply`, `Events`, `Fail`, `Page`, `Drop`; a stream may hold a fault: `StreamError`, `HangUp`,
`Reset`, `Truncate`, `Stall`.
"""

from antiphon.simulator.presets import (
    cut_tool_call,
    empty,
    html_page,
    pause_turn,
    refusal,
    spend_limit,
    tool_call,
)
from antiphon.simulator.record import RecordedRequest
from antiphon.simulator.script import (
    AnyFault,
    Chunks,
    Drop,
    Events,
    Fail,
    HangUp,
    Outcome,
    Page,
    Reply,
    Reset,
    Stall,
    StreamError,
    Truncate,
)
from antiphon.simulator.server import Simulator, running

__all__ = [
    "AnyFault",
    "Chunks",
    "Drop",
    "Events",
    "Fail",
    "HangUp",
    "Outcome",
    "Page",
    "RecordedRequest",
    "Reply",
    "Reset",
    "Simulator",
    "Stall",
    "StreamError",
    "Truncate",
    "cut_tool_call",
    "empty",
    "html_page",
    "pause_turn",
    "refusal",
    "running",
    "spend_limit",
    "tool_call",
]
