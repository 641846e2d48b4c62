"""A reader who does what a page says, in an empty folder, with a shell and a Python that stay open."""

import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs.interpreter import MARK
from tests.docs.pages import Example
from tests.preloaded.starting import Popen

WITHIN_S = 60.0

SERVERS = {"antiphon serve": 8000, "antiphon simulate": 8801, "uvicorn": 8000}
"""Commands that stay, and the port on which a page says they are. Each gets a free one in its place."""

INTERPRETER = Path(__file__).with_name("interpreter.py")


class Program:
    """A child process that is given pieces of work and marks the end of each one's output."""

    def __init__(
        self,
        start: type[subprocess.Popen[bytes]],
        command: list[str],
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._process = start(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )

    def run(self, order: str) -> str:
        """What it printed. Raises AssertionError if it ended instead of going on."""
        assert self._process.stdin is not None
        self._process.stdin.write(order.encode() + b"\n")
        printed, ended = self._read(MARK.encode())
        assert not ended, f"it ended with:\n{printed}"
        return printed

    def end(self) -> str:
        """Close its input, wait, and stop what it left running. Returns what it still printed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        printed, _ = self._read(None)
        self._process.wait(WITHIN_S)
        return printed

    def stop(self) -> None:
        """Stop it with everything that it started."""
        _signal_group(self._process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while _signal_group(self._process.pid, 0) and time.monotonic() < deadline:
            self._process.poll()
            select.select([], [], [], 0.02)
        _signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait(WITHIN_S)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _read(self, mark: bytes | None) -> tuple[str, bool]:
        """Output up to the mark or the end, and whether it is the end."""
        assert self._process.stdout is not None
        seen, deadline = b"", time.monotonic() + WITHIN_S
        while mark is None or not seen.endswith(mark):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"it said no more after:\n{seen.decode()}")
            piece = os.read(self._process.stdout.fileno(), 65536)
            if not piece:
                return seen.decode(), True
            seen += piece
        return seen.removesuffix(mark).decode(), False


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


class Reader:
    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder / "work"
        self._folder.mkdir()
        self._steps = folder / "steps"
        self._steps.mkdir()
        self._ports = {str(port): _free_port() for port in sorted(set(SERVERS.values()))}
        binaries = Path(sys.executable).parent
        self._environment = {
            **environment,
            "HOME": str(folder),
            "PATH": f"{binaries}{os.pathsep}{environment['PATH']}",
            "TERM": "dumb",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # a reader has none of those that test Antiphon
            "PYTEST_PLUGINS": "antiphon.testing.plugin",  # as its entry point would load it
        }
        self._shell: Program | None = None
        self._python: Program | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in (self._python, self._shell):
            if program is not None:
                program.stop()

    def follow(self, example: Example) -> str:
        """Do what the example says; returns what it prints, as a reader would see it on the usual ports."""
        code = _swap(example.code, self._ports)
        if (name := example.file_name) is not None:
            (self._folder / name).write_text(code, encoding="utf-8")
            return ""
        if example.language == "python":
            printed = self._run_python(example, code)
        elif server := _server(code):
            printed = self._serve(server, code.strip())
        else:
            printed = self._run_shell(code)
        return _swap(printed, {free: port for port, free in self._ports.items()})

    def finish(self) -> None:
        """The program ends by itself and quietly, whatever it left open."""
        if self._python is not None:
            last = self._python.end()
            assert last == "", f"Python ended with:\n{last}"

    def _run_python(self, example: Example, code: str) -> str:
        if self._python is None:
            command = [sys.executable, "-W", "error", str(INTERPRETER)]
            self._python = Program(Popen, command, self._folder, self._environment)
        return self._python.run(json.dumps([example.where.partition(":")[0], example.line, code]))

    def _run_shell(self, code: str) -> str:
        return self._order(f". {self._step(code)} </dev/null")

    def _order(self, command: str) -> str:
        if self._shell is None:
            self._shell = Program(
                subprocess.Popen, ["bash", "--noprofile", "--norc"], self._folder, self._environment
            )
            self._shell.run(f"set -eo pipefail; printf '{MARK}'")
        return self._shell.run(f"{command}\nprintf '{MARK}'")

    def _serve(self, server: str, command: str) -> str:
        """Start a command that stays; returns what it says until it can be reached."""
        usual = str(SERVERS[server])
        port = self._ports[usual]
        if "--port" not in command:
            command += f" --port {port}"
        log = self._steps / f"{server.replace(' ', '-')}.log"
        self._order(f". {self._step(command)} </dev/null >{shlex.quote(str(log))} 2>&1 &")
        deadline = time.monotonic() + WITHIN_S
        while not _listens(int(port)):
            assert time.monotonic() < deadline, f"{command} did not start:\n{log.read_text()}"
            select.select([], [], [], 0.05)
        return log.read_text()

    def _step(self, code: str) -> str:
        path = self._steps / f"{len(list(self._steps.iterdir()))}.sh"
        path.write_text(code, encoding="utf-8")
        return shlex.quote(str(path))


def _server(code: str) -> str | None:
    """The command that stays, if the example is one."""
    if len(code.strip().splitlines()) != 1:
        return None
    return next((server for server in SERVERS if code.startswith(server)), None)


def _swap(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b(" + "|".join(names) + r")\b", lambda match: names[match.group()], text)


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
