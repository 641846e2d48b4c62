"""Tools in processes of their own: whatever one does to its process, this one goes on."""

import asyncio
import contextlib
import inspect
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from antiphon.errors import ConfigurationError, ToolError

log = structlog.get_logger()

OUTPUT_BYTES_MAX = 20_000_000
"""What a process may answer, images as base64 included; one that says more is killed."""

MAIN = "__main__"


class Isolated:
    """One function, found again by its name in each new process."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        """Raises ConfigurationError: no other process can find this function."""
        module, path = function.__module__, function.__qualname__
        if "<" in path or not _can_be_found(module, function):
            raise ConfigurationError(
                f"Tool {name} cannot be isolated: another process finds a function only at the top of a file."
            )
        file = str(Path(inspect.getfile(function)).absolute()) if module == MAIN else None
        self._name = name
        self._wanted = {"module": module, "file": file, "name": path, "path": [*sys.path]}

    async def run(self, given: dict[str, Any]) -> Any:
        """The blocks of its result. Raises ToolError; ChildFailed: it ended without one."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "antiphon.tools.child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=OUTPUT_BYTES_MAX,
            start_new_session=True,
        )
        try:
            said = await _said(process, msgspec.json.encode({**self._wanted, "input": given}))
        finally:
            _kill(process)
            await process.wait()
        answer = _answer(said)
        if (error := answer.get("error")) is not None:
            raise ToolError(error)
        if (fault := answer.get("fault")) is not None:
            log.warning("tool_fault_in_child", tool=self._name, **fault)
            raise ChildFailed(self._name)
        return answer["blocks"]


class ChildFailed(Exception):
    """The function raised, or its process ended without an answer."""


async def _said(process: asyncio.subprocess.Process, order: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(order)
        await process.stdin.drain()
        process.stdin.close()
    try:
        return await process.stdout.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        raise ToolError("The result was far too large, so it was dropped; ask for less of it.") from None
    except asyncio.IncompleteReadError:
        raise ChildFailed("its process ended without an answer") from None


def _answer(said: bytes) -> dict[str, Any]:
    return msgspec.json.decode(said, type=dict[str, Any])


def _kill(process: asyncio.subprocess.Process) -> None:
    """With all that it started."""
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _can_be_found(module: str, function: Callable[..., Any]) -> bool:
    try:
        return module != MAIN or Path(inspect.getfile(function)).is_file()
    except TypeError:
        return False
