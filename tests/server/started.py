"""`antiphon serve` in processes of its own."""

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from antiphon.cli import app
from tests.preloaded.starting import Popen
from tests.server.client import Client

SERVE = [sys.executable, "-m", "antiphon", "serve", "--port", "0"]

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Started:
    process: subprocess.Popen[str]
    greeting: str
    errors: Path

    @property
    def client(self) -> Client:
        return Client(self.greeting.split()[2])

    @property
    def said(self) -> str:
        """On stderr."""
        return self.errors.read_text()

    def stop(self, number: int = signal.SIGTERM, *, patience_s: float = PATIENCE_S) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(patience_s)


@contextmanager
def started(*flags: str, popen: type[subprocess.Popen[str]] = Popen) -> Generator[Started]:
    """A server that listens, in a process of its own."""
    errors = Path(f"errors-{len(list(Path().glob('errors-*')))}.txt")
    with (
        errors.open("w") as stderr,
        popen(
            [*SERVE, *flags], stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            yield Started(process, process.stdout.readline(), errors)
        finally:
            process.kill()


def refused(*flags: str) -> str:
    """Why it does not even start."""
    ended = CliRunner().invoke(app, ["serve", "--port", "0", *flags])
    assert ended.exit_code == 3
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.stderr
