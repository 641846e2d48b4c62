"""A Messages API that runs here, for development, tests and benchmarks. Imports nothing of Antiphon's.

`Simulator` runs in the caller's event loop, `running` in a thread. What they are to answer is a script of
outcomes: `Reply`, `Events`, `Fail`, `Page`, `Drop`; a stream may hold a fault: `StreamError`, `HangUp`,
`Reset`, `Truncate`, `Stall`.
"""

from antiphon.simulator.bill import Bill, Charge
from antiphon.simulator.cache import Accounted, PrefixCache
from antiphon.simulator.faults import Point
from antiphon.simulator.limits import RateLimits
from antiphon.simulator.models import Model
from antiphon.simulator.presets import (
    code_execution,
    context_window_exceeded,
    cut_tool_call,
    empty,
    html_page,
    mcp_call,
    pause_turn,
    refusal,
    spend_limit,
    tool_call,
    web_fetch,
    web_search,
    web_search_error,
)
from antiphon.simulator.prices import cost
from antiphon.simulator.record import RecordedRequest
from antiphon.simulator.script import (
    AnyFault,
    Chunks,
    Drop,
    Ending,
    Events,
    Fail,
    HangUp,
    NoAnswer,
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
    "Accounted",
    "AnyFault",
    "Bill",
    "Charge",
    "Chunks",
    "Drop",
    "Ending",
    "Events",
    "Fail",
    "HangUp",
    "Model",
    "NoAnswer",
    "Outcome",
    "Page",
    "Point",
    "PrefixCache",
    "RateLimits",
    "RecordedRequest",
    "Reply",
    "Reset",
    "Simulator",
    "Stall",
    "StreamError",
    "Truncate",
    "code_execution",
    "context_window_exceeded",
    "cost",
    "cut_tool_call",
    "empty",
    "html_page",
    "mcp_call",
    "pause_turn",
    "refusal",
    "running",
    "spend_limit",
    "tool_call",
    "web_fetch",
    "web_search",
    "web_search_error",
]
