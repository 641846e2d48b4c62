"""A Python that has imported the program and waits; each fork of it is a program that starts at once.

Its argument is a Unix socket. What comes over that is an `Order`, with standard input, output and errors as
descriptors beside it. The answer is the pid of the new process, once that is a child of who asked.
"""

import fcntl
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import termios
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import TypedDict

COMMANDS = ("ask", "chat", "cost", "local", "migrate", "serve", "simulate")
MODULES = [
    "antiphon.chat",
    *(f"antiphon.cli.{command}" for command in COMMANDS),
    "antiphon.stores.redis.store",
    "antiphon.stores.sql.postgres",
    "antiphon.stores.sql.sqlite",
]

LONGEST = 200_000
"""Bytes of an order; Linux lets a message on a Unix socket have 212,992."""


class Order(TypedDict):
    command: list[str]
    """This Python, perhaps `-W error`, `-m` and a module, or a file, and arguments; or one of its scripts."""
    environment: dict[str, str]
    folder: str
    new_session: bool
    terminal: bool
    """Whether standard input is the terminal that is to control the new session."""


def main() -> None:
    orders = socket.socket(fileno=int(sys.argv[1]))
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and they this
    gc.disable()
    for module in MODULES:
        importlib.import_module(module)
    gc.freeze()
    gc.enable()
    order = wait_for(orders)
    signal.signal(signal.SIGINT, on_interrupt)
    run(order["command"])


def wait_for(orders: socket.socket) -> Order:
    """Returns only in forks: each order in a new process, which has what a program is given at its start."""
    while True:
        message, streams, _, _ = socket.recv_fds(orders, LONGEST, 3)
        if not message:
            sys.exit()
        adopted, pending = os.pipe()
        if (between := os.fork()) == 0:
            # This one ends at once: its child becomes a child of the next ancestor who adopts orphans.
            if os.fork() != 0:
                os._exit(0)
            os.close(pending)
            os.read(adopted, 1)
            orders.send(str(os.getpid()).encode())
            orders.close()
            os.close(adopted)
            order: Order = json.loads(message)
            equip(order, streams)
            return order
        os.waitpid(between, 0)
        for descriptor in (pending, adopted, *streams):
            os.close(descriptor)


def equip(order: Order, streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if order["new_session"]:
        os.setsid()
    if order["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        text = reopened(number, getattr(sys, name))
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)


def reopened(number: int, before: TextIOWrapper) -> TextIOWrapper:
    """What Python makes of a descriptor at its start. `PYTHONUNBUFFERED` is remembered as writing through."""
    mode, unbuffered = "wb" if number else "rb", before.write_through
    stream = open(number, mode, 0 if unbuffered and number else -1, closefd=False)  # noqa: SIM115
    by_lines = not unbuffered and (stream.isatty() or number == 2)
    return TextIOWrapper(
        stream, before.encoding, before.errors, line_buffering=by_lines, write_through=unbuffered
    )


def run(command: list[str]) -> None:
    if command[0] == sys.executable:
        command = command[1:]
    if command[:2] == ["-W", "error"]:
        sys.warnoptions.append("error")
        warnings.simplefilter("error")
        command = command[2:]
    if command[0] == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(command[0]).parent))
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    main()
