"""Claude fails in every way it can: the problem says so, and the conversation goes on."""

import re
from collections.abc import Iterator

import pytest

from antiphon.settings import Settings
from antiphon.simulator import (
    Drop,
    Fail,
    HangUp,
    Outcome,
    Reply,
    Reset,
    Simulator,
    Stall,
    StreamError,
    Truncate,
    html_page,
    spend_limit,
)
from tests.server.client import Answer, Client
from tests.server.conftest import KEY, STORES, signed_in, store_of
from tests.server.histories import assert_alternates, last_history
from tests.server.serving import serving

FAILURES: dict[str, tuple[Outcome, int, str]] = {
    "400": (Fail(status=400, message=f"no good: {KEY}"), 502, "upstream-rejected"),
    "401": (Fail(status=401, message=f"invalid x-api-key {KEY}"), 502, "upstream-auth"),
    "402": (Fail(status=402), 502, "upstream-rejected"),
    "403": (Fail(status=403), 502, "upstream-auth"),
    "404": (Fail(status=404), 502, "upstream-rejected"),
    "413": (Fail(status=413), 502, "upstream-rejected"),
    "429": (Fail(status=429, retry_after=7), 503, "upstream-busy"),
    "spend limit": (spend_limit(), 502, "upstream-rejected"),
    "500": (Fail(status=500), 502, "upstream-failed"),
    "503": (Fail(status=503), 502, "upstream-failed"),
    "529": (Fail(status=529), 503, "upstream-busy"),
    "a page of a proxy": (html_page(502), 502, "upstream-failed"),
    "no answer": (Drop(), 502, "upstream-failed"),
    "overloaded in the stream": (Reply(fault=StreamError(after=2)), 503, "upstream-busy"),
    "cut": (Reply(fault=HangUp(after=2)), 502, "upstream-failed"),
    "reset": (Reply(fault=Reset(after=2)), 502, "upstream-failed"),
    "ended without an end": (Reply(fault=Truncate(after=2)), 502, "upstream-failed"),
    "silence": (Reply(fault=Stall(after=0)), 502, "upstream-failed"),
    "too slow": (Reply(fault=Stall(ping_every=0.1)), 504, "deadline"),
    "silence in the middle": (Reply(fault=Stall(after=2)), 502, "upstream-failed"),
}

ATTEMPTS = 5
"""More than anyone would make."""


@pytest.fixture(scope="module")
def claude() -> Iterator[Simulator]:
    with signed_in() as simulator:
        yield simulator


@pytest.fixture(scope="module", params=STORES)
def server(
    request: pytest.FixtureRequest, claude: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """One server for all of these, which gives up soon."""
    store = store_of(request.param, tmp_path_factory.mktemp("store"))
    with serving(Settings(store=store, stall_s=0.6, deadline_s=1.5)) as server:
        yield Client(server.url)


@pytest.fixture
def simulator(claude: Simulator) -> Simulator:
    claude.forget()
    return claude


@pytest.fixture
def client(server: Client, simulator: Simulator) -> Client:
    """A server with a conversation in it."""
    server.clear()
    assert server.chat("Before.").status == 200
    return server


def fail_all(simulator: Simulator, outcome: Outcome) -> None:
    simulator.forget()
    simulator.script(*[outcome] * ATTEMPTS)


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_told_and_leaves_no_trace(client: Client, simulator: Simulator, name: str) -> None:
    outcome, status, problem = FAILURES[name]
    fail_all(simulator, outcome)
    answer = client.chat("Now.")
    assert (answer.status, answer.problem) == (status, problem)
    assert answer.json["turn_id"]
    assert KEY.encode() not in answer.body
    assert_goes_on(client, simulator, ["Before.", "After."])


@pytest.mark.parametrize("name", FAILURES)
def test_a_failing_stream_ends_in_an_error_frame(client: Client, simulator: Simulator, name: str) -> None:
    outcome, _, problem = FAILURES[name]
    fail_all(simulator, outcome)
    answer = client.stream("Now.")
    assert answer.status == 200
    *shown, last = answer.frames
    assert all(frame.keys() == {"text"} for frame in shown)
    assert last["error"]["type"] == f"/problems/{problem}"
    assert last["error"]["detail"].endswith(".")
    assert KEY.encode() not in answer.body
    kept = ["Before.", "Now.", "After."] if shown else ["Before.", "After."]
    assert_goes_on(client, simulator, kept)
    if shown:
        assert last_history(simulator)[3] == ("assistant", answer.text)


def assert_goes_on(client: Client, simulator: Simulator, said: list[str]) -> None:
    simulator.forget()
    assert client.chat("After.").status == 200
    assert_alternates(last_history(simulator))
    assert [text for role, text in last_history(simulator) if role == "user"] == said


def test_a_message_that_is_sent_again_stands_in_the_history_once(
    client: Client, simulator: Simulator
) -> None:
    for _ in range(3):
        fail_all(simulator, Fail(status=529))
        assert client.chat("Again.").problem == "upstream-busy"
    simulator.forget()
    assert client.chat("Again.").status == 200
    assert [text for role, text in last_history(simulator) if role == "user"] == ["Before.", "Again."]


def test_the_same_key_after_a_failure_is_the_same_failure(client: Client, simulator: Simulator) -> None:
    fail_all(simulator, Fail(status=500))
    first = client.chat("Once.", key="k")
    simulator.forget()
    again = client.chat("Once.", key="k")
    assert (again.status, again.json) == (first.status, first.json)
    assert not simulator.requests


def test_who_should_wait_is_told_how_long(client: Client, simulator: Simulator) -> None:
    fail_all(simulator, Fail(status=429, retry_after=7))
    assert client.chat("Now.").headers["retry-after"] == "7"
    fail_all(simulator, Fail(status=429, retry_after=0.2))
    assert client.chat("Now.").headers["retry-after"] == "1"
    fail_all(simulator, Fail(status=529))
    assert int(client.chat("Now.").headers["retry-after"]) >= 1
    fail_all(simulator, Fail(status=500))
    assert "retry-after" not in client.chat("Now.").headers


def test_no_key_and_no_message_is_in_the_log(
    client: Client, simulator: Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("401", "500", "cut"):
        fail_all(simulator, FAILURES[name][0])
        told: Answer = client.chat("The password is hunter2.")
        assert told.status == 502
    out, err = capfd.readouterr()
    assert not re.search("sk-ant|hunter2", out + err)
