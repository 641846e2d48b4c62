"""The server of a local model as a child process: started, watched, stopped.

The child outlives nobody: it ends when its stdin does, which the operating system closes however this process
ends. Within this process it ends with `stop`, or when its `ServerProcess` is dropped.
"""

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import threading
import weakref
from collections import deque
from concurrent.futures import Future
from dataclasses import replace
from typing import IO, Self

from antiphon.errors import ConfigurationError
from antiphon.model.local import server
from antiphon.model.local.server import Orders

START_S = 120.0
"""For a large file from a slow disk; the small model takes about one second."""
STOP_S = 5.0
WORDS_KEPT = 20


class ServerProcess:
    """One running child. `base_url` and `key` are for the client."""

    def __init__(self, child: subprocess.Popen[bytes], base_url: str, key: str) -> None:
        self.base_url = base_url
        self.key = key
        self._child = child
        self._end = weakref.finalize(self, _end, child, 0.0)

    @classmethod
    async def start(cls, orders: Orders, *, within_s: float = START_S) -> Self:
        """Start the child and wait until it answers. It gets a random key of its own, whatever `orders` say.

        Raises:
            ConfigurationError: it ended, or was not ready in time; the sentence holds its last words.
        """
        key = secrets.token_urlsafe(32)
        child, output = _launch(replace(orders, key=key))
        try:
            base_url = await asyncio.to_thread(output.address, within_s)
        except BaseException:
            _end(child, 0.0)
            raise
        return cls(child, base_url, key)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    async def died_within(self, seconds: float) -> bool:
        """Whether it ends in that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._child.wait, seconds)
        return not self.alive

    async def stop(self) -> None:
        """End the child: asked first, killed after 5 s. Idempotent."""
        if self._end.detach():
            await asyncio.to_thread(_end, self._child, STOP_S)


class _Output:
    """What the child says, read by a thread of its own so that it can never block on a full pipe."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._ready: Future[str | None] = Future()
        self._words: deque[str] = deque(maxlen=WORDS_KEPT)
        threading.Thread(target=self._read, args=(pipe,), name="local-model", daemon=True).start()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                said = line.decode(errors="replace").strip()
                if said.startswith(server.READY):
                    self._ready.set_result(said.removeprefix(server.READY))
                elif said:
                    self._words.append(said)
        if not self._ready.done():
            self._ready.set_result(None)

    def address(self, within_s: float) -> str:
        """Block until the child says its address. Raises: ConfigurationError: it ended or took too long."""
        try:
            address = self._ready.result(within_s)
        except TimeoutError:
            raise ConfigurationError(
                f"The local model was not ready within {within_s:.0f} s and was stopped. Nothing of the "
                "conversation is lost; a smaller model starts sooner."
            ) from None
        if address is None:
            said = self._words[-1].rstrip(".") if self._words else "it gave no reason"
            raise ConfigurationError(
                f"The local model ended while it was starting: {said}. Nothing of the conversation is lost; "
                "check the model's file and the free memory."
            )
        return address


def _launch(orders: Orders) -> tuple[subprocess.Popen[bytes], _Output]:
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and file
        # -P: the folder of that file must not become a place to import from.
        [sys.executable, "-P", server.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    output = _Output(child.stdout)
    with contextlib.suppress(BrokenPipeError):  # it ended already: `address` tells its last words
        child.stdin.write(orders.line())
        child.stdin.flush()
    return child, output


def _end(child: subprocess.Popen[bytes], patience_s: float) -> None:
    """End the child and reap it: after `patience_s` by force."""
    if patience_s:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience_s)
    child.kill()  # without effect on a child that has ended
    child.wait()
    if child.stdin:
        child.stdin.close()
