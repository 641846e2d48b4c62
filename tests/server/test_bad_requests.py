"""What cannot be used is refused with its problem, and leaves the conversation as it was."""

import json
from collections.abc import Iterator

import pytest

from antiphon.settings import Settings
from antiphon.simulator import Simulator
from tests.server.client import Client
from tests.server.conftest import signed_in
from tests.server.histories import asked, last_history
from tests.server.serving import serving

PATHS = ("/chat", "/chat/stream")

JSON = {"Content-Type": "application/json"}

GOOD = {"session_id": "s", "message": "Hello."}

UNUSABLE = {
    "no message": ({"session_id": "s"}, "#/message"),
    "no session": ({"message": "Hello."}, "#/session_id"),
    "an unknown field": ({**GOOD, "temperature": 1}, "#/temperature"),
    "an empty message": ({**GOOD, "message": ""}, "#/message"),
    "a message of white space": ({**GOOD, "message": " \n\t"}, "#/message"),
    "a number as message": ({**GOOD, "message": 5}, "#/message"),
    "a list as message": ({**GOOD, "message": ["Hello."]}, "#/message"),
    "null as message": ({**GOOD, "message": None}, "#/message"),
    "a number as session": ({**GOOD, "session_id": 5}, "#/session_id"),
    "an empty session": ({**GOOD, "session_id": ""}, "#/session_id"),
    "a session with a space": ({**GOOD, "session_id": "a b"}, "#/session_id"),
    "a session with a line feed": ({**GOOD, "session_id": "ab\n"}, "#/session_id"),
    "a session with a slash": ({**GOOD, "session_id": "../a"}, "#/session_id"),
    "a session that is not ASCII": ({**GOOD, "session_id": "é"}, "#/session_id"),
    "a session that is too long": ({**GOOD, "session_id": "s" * 129}, "#/session_id"),
    "a number as system prompt": ({**GOOD, "system_prompt": 5}, "#/system_prompt"),
    "a list": ([GOOD], "#"),
    "a string": ("Hello.", "#"),
    "null": (None, "#"),
}

NOT_JSON = {
    "nothing": b"",
    "words": b"Hello.",
    "half of it": b'{"session_id": "s", ',
    "two of them": b"{} {}",
    "single quotes": b"{'session_id': 's'}",
    "no UTF-8": b'{"session_id": "s", "message": "\xff"}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "NaN": b'{"session_id": "s", "message": NaN}',
    "a deep nest": b"[" * 100_000,
}


@pytest.fixture(scope="module")
def claude() -> Iterator[Simulator]:
    with signed_in() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def server(claude: Simulator) -> Iterator[Client]:
    """One server for all of these: none of them leaves anything."""
    with serving(Settings(store="memory://")) as server:
        yield Client(server.url)


@pytest.fixture
def simulator(claude: Simulator) -> Simulator:
    claude.forget()
    return claude


@pytest.fixture
def begun(server: Client, simulator: Simulator) -> Client:
    """A server with a conversation in it."""
    server.clear()
    assert server.chat("Before.").status == 200
    return server


def assert_untouched(client: Client, simulator: Simulator) -> None:
    """The next message finds what was there before, and nothing else was asked."""
    assert len(asked(simulator)) == 1
    assert client.chat("After.").status == 200
    assert [text for role, text in last_history(simulator) if role == "user"] == ["Before.", "After."]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_requests_are_refused(begun: Client, simulator: Simulator, path: str, case: str) -> None:
    value, pointer = UNUSABLE[case]
    answer = begun.post(path, value)
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert all(error["detail"] for error in answer.json["errors"])
    assert_untouched(begun, simulator)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", NOT_JSON)
def test_what_is_not_json_is_refused(begun: Client, simulator: Simulator, path: str, case: str) -> None:
    answer = begun.request("POST", path, NOT_JSON[case], JSON)
    assert (answer.status, answer.problem) == (400, "invalid-json")
    assert_untouched(begun, simulator)


@pytest.mark.parametrize("depth", [100, 400, 900, 100_000])
def test_json_that_is_too_deep_harms_nobody(begun: Client, simulator: Simulator, depth: int) -> None:
    answer = begun.request("POST", "/chat", b"[" * depth + b"]" * depth, JSON)
    assert (answer.status, answer.problem) in {(400, "invalid-json"), (422, "invalid-request")}
    assert_untouched(begun, simulator)


@pytest.mark.parametrize(("depth", "status"), [(200, 404), (201, 422), (300, 422), (900, 422)])
def test_bodies_may_be_nested_so_deep_and_no_deeper(server: Client, depth: int, status: int) -> None:
    """There is no such conversation; what is too deep is refused before anybody looks."""
    schema = b'{"a":' * (depth - 5) + b"[]" + b"}" * (depth - 5)
    form = b'{"type": "json_schema", "schema": %b}' % schema
    body = b'{"content": "x", "options": {"output_config": {"format": %b}}}' % form
    path = "/v1/conversations/01900000-0000-7000-8000-000000000000/turns"
    answer = server.request("POST", path, body, {**JSON, "Idempotency-Key": "k"})
    assert answer.status == status
    assert status == 404 or "200 levels" in answer.json["detail"]


def test_every_fault_is_told_at_once_and_no_value_is_repeated(begun: Client) -> None:
    answer = begun.post("/chat", {"session_id": "s s", "message": 5, "secret": "hunter2"})
    assert {error["pointer"] for error in answer.json["errors"]} == {"#/session_id", "#/message", "#/secret"}
    assert b"hunter2" not in answer.body


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_json_has_to_say_that_it_is(begun: Client, simulator: Simulator, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = begun.request("POST", "/chat", json.dumps(GOOD).encode(), headers)
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert answer.json["errors"][0]["header"] == "Content-Type"
    assert_untouched(begun, simulator)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/a+json"]
)
def test_json_may_say_so_in_its_own_way(begun: Client, kind: str) -> None:
    answer = begun.request("POST", "/chat", json.dumps(GOOD).encode(), {"Content-Type": kind})
    assert answer.status == 200


# Sizes


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [1_000_001, 1_005_000, 3_000_000])
def test_a_message_of_more_than_a_megabyte_is_too_large(
    begun: Client, simulator: Simulator, path: str, size: int
) -> None:
    answer = begun.post(path, {**GOOD, "message": "x" * size})
    assert (answer.status, answer.problem) == (413, "too-large")
    assert_untouched(begun, simulator)


def test_bytes_are_counted_and_not_characters(begun: Client, simulator: Simulator) -> None:
    body = json.dumps({**GOOD, "message": "é" * 500_001}, ensure_ascii=False).encode()
    answer = begun.request("POST", "/chat", body, JSON)
    assert (answer.status, answer.problem) == (413, "too-large")
    assert_untouched(begun, simulator)


def test_the_smallest_and_the_largest_message_are_taken(server: Client, simulator: Simulator) -> None:
    assert server.chat("x", "s" * 128).status == 200
    assert server.chat("y" * 1_000_000, "large").status == 200
    assert len(last_history(simulator)[0][1]) == 1_000_000


def test_a_body_without_a_length_is_counted_as_it_comes(begun: Client, simulator: Simulator) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    answer = begun.request("POST", "/chat", endless(), JSON)
    assert (answer.status, answer.problem) == (413, "too-large")
    assert_untouched(begun, simulator)


def test_who_asks_before_sending_is_told_at_once(server: Client) -> None:
    """curl does so with large bodies: the body of this one is never sent."""
    headers = {**JSON, "Content-Length": "2000000", "Expect": "100-continue"}
    answer = server.request("POST", "/chat", None, headers)
    assert (answer.status, answer.problem) == (413, "too-large")


# Addresses


@pytest.mark.parametrize(
    "path", ["/nothing", "/chat/", "/session/", "/session/a/b", "/static/no.js", "/static/../app.py", "/docs"]
)
def test_an_unknown_address_is_not_found(server: Client, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/chat"), ("PUT", "/chat/stream"), ("GET", "/session/a"), ("POST", "/healthz"), ("POST", "/")],
)
def test_an_address_takes_only_its_own_methods(server: Client, method: str, path: str) -> None:
    answer = server.request(method, path)
    assert (answer.status, answer.problem) == (405, "method-not-allowed")
    assert answer.headers["allow"]
