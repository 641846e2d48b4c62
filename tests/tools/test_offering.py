"""What is on offer: Claude's own tools, the search in what was said, and changes from turn to turn."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from antiphon import AsyncChat, ConfigurationError, ServerTool, tool
from antiphon.bootstrap import open_service
from antiphon.model.client import ClaudeUpstream
from antiphon.money.assumptions import assumed_nanodollars
from antiphon.money.table import load_facts
from antiphon.service import Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.presets import tool_call, web_search
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.tools.history import RESULT_BYTES_MAX, told
from antiphon.tools.offering import Offered
from tests.marks import unmarked
from tests.tools.results import told as told_to_claude

Open = Callable[..., Awaitable[Service]]


@pytest.fixture
async def open_with(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens services on one database."""
    opened: list[Service] = []

    async def open_with(tools: Sequence[Offered] = (), **settings: Any) -> Service:
        upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
        store = f"sqlite:///{tmp_path / 'antiphon.db'}"
        service = await open_service(Settings(store=store, **settings), upstream=upstream, tools=tools)
        opened.append(service)
        return service

    yield open_with
    for service in opened:
        await service.close()


async def say(service: Service, principal: str, conversation_id: str, text: str) -> str:
    accepted = await service.send(principal, conversation_id, Ask(content=text))
    async with asyncio.timeout(10):
        return (await service.answer(accepted)).text


# Claude's own tools


async def test_claudes_own_tools_by_their_names(simulator: Simulator) -> None:
    found = web_search("antiphon", "A song in turns.")
    simulator.script(found)
    tools: list[Offered] = [
        "web_fetch",
        ServerTool("web_search", max_uses=3, options={"allowed_domains": ["example.com"]}),
        ServerTool("code_execution", max_uses=2),
    ]
    async with AsyncChat(tools=tools, api_key="k", base_url=simulator.url) as chat:
        reply = await chat.send("What is an antiphon?")
        assert reply.text == "A song in turns."
        assert reply.usage.web_search_requests == 1
        assert reply.cost_usd > Decimal("0.01"), "a search costs a cent, beside its tokens"
        await chat.send("And who sings it?")
    assert unmarked(simulator.requests[0].body["tools"]) == [
        {"type": "code_execution_20260521", "name": "code_execution"},
        {"type": "web_fetch_20260318", "name": "web_fetch"},
        {
            "type": "web_search_20260318",
            "name": "web_search",
            "max_uses": 3,
            "allowed_domains": ["example.com"],
        },
    ]
    assert simulator.requests[-1].status == 200, "what a search found can be sent again"


async def test_under_a_budget_claudes_own_tools_need_a_limit(open_with: Open) -> None:
    with pytest.raises(ConfigurationError, match="web_search has no max_uses"):
        await open_with(["web_search"], budget_usd=Decimal(1))
    await open_with([ServerTool("web_search", max_uses=1)], budget_usd=Decimal(1))


async def test_a_budget_holds_what_searches_are_assumed_to_cost(
    open_with: Open, simulator: Simulator
) -> None:
    statuses = []
    for tools in ([ServerTool("web_search", max_uses=3)], []):
        service = await open_with(tools, budget_usd=Decimal("0.05"), max_tokens=100)
        header = await service.create("me")
        answer = await service.answer(await service.send("me", header.id, Ask(content="hello")))
        statuses.append(answer.turn.status)
    assert statuses == ["over_budget", "completed"]
    assert [request.path for request in simulator.requests].count("/v1/messages") == 1


def test_the_assumption_in_dollars() -> None:
    """Two searches of 15,000 tokens at $2.50 (written), a prompt of 40,000 read twice at $0.10, two cents."""
    facts = load_facts().get("claude-sonnet-5-5")
    search = ServerTool("web_search", max_uses=2).wire()
    today = date(2026, 11, 22)
    dearest = facts.dearest(today, 40_000)
    assumed = assumed_nanodollars(facts, [search], 10_000, today, Fraction(1))
    assert assumed == (30_000 * dearest.dearest_input + 80_000 * dearest.read) // 1000 + 20_000_000
    doubled = assumed_nanodollars(facts, [search], 10_000, today, Fraction(2))
    assert doubled - 20_000_000 == 2 * (assumed - 20_000_000)
    own = {"name": "web_search", "description": "", "input_schema": {}}
    assert assumed_nanodollars(facts, [own], 10_000, today, Fraction(1)) == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(("teleport",), "Claude has no tool 'teleport'"), (("web_search", 0), "at least 1")],
)
def test_a_server_tool_that_cannot_be_says_why(arguments: tuple[Any, ...], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        ServerTool(*arguments)


# search_history


async def test_claude_finds_what_was_said_before_and_only_by_this_person(
    open_with: Open, simulator: Simulator
) -> None:
    service = await open_with(["search_history"])
    mine, theirs = await service.create("zoe"), await service.create("eve")
    await say(service, "zoe", mine.id, 'My sister\nhas a "parrot" named Coco.')
    await say(service, "eve", theirs.id, "My parrot is a secret.")
    later = await service.create("zoe")
    simulator.script(tool_call("search_history", {"words": "parrot"}), Reply(text="Coco."))
    assert await say(service, "zoe", later.id, "What is its name?") == "Coco."
    result = told_to_claude(simulator.requests[-1].body["messages"][-1]["content"][0])
    assert "secret" not in result
    lines = result.splitlines()
    assert len(lines) == 2, "the message, and the answer that repeats it"
    assert all(f"UTC, conversation {mine.id}:" in line for line in lines)
    assert lines[-1].endswith("\"My sister has a 'parrot' named Coco.\"")


async def test_where_no_message_has_all_words_those_with_most_come_first(
    open_with: Open, simulator: Simulator
) -> None:
    service = await open_with(["search_history"])
    header = await service.create("zoe")
    simulator.script(*(Reply(text="Yes.") for _ in range(3)))
    for text in ("A red bicycle in Lisbon.", "A bicycle.", "Something else."):
        await say(service, "zoe", header.id, text)
    simulator.script(
        tool_call("search_history", {"words": "bicycle Lisbon stolen"}),
        tool_call("search_history", {"words": "nonesuch"}),
        Reply(text="."),
    )
    await say(service, "zoe", header.id, "go")
    first, second = (
        told_to_claude(request.body["messages"][-1]["content"][0]) for request in simulator.requests[-2:]
    )
    assert [line.partition(": ")[2] for line in first.splitlines()] == [
        '"A red bicycle in Lisbon."',
        '"A bicycle."',
    ]
    assert "this conversation" in first
    assert second == "Nothing was found for 'nonesuch'."


class LongHit:
    conversation_id = "c"
    message_id = "m"
    at = 0
    snippet = "é" * 160


def test_what_is_found_takes_at_most_8000_tokens() -> None:
    text = told([LongHit()] * 1000, "another")
    assert RESULT_BYTES_MAX * 0.9 < len(text.encode()) <= RESULT_BYTES_MAX == 8000 * 3


# From turn to turn


def tool_that(description: str) -> Offered:
    def act(word: str) -> str:
        """Acts."""
        return word

    return tool(description=description)(act)


async def test_a_conversation_gets_the_tools_of_today(open_with: Open, simulator: Simulator) -> None:
    """Thinking goes away with a change of tools: it is bound to the prefix that it was written under."""
    thought = Reply(content=({"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}))
    simulator.script(thought, thought)
    service = await open_with([tool_that("Acts.")])
    header = await service.create("me")
    for text in ("one", "two"):
        await say(service, "me", header.id, text)
    second = await open_with([tool_that("Acts otherwise."), "search_history"])
    for text in ("three", "four"):
        await say(second, "me", header.id, text)
    bodies = [request.body for request in simulator.requests]
    kinds = [[block["type"] for block in body["messages"][1]["content"]] for body in bodies[1:]]
    assert kinds == [["thinking", "text"], ["text"], ["text"]]
    assert [len(body["tools"]) for body in bodies] == [1, 1, 2, 2]
    assert {request.status for request in simulator.requests} == {200}
    changes = [event for event in await log_of(second, header.id) if event == "settings_change"]
    assert len(changes) == 1


async def test_one_key_is_one_turn_even_if_the_tools_changed_meanwhile(open_with: Open) -> None:
    first, second = await open_with(), await open_with([tool_that("Acts.")])
    header = await first.create("me")
    ask = Ask(content="hello", key="once")
    one = await first.send("me", header.id, ask)
    await first.answer(one)
    assert (await second.send("me", header.id, ask)).turn_id == one.turn_id


async def log_of(service: Service, conversation_id: str) -> list[str]:
    return [frame.type for frame in await service._store.read(conversation_id, 0)]
