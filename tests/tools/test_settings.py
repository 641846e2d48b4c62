"""Tools that `antiphon.toml` names, for the command line and the server."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from antiphon import Allow, ApprovalRequest, AsyncChat, ConfigurationError, Deny
from antiphon.bootstrap import open_service
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Ask, Decider, Service
from antiphon.settings import read_settings
from antiphon.simulator.presets import tool_call
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator

MY_TOOLS = '''
from antiphon import tool

@tool(effect="pure")
def greet(name: str) -> str:
    """Greets somebody."""
    return f"Hello, {name}!"

def untold(name: str) -> str:
    return name

broken = 42
'''

Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes `antiphon.toml` in the current folder, beside a module with tools."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "my_tools.py").write_text(MY_TOOLS, encoding="utf-8")
    (tmp_path / "raising.py").write_text("1 / 0", encoding="utf-8")
    for module in ("my_tools", "raising"):
        monkeypatch.delitem(sys.modules, module, raising=False)

    def write(text: str) -> None:
        (tmp_path / "antiphon.toml").write_text(text, encoding="utf-8")

    return write


@asynccontextmanager
async def opened(simulator: Simulator) -> AsyncIterator[Service]:
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    service = await open_service(read_settings(), upstream=upstream)
    try:
        yield service
    finally:
        await service.close()


async def test_functions_servers_and_claudes_own_tools(
    simulator: Simulator, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREETING_OF_TODAY", "good morning")
    server = Path(__file__).with_name("mcp_servers.py")
    write(f"""
        [tools]
        functions = ["my_tools:greet"]
        server = ["web_fetch", {{ name = "web_search", max_uses = 2, blocked_domains = ["example.com"] }}]
        search_history = true

        [mcp.small]
        command = "{sys.executable}"
        args = ["{server}"]
        env = {{ GREETING = "${{GREETING_OF_TODAY}}" }}
        """)
    simulator.script(
        Reply(
            content=(
                {"type": "tool_use", "id": "toolu_1", "name": "greet", "input": {"name": "Zoe"}},
                {"type": "tool_use", "id": "toolu_2", "name": "small__remember", "input": {"word": "a"}},
            )
        ),
        Reply(text="Done."),
    )
    async with opened(simulator) as service:
        header = await service.create("me")
        answer = await service.answer(await service.send("me", header.id, Ask(content="go")))
        assert answer.text == "Done."
    results = simulator.requests[-1].body["messages"][-1]["content"]
    assert [result["content"][0]["text"] for result in results] == ["Hello, Zoe!", "a, good morning"]
    offered = {each["name"]: each for each in simulator.requests[0].body["tools"]}
    assert {"greet", "web_fetch", "web_search", "search_history", "small__forecast"} <= offered.keys()
    assert offered["web_search"]["blocked_domains"] == ["example.com"]


async def test_tools_that_the_file_says_must_ask(simulator: Simulator, write: Write) -> None:
    server = Path(__file__).with_name("mcp_servers.py")
    write(f"""
        [tools]
        functions = ["my_tools:greet"]
        approve = ["greet", "small__remember"]

        [mcp.small]
        command = "{sys.executable} {server}"
        """)
    uses = (
        ("greet", {"name": "Zoe"}),
        ("small__remember", {"word": "a"}),
        ("small__forecast", {"city": "b"}),
    )
    content = [{"type": "tool_use", "id": f"toolu_{n}", "name": n, "input": given} for n, given in uses]
    simulator.script(Reply(content=tuple(content)), Reply(text="Done."))
    asked: list[str] = []

    async def decide(request: ApprovalRequest) -> Allow | Deny:
        asked.append(request.name)
        return Allow() if request.name == "small__remember" else Deny("Not her.")

    async with opened(simulator) as service:
        header = await service.create("me")
        accepted = await service.send("me", header.id, Ask(content="go"))
        answer = await service.answer(accepted, Decider("me", decide))
        assert answer.text == "Done."
    assert asked == ["greet", "small__remember"]
    denied, remembered, forecast = simulator.requests[-1].body["messages"][-1]["content"]
    assert "Not her." in denied["content"][0]["text"]
    assert remembered["content"][0]["text"] == "a, no greeting"
    assert forecast["content"][0]["text"] == "1 days of sun in b"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[tools]\nfunctions = ["greet"]', "write package.module:function"),
        ('[tools]\nfunctions = ["nonesuch:greet"]', "there is no module nonesuch"),
        ('[tools]\nfunctions = ["my_tools:nonesuch"]', "my_tools has no nonesuch"),
        ('[tools]\nfunctions = ["my_tools:broken"]', "my_tools:broken is not a tool"),
        ('[tools]\nfunctions = ["my_tools:untold"]', "Tool untold has no docstring"),
        ('[tools]\nfunctions = ["raising:f"]', "importing raising raised ZeroDivisionError"),
        ('[tools]\nfunctions = ["my_tools:greet", "my_tools:greet"]', "same name: greet"),
        ('[tools]\nserver = ["teleport"]', "tools.server"),
        ("[tools]\nfonctions = []", "tools.fonctions"),
        ('[tools]\nfunctions = ["my_tools:greet"]\napprove = ["great"]', "no tool 'great'"),
        ('[tools]\nserver = ["web_fetch"]\napprove = ["web_fetch"]', "run at Claude's"),
        ('[tools]\napprove = ["away__x"]', "no tool 'away__x'"),
        ('budget_usd = 1\n[tools]\nserver = ["web_search"]', "web_search has no max_uses"),
        (
            '[[budget]]\nscope = "principal"\nusd = 1\n[tools]\nserver = ["web_fetch"]',
            "web_fetch has no max_uses",
        ),
        ('[[budget]]\nscope = "key"\nusd = 1', "budget.0.scope"),
        ('[mcp.a]\ncommand = "x"\nurl = "http://x"', "either a command or a url"),
        ('[mcp.a]\ncommand = "x"\nenv = { KEY = "${NO_SUCH_KEY}" }', "NO_SUCH_KEY"),
        ("[mcp.a]\nstart_s = -1", "mcp.a.start_s"),
    ],
)
async def test_what_cannot_be_used_is_told_in_a_sentence(
    simulator: Simulator, write: Write, text: str, why: str
) -> None:
    write(text)
    with pytest.raises(ConfigurationError) as told:
        async with opened(simulator):
            pass
    assert why in told.value.detail


async def test_a_program_that_uses_the_library_gives_its_tools_itself(
    simulator: Simulator, write: Write
) -> None:
    write('[tools]\nfunctions = ["my_tools:greet"]')
    simulator.script(tool_call("greet", {"name": "Zoe"}))
    settings: dict[str, Any] = {"api_key": "k", "base_url": simulator.url}
    async with AsyncChat(**settings) as chat:
        await chat.send("hello")
    assert "tools" not in simulator.requests[0].body
