"""Disks that can be full: a small one, mounted where only our processes see it, or a limit on files."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.faults.replicas import PATIENCE_S, Replica

SIZE = "64m"
PAGE = 4096
ROOM = 500_000
"""Bytes that a limited log may still grow: some commits, so that it is full in the middle of something. What
the processes tell on their standard error must fit in, too.
"""

MOUNT = f'mount -t tmpfs -o size={SIZE} tmpfs "$0" && echo mounted && exec cat'
"""It keeps the mount as long as its standard input is open, so no longer than this process lives."""


SHORTEN_LOG = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=5)
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
"""


class Disk(Protocol):
    def fill(self) -> None:
        """From now on nothing more fits on it. A log that could begin anew in its own room is cut first."""
        ...

    def free(self) -> None: ...


@dataclass(frozen=True)
class LimitedFiles:
    """These processes write no file beyond some commits (`RLIMIT_FSIZE`): neither log nor database."""

    replicas: Sequence[Replica]
    database: Path

    def fill(self) -> None:
        shorten_log(self.database)
        log = self.database.with_name(f"{self.database.name}-wal")
        for replica in self.replicas:
            replica.limit_files(log.stat().st_size + ROOM)

    def free(self) -> None:
        for replica in self.replicas:
            replica.limit_files(None)


@dataclass(frozen=True)
class SmallDisk:
    """A file system in memory; the kernel itself says that there is no space left (`ENOSPC`)."""

    holder: int
    folder: Path

    @property
    def inside(self) -> tuple[str, ...]:
        """What a command begins with to see it at `folder`."""
        return ("nsenter", f"--mount=/proc/{self.holder}/ns/mnt")

    @property
    def database(self) -> Path:
        return self.folder / "antiphon.db"

    @property
    def from_here(self) -> Path:
        return Path(f"/proc/{self.holder}/root") / self.folder.relative_to("/")

    def fill(self) -> None:
        shorten_log(self.database, inside=self.inside)
        with (self.from_here / "filler").open("ab", buffering=0) as filler, full_in_the_end():
            while True:
                filler.write(bytes(PAGE))

    def free(self) -> None:
        (self.from_here / "filler").unlink(missing_ok=True)

    def copy_to(self, folder: Path) -> None:
        """All that lies on it. SQLite itself would look for the files where this process has none."""
        shutil.copytree(self.from_here, folder, ignore=shutil.ignore_patterns("filler"))


def shorten_log(database: Path, *, inside: Sequence[str] = ()) -> None:
    """What SQLite wrote ahead goes into the file, and its log has no room left over."""
    command = [*inside, sys.executable, "-c", SHORTEN_LOG, str(database)]
    subprocess.run(command, check=True, timeout=PATIENCE_S)


@contextmanager
def full_in_the_end() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextmanager
def small_disk(folder: Path) -> Generator[SmallDisk | None]:
    """Mounted at `folder`, for processes that begin `inside`; None where this user may not mount."""
    folder.mkdir()
    try:
        holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", MOUNT, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        yield None
        return
    try:
        assert holder.stdout is not None
        mounted = holder.stdout.readline() == b"mounted\n"
        yield SmallDisk(holder.pid, folder) if mounted else None
    finally:
        holder.kill()
        holder.communicate(timeout=PATIENCE_S)
