"""Starting the program without the seconds that its imports take: as a fork of a process that has made them.

Each test process has one such process, started when it is first needed. Where the system cannot make its
forks children of the test process, or a fork could not do as the command says, a new Python is started.
"""

import atexit
import ctypes
import functools
import inspect
import json
import os
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, AnyStr

import pexpect
from ptyprocess import PtyProcess  # type: ignore[import-untyped]

from tests.preloaded.process import Order

WITHIN_S = 60

ADOPT_ORPHANS = 36
"""`PR_SET_CHILD_SUBREAPER` of Linux."""

READ_TOO_EARLY = ("PYTHON", "LC_", "LANG", "ANTHROPIC_LOG")
"""Variables that Python or an import reads. A fork knows what they were, not what they are."""

NOT_FOR_IMPORTS = ("ANTHROPIC_", "ANTIPHON_", "XDG_")


class Popen(subprocess.Popen[AnyStr]):
    """For commands that begin with this Python, or with one of its scripts, without options about their start
    other than `cwd`, `env` and `start_new_session`.
    """

    def _execute_child(self, *given: Any) -> None:
        # Private, but the same since Python 3.11; all else of Popen works on what it sets.
        execute = super()._execute_child  # type: ignore[misc]
        names = inspect.signature(execute).bind(*given).arguments
        order = Order(
            command=list(map(str, names["args"])),
            environment=dict(os.environ if names["env"] is None else names["env"]),
            folder=str(names["cwd"] or Path.cwd()),
            new_session=names["start_new_session"],
            terminal=False,
        )
        if not can_be_forked(order):
            execute(*given)
            return
        ends = [names[end] for end in ("p2cread", "c2pwrite", "errwrite")]
        self.pid = preloaded().start(order, [number if end == -1 else end for number, end in enumerate(ends)])
        self._child_created = True
        close = self._close_pipe_fds  # type: ignore[attr-defined]
        close(*(names[name] for name in inspect.signature(close).parameters))


class Spawn(pexpect.spawn):  # type: ignore[type-arg]  # it takes none when it runs
    """The same in a terminal."""

    def _spawnpty(self, args: Sequence[bytes], **options: Any) -> PtyProcess:
        order = Order(
            command=[os.fsdecode(word) for word in args],
            environment=dict(options["env"]),
            folder=str(Path.cwd()),
            new_session=True,
            terminal=True,
        )
        if not can_be_forked(order):
            return super()._spawnpty(args, **options)  # type: ignore[misc]
        ours, theirs = os.openpty()
        try:
            termios.tcsetwinsize(theirs, options["dimensions"])
            pid = preloaded().start(order, [theirs] * 3)
        finally:
            os.close(theirs)
        return PtyProcess(pid, ours)


def can_be_forked(order: Order) -> bool:
    return sys.platform == "linux" and early(order["environment"]) == early(os.environ)


def early(environment: Mapping[str, str]) -> set[tuple[str, str]]:
    """Empty ones are to Python as none."""
    return {(name, value) for name, value in environment.items() if value and name.startswith(READ_TOO_EARLY)}


class Preloaded:
    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(WITHIN_S)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", Path(__file__).with_name("process.py"), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd="/",
                env={n: value for n, value in os.environ.items() if not n.startswith(NOT_FOR_IMPORTS)},
                stdin=subprocess.DEVNULL,
            )

    def start(self, order: Order, streams: Sequence[int]) -> int:
        """The pid of a new child."""
        with self._one_at_a_time, adopting_orphans():
            socket.send_fds(self._orders, [json.dumps(order).encode()], streams)
            pid = self._orders.recv(20)
            assert pid, "the preloaded process has ended"
        return int(pid)

    def stop(self) -> None:
        self._orders.close()
        self._process.wait(WITHIN_S)


_first = threading.Lock()


def preloaded() -> Preloaded:
    with _first:  # threads that come at the same time get the same one
        return _the_only_one()


@functools.cache
def _the_only_one() -> Preloaded:
    started = Preloaded()
    atexit.register(started.stop)
    return started


@contextmanager
def adopting_orphans() -> Generator[None]:
    """Meanwhile, a descendant whose parent ends becomes a child of this process."""
    adopt = functools.partial(ctypes.CDLL(None, use_errno=True).prctl, ADOPT_ORPHANS)
    assert adopt(ctypes.c_ulong(1)) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        adopt(ctypes.c_ulong(0))
