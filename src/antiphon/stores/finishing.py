"""What is under way in a store is finished before it is left: nothing of it is made after what came later."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finish(work: Coroutine[Any, Any, T] | asyncio.Future[T]) -> T:
    """Wait for it even if cancelled, however often; that is raised when it is over."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            await _wait_more(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody is told of it
        raise


async def _wait_more(task: asyncio.Future[Any]) -> None:
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        return
