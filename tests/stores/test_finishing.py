"""What is under way in a store is finished before it is left."""

import asyncio

import pytest

from antiphon.errors import Conflict
from antiphon.stores.finishing import finish


@pytest.mark.parametrize("refused", [False, True])
async def test_whoever_is_cancelled_hears_of_it_when_the_call_is_over(refused: bool) -> None:
    """However often, and of nothing else."""
    go_on, ended = asyncio.Event(), False

    async def call() -> None:
        nonlocal ended
        await go_on.wait()
        ended = True
        if refused:
            raise Conflict("It is taken.")

    task = asyncio.create_task(finish(call()))
    await asyncio.sleep(0)
    for _ in range(3):
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended


async def test_a_call_that_is_itself_cancelled_is_over() -> None:
    work = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(finish(work))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
