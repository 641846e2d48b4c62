"""What of an answer is charged: all of it, what had been generated when it broke off, or nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from antiphon.simulator.frames import Frame
from antiphon.simulator.tokens import tokens


class Progress:
    """How far an answer has come."""

    def __init__(self) -> None:
        self.begun = False
        """At least one event of it was sent."""
        self.generated = 0
        """Bytes."""

    def add(self, frames: Iterable[Frame]) -> None:
        for each in frames:
            self.begun = True
            self.generated += each.generated


def broken_off(usage: Mapping[str, Any], generated: int) -> dict[str, Any]:
    """The usage of an answer of which only so many bytes were generated: its prompt is paid in any case."""
    if usage.get("iterations"):
        return dict(usage)
    output = min(tokens(generated), usage["output_tokens"])
    thought = (usage.get("output_tokens_details") or {}).get("thinking_tokens", 0)
    details = {"output_tokens_details": {"thinking_tokens": min(thought, output)}}
    return {**usage, "output_tokens": output, **details}


def usage_of_events(events: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What a stream of given events says it costs; None if it does not say."""
    usage: dict[str, Any] | None = None
    for event in events:
        match event:
            case {"type": "message_start", "message": {"usage": dict(begun)}}:
                usage = {"output_tokens": 0, **begun}
            case {"type": "message_delta", "usage": dict(more)} if usage is not None:
                usage |= more
    return usage
