"""Clients: one that sees everything of an answer, and the one from the tutorials, which knows two words."""

import http.client
import json
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

PATIENCE_S = 20.0

Body: TypeAlias = bytes | Iterator[bytes] | None


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The problem's name, if this is a problem as RFC 9457 has it."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        told = self.json
        assert told["status"] == self.status
        assert told["title"]
        assert told["detail"].endswith(".")
        assert told["type"].startswith("/problems/")
        return str(told["type"].removeprefix("/problems/"))

    @property
    def frames(self) -> list[Any]:
        return list(frames(self.body.splitlines(keepends=True)))

    @property
    def text(self) -> str:
        """What the frames of a stream show."""
        return "".join(frame["text"] for frame in self.frames if "text" in frame)


def frames(lines: Iterator[bytes] | list[bytes]) -> Iterator[Any]:
    """The JSON of a stream's frames, and comments as they are."""
    for line in lines:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])
        elif line.startswith(b":"):
            yield line.decode().strip()
        else:
            assert line == b"\n", line


class Client:
    def __init__(self, url: str) -> None:
        self.url = url
        self.authority = urlsplit(url).netloc

    def request(
        self, method: str, path: str, body: Body = None, headers: dict[str, str] | None = None
    ) -> Answer:
        with self.open(method, path, body, headers) as response:
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        body: Body = None,
        headers: dict[str, str] | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> Generator[http.client.HTTPResponse]:
        """A response that is read as it comes; leaving closes the connection."""
        connection = http.client.HTTPConnection(self.authority, timeout=patience_s)
        try:
            connection.request(method, path, body, headers or {})
            with connection.getresponse() as response:
                yield response
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, value: object, **headers: str) -> Answer:
        return self.request("POST", path, *_sent(value, headers))

    def chat(self, message: str, session_id: str = "s", *, key: str | None = None, **more: Any) -> Answer:
        value = {"session_id": session_id, "message": message, **more}
        return self.post("/chat", value, **_keyed(key))

    def stream(self, message: str, session_id: str = "s", *, key: str | None = None, **more: Any) -> Answer:
        value = {"session_id": session_id, "message": message, **more}
        return self.post("/chat/stream", value, **_keyed(key))

    @contextmanager
    def streaming(
        self, message: str, session_id: str = "s", *, key: str | None = None
    ) -> Generator[Iterator[Any]]:
        """Frames as they come; leaving hangs up."""
        value = {"session_id": session_id, "message": message}
        with self.open("POST", "/chat/stream", *_sent(value, _keyed(key))) as response:
            assert response.status == 200
            yield frames(iter(response.readline, b""))

    def clear(self, session_id: str = "s") -> Answer:
        return self.request("DELETE", f"/session/{session_id}")


def _sent(value: object, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    return json.dumps(value).encode(), {"Content-Type": "application/json", **headers}


def _keyed(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}


def tutorial_client(url: str, session_id: str, message: str) -> str:
    """What anyone writes after a tutorial: it prints `text` until `done`."""
    request = urllib.request.Request(
        f"{url}/chat/stream",
        json.dumps({"session_id": session_id, "message": message}).encode(),
        {"Content-Type": "application/json"},
    )
    said = ""
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        for line in response:
            if line.startswith(b"data: "):
                frame = json.loads(line.removeprefix(b"data: "))
                if frame.get("done"):
                    return said
                said += frame["text"]
    raise AssertionError("the stream ended without a word")
