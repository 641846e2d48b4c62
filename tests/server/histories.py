"""What Claude was sent, as a test reads it."""

from collections.abc import Sequence
from typing import Any

from antiphon.simulator import RecordedRequest, Simulator


def messages_of(request: RecordedRequest) -> list[tuple[str, str]]:
    """Role and text of each message of a request."""
    return [(message["role"], _text(message["content"])) for message in request.body["messages"]]


def last_history(simulator: Simulator) -> list[tuple[str, str]]:
    return messages_of(asked(simulator)[-1])


def asked(simulator: Simulator) -> Sequence[RecordedRequest]:
    return [request for request in simulator.requests if request.path == "/v1/messages"]


def system_of(request: RecordedRequest) -> str:
    return _text(request.body.get("system", ""))


def assert_alternates(history: list[tuple[str, str]]) -> None:
    """User and assistant in turn, from the user to the user."""
    roles = [role for role, _ in history]
    assert roles == [("user", "assistant")[index % 2] for index in range(len(roles))]
    assert roles[-1] == "user"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(block["text"] for block in content if block["type"] == "text")
