"""What a turn has tried so far, read from its events. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from antiphon.domain import events as e
from antiphon.stores.frames import Frame, decode

LOST_MAX = 10
"""How often in a row an answer may be lost before it is not asked for any more: it may be what kills them."""

PAUSES_MAX = 5
"""How often in a row Claude may pause its turn. Source: the Messages API reference, "Server tools"."""

REDONE = ("refusal", "model_context_window_exceeded")
"""How a request may end that is made anew, if its turn goes on at all."""

LOST = e.Problem(
    name="upstream-failed",
    title="The answer was cut short",
    detail="The server that wrote this answer stopped. What you saw is kept; ask again for the rest.",
    retryable=True,
)
"""Of an attempt whose replica died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """What a turn has tried. `failures` are the attempts of this step that failed, those apart whose replica
    died; `model` is the fallback that answers now, if one does.
    """

    failures: int = 0
    lost: int = 0
    """How often in a row the replica died that wrote this step."""
    model: str | None = None
    nudged: bool = False
    """Whether it was asked once to go on after it had said nothing."""
    pauses: int = 0
    """How often in a row Claude has paused."""
    shortened: bool = False
    """Whether what is sent was made shorter, because the window was full."""


def tries_of(frames: Sequence[Frame]) -> Tries:
    """What a turn has tried so far, from its frames."""
    tries = Tries()
    for event in (decode(frame) for frame in frames if frame.type in _TOLD):
        match event:
            case e.ModelChange():
                tries = replace(tries, model=event.to_model)
            case e.AttemptError() if event.error == LOST:
                tries = lost_once(tries)
            case e.AttemptError():
                tries = replace(tries, failures=tries.failures + 1, lost=0)
            case e.StepEnd():
                tries = after_step(tries, event.stop_reason)
            case _:
                pass
    return tries


def lost_once(tries: Tries) -> Tries:
    """A replica died while it wrote this step."""
    return replace(tries, lost=tries.lost + 1)


def after_step(tries: Tries, stop_reason: str) -> Tries:
    """A step has ended, and its turn goes on."""
    tries = replace(tries, lost=0)
    match stop_reason:
        case "refusal":
            return replace(tries, failures=tries.failures + 1)
        case "model_context_window_exceeded":
            return replace(tries, shortened=True)
        case "pause_turn" | "compaction":
            return replace(tries, failures=0, pauses=tries.pauses + 1)
        case "tool_use":
            return replace(tries, failures=0, pauses=0)
        case _:
            return replace(tries, failures=0, pauses=0, nudged=True)


_TOLD = {e.ModelChange.type, e.AttemptError.type, e.StepEnd.type}
