"""Bytes as Claude sends them, and plans to ask for them."""

import json
from typing import Any

from antiphon.domain.plans import RequestPlan

PLAN = RequestPlan(
    model="claude-sonnet-5-5",
    max_tokens=64,
    messages=({"role": "user", "content": [{"type": "text", "text": "Hello"}]},),
)


def head(status: str = "200 OK", content_type: str = "text/event-stream", **headers: str) -> bytes:
    """A response's first bytes; its body follows in HTTP chunks."""
    fields = {"content-type": content_type, "transfer-encoding": "chunked", "request-id": "req_1", **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


END = b"0\r\n\r\n"


def reply(
    status: int, body: str, content_type: str = "application/json", **headers: str
) -> tuple[bytes, bytes, bytes]:
    """A whole response that is no stream."""
    return head(f"{status} Status", content_type, **headers), chunk(body.encode()), END


def refusal(
    status: int, kind: str, message: str = "No.", code: str | None = None, **headers: str
) -> tuple[bytes, bytes, bytes]:
    """An error as Claude spells it."""
    error: dict[str, Any] = {"type": kind, "message": message}
    if code is not None:
        error["details"] = {"error_code": code}
    return reply(status, json.dumps({"type": "error", "error": error, "request_id": "req_1"}), **headers)


def frame(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def text_delta(text: str) -> bytes:
    return frame("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


PING = frame("ping")

BEGIN = frame(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    },
) + frame("content_block_start", index=0, content_block={"type": "text", "text": ""})

ENDING = frame(
    "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 5}
)

FINISH = frame("content_block_stop", index=0) + ENDING + frame("message_stop")
