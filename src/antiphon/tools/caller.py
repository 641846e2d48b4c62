"""For whom a tool runs: known to tools that serve many people, never told by the model."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The principal whose turn asks for the tool."""

    principal: str
    conversation_id: str
    turn_id: str


_caller: ContextVar[Caller] = ContextVar("antiphon_caller")


def current_caller() -> Caller:
    """Who asked for the tool that runs here. Raises LookupError outside of a tool."""
    return _caller.get()


def set_caller(caller: Caller) -> None:
    """For the current context, which the toolbox makes for each run."""
    _caller.set(caller)
