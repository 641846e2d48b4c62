"""Tools for processes of their own."""

import asyncio
import os
import signal
import sys

from antiphon import ToolError, tool


@tool(isolated=True, effect="pure", timeout_s=30)
def double(number: int) -> dict[str, int]:
    """Doubles a number.

    Args:
        number: to be doubled.
    """
    print("this goes to stderr")  # noqa: T201
    return {"doubled": 2 * number, "pid": os.getpid()}


@tool(isolated=True, timeout_s=30)
async def later(text: str) -> str:
    """Says it later."""
    await asyncio.sleep(0)
    raise ToolError(f"Not {text}.")


@tool(isolated=True, timeout_s=30)
def kill() -> None:
    """Kills its process."""
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


@tool(isolated=True, timeout_s=3)
def hang(pid_file: str) -> None:
    """Hangs, and so does what it starts."""
    child = os.fork()
    with open(pid_file, "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"{os.getpid()}\n")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while child >= 0:
        signal.pause()
