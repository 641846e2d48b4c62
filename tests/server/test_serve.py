"""`antiphon serve`: what it says, what it refuses, how it stops."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from antiphon.cli.serving import GRACE_S
from antiphon.errors import MissingCredentials
from antiphon.server import create_app
from antiphon.simulator import Fail, Reply, Simulator, Stall
from tests.server.client import Client
from tests.server.conftest import KEY
from tests.server.histories import asked, last_history
from tests.server.started import PATIENCE_S, refused, started
from tests.server.v1.api import Api

pytestmark = pytest.mark.usefixtures("home")

UVICORN = [sys.executable, "-m", "uvicorn", "--factory", "antiphon.server:create_app", "--port", "0"]


def test_it_answers_where_it_says_and_keeps_conversations_when_it_stops(
    simulator: Simulator, home: Path
) -> None:
    for message in ("Before.", "After."):
        with started("--local-if-no-credentials", popen=subprocess.Popen) as server:
            assert re.fullmatch(
                r"Antiphon on http://127\.0\.0\.1:\d+ \(model claude-sonnet-5-5\)\n", server.greeting
            )
            assert server.client.chat(message).status == 200
            assert server.stop() == 0
    assert [text for role, text in last_history(simulator) if role == "user"] == ["Before.", "After."]
    assert (home / "data" / "antiphon" / "antiphon.db").exists()


def test_flags_win_over_the_environment(
    simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened to everyone, by an address that is spelled as if it were not this machine's."""
    monkeypatch.setenv("ANTIPHON_STORE", "sqlite:////nowhere/at/all.db")
    monkeypatch.setenv("ANTIPHON_PORT", "1")
    monkeypatch.setenv("ANTIPHON_HOST", "192.0.2.1")
    monkeypatch.setenv("ANTIPHON_MODEL", "claude-opus-5-5")
    mine = ("--store", f"sqlite:///{home / 'mine.db'}", "--model", "claude-haiku-5-5")
    with started(*mine, "--host", "::ffff:127.0.0.1", "--open-to-everyone") as server:
        assert "(model claude-haiku-5-5)" in server.greeting
        port = server.greeting.split()[2].rsplit(":", 1)[1]
        assert Client(f"http://127.0.0.1:{port}").chat("Hello?").json["model"] == "claude-haiku-5-5"
    assert (home / "mine.db").exists()


def test_ctrl_c_lets_answers_end_and_a_second_one_does_not(simulator: Simulator) -> None:
    simulator.script(Reply(text="first second", pace=600.0))
    with started() as server, server.client.streaming("Take your time.") as frames:
        next(frames)
        server.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.5)
        assert server.stop(signal.SIGINT) == 130
        assert "Traceback" not in server.said


def test_a_follower_does_not_keep_it_from_stopping(simulator: Simulator) -> None:
    """Nothing is being answered, so nothing is waited for: it comes back with its cursor."""
    with started() as server:
        api = Api(server.client)
        with api.events(api.conversation()) as events:
            assert next(events).seq == 1
            assert server.stop(patience_s=GRACE_S / 2) == 0
            assert [event.data for event in events] == ["closing"]


def test_an_answer_that_nobody_reads_may_end_before_the_server_does(simulator: Simulator) -> None:
    simulator.script(Reply(text="one two three four five", pace=0.3))
    with started() as server:
        with server.client.streaming("Count.") as frames:
            next(frames)
        assert server.stop() == 0
    assert not any(request.client_left for request in simulator.requests)


def test_what_it_logs_is_json_without_words_and_keys(simulator: Simulator) -> None:
    simulator.script(*[Fail(status=401, message=f"no such key: {KEY}")] * 5)
    with started() as server:
        assert server.client.chat("The password is hunter2.").problem == "upstream-auth"
        assert server.stop(signal.SIGINT) == 130
        lines = [json.loads(line) for line in server.said.splitlines()]
    assert [line["problem"] for line in lines if line["event"] == "problem"] == ["upstream-auth"]
    assert not re.search("sk-ant|hunter2", server.said)


def test_without_credentials_a_local_model_answers_where_that_was_asked_for() -> None:
    with started("--local-if-no-credentials") as server:
        assert "(model local)" in server.greeting
        assert "toy" in server.said
        assert server.client.get("/about").json["model"] == "SmolLM2 135M"
        answer = server.client.chat("Say hello.")
        assert (answer.status, answer.json["model"], answer.json["cost_usd"]) == (200, "local", "0")
        assert answer.json["response"]
        assert server.stop() == 0


def first_of(frames: Iterator[Any]) -> Any:
    """The first frame that is not a sign of life."""
    return next(frame for frame in frames if frame != ": ping")


def test_what_a_killed_server_had_begun_is_ended_by_another(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream's text cannot be taken back, so it is all there will be; a whole answer is made anew."""
    monkeypatch.setenv("ANTIPHON_LEASE_S", "3")
    simulator.script(*[Reply(text="One two three.", fault=Stall(after=2))] * 2)
    with started() as writer, started() as other, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(writer.client.chat, "Count.", "whole", key="k")
        with writer.client.streaming("Count.", "streamed", key="k") as frames:
            assert first_of(frames) == {"text": "One two"}
        simulator.wait_until(lambda seen: len(seen) == 2)
        with writer.client.streaming("Count.", "whole", key="k") as frames:
            assert first_of(frames) == {"text": "One two"}
        with other.client.streaming("Count.", "whole", key="k") as frames:
            assert first_of(frames) == {"text": "One two"}
            simulator.forget()
            writer.stop(signal.SIGKILL)
            with pytest.raises(ConnectionError):
                waiting.result()
            [last] = [frame for frame in frames if frame != ": ping"]
        assert "anew" in last["error"]["detail"]
        whole = other.client.chat("Count.", "whole", key="k")
        assert whole.json["response"] == 'You said: "Count.". That was message 1.'
        assert other.client.stream("Count.", "whole", key="k").text == whole.json["response"]
        streamed = other.client.stream("Count.", "streamed", key="k")
        assert streamed.text == "One two"
        assert streamed.frames[-1]["error"]["type"] == "/problems/upstream-failed"
        assert other.client.chat("Go on.", "streamed").status == 200
    assert last_history(simulator) == [("user", "Count."), ("assistant", "One two"), ("user", "Go on.")]
    assert len(asked(simulator)) == 2


# What it refuses


@pytest.mark.usefixtures("quiet_log")
def test_without_credentials_it_does_not_start() -> None:
    assert "ANTHROPIC_API_KEY" in refused()


@pytest.mark.usefixtures("quiet_log")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_beyond_this_machine_only_if_asked_for(simulator: Simulator, host: str) -> None:
    assert "--open-to-everyone" in refused("--host", host)


@pytest.mark.usefixtures("quiet_log")
def test_a_port_in_use_is_told(simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        reason = refused("--port", str(port))
    assert f"127.0.0.1:{port}" in reason
    assert "--port" in reason


@pytest.mark.usefixtures("quiet_log")
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--model", "claude-imaginary-9"), "claude-imaginary-9"),
        (("--store", "mysql://localhost/antiphon"), "ANTIPHON_STORE"),
        (("--store", "sqlite:////dev/null/antiphon.db"), "store"),
        (("--host", "no.such.host.invalid", "--open-to-everyone"), "no.such.host.invalid"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(
    simulator: Simulator, flags: tuple[str, ...], words: str
) -> None:
    assert words in refused(*flags)


# By uvicorn itself


def test_uvicorn_can_serve_it_as_well(simulator: Simulator, home: Path) -> None:
    with subprocess.Popen(UVICORN, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = (re.search(r"running on (http://\S+)", line) for line in process.stderr)
        url = next(found[1] for found in said if found)
        assert Client(url).chat("Hello?").status == 200
        process.terminate()
        process.stderr.read()
        process.wait(PATIENCE_S)
    assert (home / "data" / "antiphon" / "antiphon.db").exists()


async def test_the_application_does_not_start_without_credentials() -> None:
    application = create_app()
    with pytest.raises(MissingCredentials):
        async with application.router.lifespan_context(application):
            pass
