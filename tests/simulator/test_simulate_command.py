"""`antiphon simulate` as a process of its own."""

import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import typer
from anthropic import Anthropic
from typer.testing import CliRunner

from antiphon.cli.simulate import simulate
from tests.preloaded.starting import Popen

COMMAND = [sys.executable, "-m", "antiphon", "simulate"]

QUESTION: dict[str, Any] = {
    "model": "claude-haiku-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
}


@contextmanager
def process(
    *options: str, popen: type[subprocess.Popen[str]] = Popen
) -> Generator[tuple[subprocess.Popen[str], str]]:
    """The running command and the line it printed."""
    started = popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    with started, started.stdout:
        try:
            yield started, started.stdout.readline()
        finally:
            started.kill()


@pytest.fixture(scope="module")
def line() -> Generator[str]:
    """What one process says that all tests of what it does share."""
    options = ("--port", "0", "--deltas", "3", "--delta-chars", "4", "--pace", "0.001")
    with process(*options, popen=subprocess.Popen) as (_, line):
        yield line


@pytest.fixture
def url(line: str) -> str:
    return variables(line)["ANTHROPIC_BASE_URL"]


def variables(line: str) -> dict[str, str]:
    """What the line tells to put into the environment."""
    return dict(word.split("=", 1) for word in line.split() if word.startswith("ANTHROPIC_"))


def test_its_line_is_all_a_client_needs(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(line).items():
        monkeypatch.setenv(name, value)
    with Anthropic(max_retries=0) as client, client.messages.stream(**QUESTION) as stream:
        assert [len(text) for text in stream.text_stream] == [4, 4, 4]


def test_another_process_scripts_it(url: str) -> None:
    httpx2.delete(f"{url}/simulator/requests").raise_for_status()
    httpx2.post(f"{url}/simulator/script", json=[{"kind": "fail", "status": 529}]).raise_for_status()
    headers = {"x-api-key": "simulator", "anthropic-version": "2026-10-21"}
    assert httpx2.post(f"{url}/v1/messages", json=QUESTION, headers=headers).status_code == 529
    (seen,) = httpx2.get(f"{url}/simulator/requests").json()
    assert seen["status"] == 529


@pytest.mark.parametrize(
    ("fault", "error"), [("hang_up", httpx2.RemoteProtocolError), ("reset", httpx2.ReadError)]
)
def test_it_breaks_connections_on_its_own_event_loop_too(
    url: str, fault: str, error: type[Exception]
) -> None:
    script = [{"kind": "reply", "fault": {"kind": fault, "after": 2}}]
    httpx2.post(f"{url}/simulator/script", json=script).raise_for_status()
    with (
        Anthropic(base_url=url, api_key="any", max_retries=0) as client,
        pytest.raises(error),
        client.messages.stream(**QUESTION) as stream,
    ):
        stream.until_done()


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_when_told_to(name: signal.Signals) -> None:
    with process("--port", "0") as (started, line):
        assert line.startswith("Simulator on http://127.0.0.1:")
        started.send_signal(name)
        assert started.wait(10) == 0


def test_a_taken_port_is_explained() -> None:
    command = typer.Typer()
    command.command()(simulate)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = CliRunner().invoke(command, ["--port", str(taken.getsockname()[1])])
    assert ended.exit_code == 3
    assert "--port 0" in ended.stderr
