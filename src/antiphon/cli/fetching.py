"""A bar on stderr while a local model is fetched; one plain line where there is no terminal."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn


class FetchBar:
    """Appears with the first byte, and goes when it is left. `show` may be called from any thread."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
        self._task: TaskID | None = None
        self._left = False

    def show(self, done: int, total: int) -> None:
        """So many bytes of so many are here."""
        if self._left:
            return
        if self._task is None:
            if self._progress.disable:
                print(f"Fetching the local model, {total / 1e6:,.0f} MB…", file=sys.stderr, flush=True)
            self._progress.start()
            self._task = self._progress.add_task("Fetching the local model", total=total)
        self._progress.update(self._task, completed=done, total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left = True
        if self._task is not None:
            self._progress.stop()
