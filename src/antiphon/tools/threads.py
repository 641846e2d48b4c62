"""Synchronous tools, each run in a daemon thread: one that hangs holds neither the event loop nor the end of
the program. Python cannot stop a thread, so what hangs is counted, and at some number a tool runs no more.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

from antiphon.errors import ToolError

HANGING_MAX = 8


class Threads:
    """Of one tool."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._given_up = 0

    async def run(self, call: Callable[[], Any]) -> Any:
        """What `call` returns. Raises what it raises; ToolError: too many earlier calls still hang."""
        if self._given_up >= HANGING_MAX:
            raise ToolError(
                "Earlier runs of this tool have not come back, so it is out of order now; nothing was run."
            )
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
        context = contextvars.copy_context()

        def work() -> None:
            outcome: tuple[Any, BaseException | None]
            try:
                outcome = context.run(call), None
            except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                outcome = None, error
            try:
                loop.call_soon_threadsafe(_settle, ended, outcome)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

        threading.Thread(target=work, name=f"tool {self._name}", daemon=True).start()
        try:
            value, error = await asyncio.shield(ended)
        except asyncio.CancelledError:
            self._given_up += 1
            ended.add_done_callback(self._came_back)
            raise
        if error is not None:
            raise error
        return value

    def _came_back(self, _: asyncio.Future[Any]) -> None:
        self._given_up -= 1


def _settle(future: asyncio.Future[Any], outcome: tuple[Any, BaseException | None]) -> None:
    if not future.done():
        future.set_result(outcome)
