"""MCP servers: real ones, as processes by stdio and over HTTP on this machine."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from antiphon import AsyncChat, ConfigurationError, McpServer
from antiphon.simulator.presets import tool_call
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.tools.mcp.source import LONGEST_PAUSE_S, McpTools, pause_s
from antiphon.tools.results import TEXT_BYTES_MAX
from antiphon.tools.toolbox import Toolbox
from tests.tools.results import results_of, told

SERVER = Path(__file__).with_name("mcp_servers.py")
OLDER = SERVER.with_name("older_mcp_server.py")
PROGRAM = (sys.executable, str(SERVER))
WITHIN_S = 30.0


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not seen():  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.01)


async def use(box: Toolbox, name: str, **given: Any) -> dict[str, Any]:
    result = await box.run({"type": "tool_use", "id": "toolu_1", "name": name, "input": given})
    return result.block("toolu_1")


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Any]]:
    """Opens toolboxes of one server, and closes them."""
    boxes: list[Toolbox] = []

    async def opened(server: McpServer) -> tuple[Toolbox, McpTools]:
        source = McpTools(server)
        box = Toolbox((), [source])
        boxes.append(box)
        await box.open()
        return box, source

    yield opened
    for box in boxes:
        await box.close()


def names(box: Toolbox) -> list[str]:
    return [entry.partition("@")[0] for entry in box.entries()]


@pytest.mark.parametrize("approve", [True, ["remember"]])
async def test_tools_of_a_program_may_ask_first(
    opened: Callable[..., Any], approve: bool | list[str]
) -> None:
    box, _ = await opened(McpServer("small", command=PROGRAM, approve=approve))

    def asks(name: str) -> bool:
        return bool(box.asks({"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}))

    assert asks("small__remember")
    assert asks("small__forecast") == (approve is True)
    assert not asks("small__nonesuch")
    refused = await use(box, "small__remember", word="Zoe")
    assert refused["is_error"]
    assert "needs approval" in told(refused)


async def test_claude_uses_the_tools_of_a_program(simulator: Simulator) -> None:
    server = McpServer("small", command=PROGRAM, env={"GREETING": "hello"}, timeout_s=5)
    results = await results_of(
        simulator,
        [server],
        ("small__forecast", {"city": "Rome", "days": 2}),
        ("small__remember", {"word": "Zoe"}),
        ("small__everything", {}),
        ("small__fail", {}),
        ("small__shout", {}),
        ("small__forecast", {"town": "Rome"}),
    )
    sun, word, everything, failed, shouted, wrong = results
    assert (told(sun), told(word)) == ("2 days of sun in Rome", "Zoe, hello")
    assert [block["type"] for block in everything["content"]] == ["text", "image", "text", "text", "text"]
    assert told(everything).startswith("a text[left out: audio")
    assert "file:///a.txt:\nthe file" in told(everything)
    assert failed["is_error"]
    assert "The moon is in the way." in told(failed)
    assert len(told(shouted)) < TEXT_BYTES_MAX + 100
    assert wrong["is_error"]
    offered = {each["name"]: each for each in simulator.requests[0].body["tools"]}
    assert offered["small__forecast"]["description"] == "The weather of a city."
    assert offered["small__forecast"]["input_schema"]["required"] == ["city"]


async def test_the_effect_is_what_the_server_says_and_once_where_it_says_nothing(opened: Any) -> None:
    _, source = await opened(McpServer("small", command=PROGRAM))
    effects = {name: source.tools[f"small__{name}"].effect for name in ("forecast", "remember", "fail")}
    assert effects == {"forecast": "pure", "remember": "idempotent", "fail": "once"}


async def test_a_tool_of_a_server_may_hang_and_the_server_goes_on(opened: Any) -> None:
    box, _ = await opened(McpServer("small", command=PROGRAM, timeout_s=0.5))
    assert "did not finish within 0.5 s" in told(await use(box, "small__hang"))
    assert told(await use(box, "small__forecast", city="Rome")) == "1 days of sun in Rome"


async def test_a_new_tool_is_offered_from_the_next_message_on(simulator: Simulator) -> None:
    simulator.script(
        tool_call("small__grow", {}), Reply(text="Grown."), Reply(text="."), tool_call("small__more", {})
    )
    server = McpServer("small", command=PROGRAM)
    async with AsyncChat(tools=[server], api_key="k", base_url=simulator.url) as chat:
        await chat.send("grow")
        assert chat._service is not None
        box = chat._service._toolbox
        await until(lambda: "small__more" in names(box))
        await chat.send("and now?")
        await chat.send("use it")
    offered = [{tool["name"] for tool in request.body["tools"]} for request in simulator.requests]
    assert ["small__more" in each for each in offered] == [False, False, True, True, True]
    assert told(simulator.requests[-1].body["messages"][-1]["content"][0]) == "more"


async def test_a_dead_server_is_told_to_claude_and_comes_back(opened: Any, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    box, source = await opened(McpServer("small", command=[*PROGRAM, "stdio", str(starts)]))
    entries = box.entries()
    assert "its effect is unknown" in told(await use(box, "small__die", code=1))
    await until(lambda: source._client is None)
    away = told(await use(box, "small__forecast", city="Rome"))
    assert away == (
        "The MCP server small cannot be reached, so its tools are disabled for now; nothing was run. "
        "Go on without them, or tell the user."
    )
    assert box.entries() == entries, "the requests' prefix stays"
    await until(lambda: source._client is not None)
    assert told(await use(box, "small__forecast", city="Rome")) == "1 days of sun in Rome"
    assert len(starts.read_text().splitlines()) == 2


async def test_a_server_of_the_older_protocol_is_followed_too(opened: Any) -> None:
    box, _ = await opened(McpServer("old", command=[sys.executable, str(OLDER)]))
    assert names(box) == ["old__first"]
    assert box.wire(box.entries())[0]["input_schema"] == {"type": "object"}
    assert told(await use(box, "old__first")) == '{"used":3}'
    await until(lambda: names(box) == ["old__first", "old__second"])


async def test_closing_ends_the_program(opened: Any, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    box, _ = await opened(McpServer("small", command=[*PROGRAM, "stdio", str(starts)]))
    (pid,) = [int(line) for line in starts.read_text().splitlines()]
    await box.close()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("command", [["/nonexistent/program"], [sys.executable, "-c", "pass"]])
async def test_a_server_that_does_not_start_holds_nobody_up(simulator: Simulator, command: list[str]) -> None:
    server = McpServer("gone", command=command, start_s=10)
    async with (
        asyncio.timeout(9),
        AsyncChat(tools=[server], api_key="k", base_url=simulator.url) as chat,
    ):
        assert (await chat.send("hello")).stop_reason == "end_turn"
    assert "tools" not in simulator.requests[0].body


async def test_a_server_that_says_nothing_holds_nobody_longer_than_its_time(simulator: Simulator) -> None:
    program = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    server = McpServer("mute", command=program, start_s=0.5)
    async with AsyncChat(tools=[server], api_key="k", base_url=simulator.url) as chat, asyncio.timeout(9):
        assert (await chat.send("hello")).stop_reason == "end_turn"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def serving(port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PROGRAM, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(WITHIN_S)


async def test_a_server_over_http_may_come_late_die_and_come_back(opened: Any) -> None:
    port = free_port()
    box, source = await opened(McpServer("small", url=f"http://127.0.0.1:{port}/mcp", start_s=5))
    assert names(box) == []
    first = serving(port)
    try:
        await until(lambda: "small__forecast" in names(box))
        assert told(await use(box, "small__forecast", city="Rome")) == "1 days of sun in Rome"
        await use(box, "small__grow")
        await until(lambda: "small__more" in names(box))
    finally:
        stop(first)
    await until(lambda: source._client is None)
    assert "cannot be reached" in told(await use(box, "small__forecast", city="Rome"))
    second = serving(port)
    try:
        await until(lambda: source._client is not None)
        assert told(await use(box, "small__forecast", city="Rome")) == "1 days of sun in Rome"
    finally:
        stop(second)


def test_a_server_is_tried_less_and_less_often() -> None:
    assert [pause_s(failures) for failures in (1, 2, 3, 4)] == [0.5, 1, 2, 4]
    assert pause_s(1000) == LONGEST_PAUSE_S


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"name": "a__b", "command": "x"}, "cannot be named"),
        ({"name": "a"}, "either a command or a url"),
        ({"name": "a", "command": "x", "url": "http://x"}, "either a command or a url"),
        ({"name": "a", "url": "ftp://x"}, "must begin with http"),
        ({"name": "a", "command": "x", "start_s": 0}, "more than 0"),
    ],
)
def test_a_server_that_cannot_be_used_says_why(facts: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        McpServer(**facts)


def test_nothing_secret_is_shown() -> None:
    server = McpServer("a", url="https://example.com", headers={"Authorization": "Bearer hunter2"})
    assert "hunter2" not in repr(server)
