"""What the README promises of a killed process, seen from outside: a real server, SIGKILL, and a new one."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator, running
from tests.preloaded.starting import Popen

LEASE_S = "0.5"
"""So that the new process does not wait 10 s for a dead one."""


@contextmanager
def server(simulator: Simulator, folder: Path) -> Generator[tuple[httpx2.Client, subprocess.Popen[bytes]]]:
    command = [str(Path(sys.executable).with_name("antiphon")), "serve", "--port", "0"]
    environment = {
        **os.environ,
        "ANTHROPIC_BASE_URL": simulator.url,
        "ANTHROPIC_API_KEY": "key-of-a-test",
        "ANTIPHON_STORE": f"sqlite:///{folder / 'antiphon.db'}",
        "ANTIPHON_LEASE_S": LEASE_S,
    }
    process: subprocess.Popen[bytes] = Popen(command, env=environment, stdout=subprocess.PIPE, bufsize=0)
    try:
        with httpx2.Client(base_url=address(process), timeout=30, trust_env=False) as client:
            yield client, process
    finally:
        process.kill()
        process.communicate(timeout=10)


def address(process: subprocess.Popen[bytes]) -> str:
    """Where it listens, as its first line says."""
    assert process.stdout is not None
    said, deadline = b"", time.monotonic() + 30
    while b"\n" not in said:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, "the server did not start in time"
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, "the server ended at once"
        said += piece
    match = re.search(r"http://\S+", said.decode())
    assert match is not None
    return match.group()


def words(message: dict[str, Any]) -> tuple[str, str]:
    return message["role"], "".join(block["text"] for block in message["content"])


@pytest.fixture
def simulator() -> Generator[Simulator]:
    with running() as simulator:
        yield simulator


def test_what_a_reader_saw_survives_a_kill(simulator: Simulator, tmp_path: Path) -> None:
    simulator.script(Reply(text="one two three", pace=60))
    with server(simulator, tmp_path) as (client, process):
        question = {"session_id": "zoe", "message": "Count."}
        with client.stream("POST", "/chat/stream", json=question) as answer:
            seen = next(line for line in answer.iter_lines() if line.startswith("data: "))
            process.kill()
    assert seen == 'data: {"text": "one"}'
    with server(simulator, tmp_path) as (client, _):
        client.post("/chat", json={"session_id": "zoe", "message": "Go on."}).raise_for_status()
    sent = [words(message) for message in simulator.requests[-1].body["messages"]]
    assert sent == [("user", "Count."), ("assistant", "one"), ("user", "Go on.")]


def test_a_message_that_was_accepted_is_answered_once_after_a_kill(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.script(Reply(text="one two three", pace=60))
    first, second = ({"session_id": "zoe", "message": text} for text in ("Count.", "And then?"))
    key = {"Idempotency-Key": "of-the-second"}
    with (
        server(simulator, tmp_path) as (client, process),
        client.stream("POST", "/chat/stream", json=first) as answer,
    ):
        next(line for line in answer.iter_lines() if line.startswith("data: "))
        with client.stream("POST", "/chat/stream", json=second, headers=key):
            process.kill()
    with server(simulator, tmp_path) as (client, _):
        answers = [client.post("/chat", json=second, headers=key).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["response"] == 'You said: "And then?". That was message 3.'
    assert len(simulator.requests) == 2
