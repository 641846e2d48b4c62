"""Whatever a tool does, the turn gets its result, and the program goes on."""

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from antiphon import AsyncChat, ConfigurationError, tool
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.tools.results import TEXT_BYTES_MAX
from antiphon.tools.threads import HANGING_MAX
from antiphon.tools.toolbox import Toolbox
from tests.tools import children
from tests.tools.results import results_of, told

LEFT = threading.Event()


@tool(timeout_s=0.1)
def hangs() -> None:
    """Hangs in a thread."""
    LEFT.wait(60)


@tool(timeout_s=0.1)
async def hangs_softly() -> None:
    """Hangs, and can be stopped."""
    await asyncio.Event().wait()


@tool(timeout_s=0.1)
async def does_not_let_go() -> None:
    """Hangs, and will not be stopped by the first word."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


@tool
def leaves() -> None:
    """Ends its thread."""
    sys.exit(1)


@tool
async def leaves_the_loop() -> None:
    """Would end the event loop."""
    raise SystemExit(1)


@tool
async def interrupts() -> None:
    """Would end the program."""
    raise KeyboardInterrupt


@tool
async def stops_itself() -> None:
    """Would stop the turn."""
    raise asyncio.CancelledError


@tool
def runs_out() -> None:
    """Raises what a future cannot hold."""
    raise StopIteration


@tool
def is_no_json() -> object:
    """Returns what is no JSON."""
    return threading.Lock()


@tool
def turns_in_circles() -> list[Any]:
    """Returns what holds itself."""
    circle: list[Any] = []
    circle.append(circle)
    return circle


@tool
def shouts() -> str:
    """Returns 50 MB."""
    return "é" * 25_000_000


@tool
def lists() -> list[str]:
    """Returns 50 MB of JSON."""
    return ["x" * 1000] * 50_000


FAILING = (leaves, leaves_the_loop, interrupts, stops_itself, runs_out, is_no_json, turns_in_circles)
HANGING = (hangs, hangs_softly, does_not_let_go)
LOUD = (shouts, lists)


async def test_a_tool_can_harm_neither_its_turn_nor_the_program(simulator: Simulator) -> None:
    tools = (*FAILING, *HANGING, *LOUD)
    results = await results_of(simulator, tools, *((each.tool.name, {}) for each in tools))
    failed, hung, loud = results[:7], results[7:10], results[10:]
    assert [told(result) for result in failed] == ["The tool failed."] * 7
    assert [told(result) for result in hung] == [
        "The tool did not finish within 0.1 s; what it did is not known."
    ] * 3
    assert all(result["is_error"] for result in (*failed, *hung))
    for result in loud:
        assert told(result).endswith("\n[cut: the result was longer]")
        assert TEXT_BYTES_MAX - 2 <= len(told(result).encode()) <= TEXT_BYTES_MAX + 40
        assert "is_error" not in result
    LEFT.set()


async def test_a_function_that_hangs_again_and_again_is_out_of_order_until_one_run_comes_back() -> None:
    may_go = threading.Event()

    @tool(timeout_s=0.02)
    def stuck() -> str:
        """Hangs."""
        may_go.wait(60)
        return "back"

    box = Toolbox([stuck.tool])
    use = {"type": "tool_use", "id": "toolu_1", "name": "stuck", "input": {}}
    for _ in range(HANGING_MAX):
        assert "did not finish" in told(told_block(await box.run(use)))
    before = threading.active_count()
    assert "out of order" in told(told_block(await box.run(use)))
    assert threading.active_count() == before
    may_go.set()
    async with asyncio.timeout(10):
        while "back" not in told(told_block(await box.run(use))):  # noqa: ASYNC110 - a thread has no event
            await asyncio.sleep(0)


def told_block(result: Any) -> dict[str, Any]:
    block: dict[str, Any] = result.block("toolu_1")
    return block


async def test_stopping_an_answer_stops_its_tool(simulator: Simulator) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        """Works."""
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    simulator.script(Reply(content=({"type": "tool_use", "id": "toolu_1", "name": "work", "input": {}},)))
    async with asyncio.timeout(10), AsyncChat(tools=[work], api_key="k", base_url=simulator.url) as chat:
        asking = asyncio.create_task(chat.send("go"))
        await begun.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await stopped.wait()
        assert (await chat.send("never mind")).stop_reason == "end_turn"


async def test_an_isolated_tool_has_a_process_of_its_own(simulator: Simulator) -> None:
    doubled, later, killed, wrong = await results_of(
        simulator,
        [children.double, children.later, children.kill],
        ("double", {"number": 21}),
        ("later", {"text": "now"}),
        ("kill", {}),
        ("double", {"number": "x"}),
    )
    assert '"doubled":42' in told(doubled)
    assert f'"pid":{os.getpid()}' not in told(doubled)
    assert told(later) == "Not now."
    assert told(killed) == "The tool failed."
    assert "nothing was run" in told(wrong)


async def test_an_isolated_tool_that_hangs_is_killed_with_what_it_started(
    simulator: Simulator, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    (result,) = await results_of(simulator, [children.hang], ("hang", {"pid_file": str(pids)}))
    assert "did not finish within 3 s" in told(result)
    started = [int(line) for line in pids.read_text().splitlines()]
    assert len(started) == 2
    async with asyncio.timeout(10):
        while any(is_alive(pid) for pid in started):  # noqa: ASYNC110 - nor has a process
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_only_what_another_process_can_find_can_be_isolated() -> None:
    def here() -> None:
        """Is not at the top."""

    with pytest.raises(ConfigurationError, match="at the top of a file"):
        tool(isolated=True)(here)
