"""A client of `/v1` that reads events as they come, and whole conversations as they are shown."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

import msgspec

from tests.server.client import Answer, Client

_keys = count(1)


@dataclass(frozen=True)
class Event:
    """One server-sent event; `seq` is None where it has no id. A comment is an event of type `:`."""

    seq: int | None
    type: str
    data: Any

    @property
    def turn_id(self) -> str:
        return str(self.data.get("turn_id"))


Events: TypeAlias = Iterator[Event]


def read_events(lines: Iterator[bytes]) -> Events:
    """Events as a browser reads them; one that is cut off is not there."""
    seq, kind, data = None, "message", b""
    for line in lines:
        field, _, value = line.removesuffix(b"\n").partition(b": ")
        match field:
            case b"" if value:
                yield Event(None, ":", value.decode())
            case b"":
                if line.endswith(b"\n") and data:
                    yield Event(seq, kind, msgspec.json.decode(data))
                seq, kind, data = None, "message", b""
            case b"id":
                seq = int(value)
            case b"event":
                kind = value.decode()
            case b"data":
                data = value
            case _:
                raise AssertionError(line)


def events_of(answer: Answer) -> list[Event]:
    assert answer.status == 200, answer.body
    return list(read_events(iter(answer.body.splitlines(keepends=True))))


def until_end_of(turn_id: str, events: Events) -> list[Event]:
    """What is told up to the end of a turn; signs of life, and news of other conversations, are left out."""
    told: list[Event] = []
    for event in events:
        if event.type not in (":", "notice"):
            told.append(event)
        if event.type == "turn_end" and event.turn_id == turn_id:
            return told
    raise AssertionError("the stream ended before the turn")


def until_writing(events: Events) -> list[Event]:
    """What is told up to the first piece of an answer."""
    told: list[Event] = []
    for event in events:
        told.append(event)
        if event.type == "block_delta":
            return told
    raise AssertionError("the stream ended before that")


class Api:
    def __init__(self, client: Client) -> None:
        self.client = client

    def conversation(self, **body: Any) -> str:
        answer = self.client.post("/v1/conversations", body)
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    def send(
        self, conversation: str, content: Any = "Hello.", *, key: str | None = None, **more: Any
    ) -> Answer:
        """Content None is left out."""
        said = {} if content is None else {"content": content}
        return self.post_turn(conversation, {**said, **more}, key=key)

    def post_turn(self, conversation: str, body: object, *, key: str | None = None, **headers: str) -> Answer:
        headers = {"Idempotency-Key": key or f"key-{next(_keys)}", **headers}
        return self.client.post(f"/v1/conversations/{conversation}/turns", body, **headers)

    def sent(self, conversation: str, content: Any = "Hello.", **more: Any) -> str:
        """The id of the turn that was accepted."""
        answer = self.send(conversation, content, **more)
        assert answer.status == 202, answer.body
        return str(answer.json["turn_id"])

    def asked(self, conversation: str, content: Any = "Hello.", **more: Any) -> list[Event]:
        """Send, and all events up to the turn's end."""
        turn_id = self.sent(conversation, content, **more)
        with self.events(conversation) as events:
            return until_end_of(turn_id, events)

    def cancel(self, turn_id: str, **body: Any) -> Answer:
        return self.client.post(f"/v1/turns/{turn_id}/cancel", body)

    @contextmanager
    def events(
        self, conversation: str, after: int = 0, *, last_event_id: int | None = None
    ) -> Generator[Events]:
        """Events after a cursor, as they come; leaving hangs up."""
        path = f"/v1/conversations/{conversation}/events?after={after}"
        headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
        with self.client.open("GET", path, headers=headers) as response:
            assert response.status == 200
            yield read_events(iter(response.readline, b""))

    def snapshot(self, conversation: str) -> Any:
        answer = self.client.get(f"/v1/conversations/{conversation}")
        assert answer.status == 200, answer.body
        return answer.json

    def shown(self, conversation: str) -> list[str]:
        """The texts of the messages from the root to the head."""
        state = self.snapshot(conversation)["state"]
        texts: list[str] = []
        at = state["head"]
        while at is not None:
            message = state["messages"][at]
            texts.append("".join(block.get("text", "") for block in message["content"]))
            at = message["parent_id"]
        return texts[::-1]
