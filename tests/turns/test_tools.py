"""Turns with several steps: Claude asks for tools, their results go back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from antiphon.bootstrap import open_service
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.model.client import ClaudeUpstream
from antiphon.money.ledger import UsageQuery
from antiphon.service import Answer, Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.presets import tool_call
from antiphon.simulator.script import Fail, Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.frames import decode_all
from antiphon.tools.tool import Effect, Tool
from tests.marks import unmarked

ME = "me"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OpenWithTools = Callable[..., Awaitable[Service]]


def tool(call: Any, name: str = "weather", effect: Effect = "pure", timeout_s: float = 5.0) -> Tool:
    return Tool(name=name, schema=SCHEMA, call=call, description="W", effect=effect, timeout_s=timeout_s)


@pytest.fixture
def store_url(tmp_path: Any) -> str:
    return f"sqlite:///{tmp_path / 'antiphon.db'}"


@pytest.fixture
async def open_with(simulator: Simulator, store_url: str) -> Any:
    opened: list[Service] = []

    async def open_with(*tools: Tool, **settings: Any) -> Service:
        upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
        service = await open_service(Settings(store=store_url, **settings), upstream=upstream, tools=tools)
        opened.append(service)
        return service

    yield open_with
    for service in opened:
        await service.close()


async def a_conversation(service: Service) -> Header:
    return await service.create(ME)


async def ask(service: Service, header: Header, text: str) -> Answer:
    accepted = await service.send(ME, header.id, Ask(content=text))
    async with asyncio.timeout(10):
        return await service.answer(accepted)


async def equal_tables(service: Service, header: Header) -> None:
    messages = await service.messages(ME, header.id)
    assert messages == (await service.snapshot(ME, header.id)).path()


async def test_results_of_all_tools_go_back_in_one_message_and_in_order(
    open_with: OpenWithTools, simulator: Simulator
) -> None:
    slow_may_go = asyncio.Event()

    async def weather(asked: dict[str, Any]) -> str:
        if asked["city"] == "Paris":
            await slow_may_go.wait()
        else:
            slow_may_go.set()
        return f"sun in {asked['city']}"

    service = await open_with(tool(weather))
    header = await a_conversation(service)
    call = {"type": "tool_use", "name": "weather"}
    simulator.script(
        Reply(
            content=(
                {"type": "text", "text": "Let me look."},
                {**call, "id": "toolu_1", "input": {"city": "Paris"}},
                {**call, "id": "toolu_2", "input": {"city": "Rome"}},
            )
        ),
        Reply(text="Sunny in both."),
    )
    answer = await ask(service, header, "weather?")
    assert (answer.text, answer.turn.stop_reason) == ("Sunny in both.", "end_turn")
    first, second = (request.body for request in simulator.requests)
    assert [offered["name"] for offered in first["tools"]] == ["weather"]
    assert unmarked(second["messages"][2]) == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": id_, "content": [{"type": "text", "text": text}]}
            for id_, text in (("toolu_1", "sun in Paris"), ("toolu_2", "sun in Rome"))
        ],
    }
    await equal_tables(service, header)
    await ask(service, header, "thanks")
    assert len(simulator.requests[-1].body["messages"]) == 5


async def test_a_tool_that_fails_hangs_or_is_unknown_is_told_to_claude(
    open_with: OpenWithTools, simulator: Simulator
) -> None:
    async def broken(_: dict[str, Any]) -> str:
        raise RuntimeError("secret path /etc/shadow")

    async def hangs(_: dict[str, Any]) -> str:
        await asyncio.Event().wait()
        return ""

    async def endless(_: dict[str, Any]) -> str:
        return "x" * 50_000_000

    service = await open_with(
        tool(broken, "broken"), tool(hangs, "hangs", timeout_s=0.1), tool(endless, "endless")
    )
    header = await a_conversation(service)
    names = ("broken", "hangs", "endless", "nonesuch")
    uses = tuple({"type": "tool_use", "id": f"toolu_{n}", "name": n, "input": {}} for n in names)
    simulator.script(Reply(content=uses), Reply(text="I see."))
    assert (await ask(service, header, "go")).text == "I see."
    results = simulator.requests[-1].body["messages"][-1]["content"]
    assert [result.get("is_error", False) for result in results] == [True, True, False, True]
    assert "secret" not in str(results)
    assert len(str(results)) < 110_000
    await equal_tables(service, header)


async def test_a_turn_takes_at_most_25_steps(open_with: OpenWithTools, simulator: Simulator) -> None:
    async def weather(_: dict[str, Any]) -> str:
        return "rain"

    service = await open_with(tool(weather))
    header = await a_conversation(service)
    simulator.script(*(tool_call("weather", {"city": str(n)}) for n in range(30)))
    answer = await ask(service, header, "go")
    assert (answer.turn.status, len(simulator.requests)) == ("interrupted", 25)
    assert answer.turn.error is not None
    assert answer.turn.error.name == "too-many-steps"
    await equal_tables(service, header)
    simulator.forget()
    await ask(service, header, "go on")


async def test_a_failed_second_step_keeps_the_first_with_its_results(
    open_with: OpenWithTools, simulator: Simulator
) -> None:
    async def weather(_: dict[str, Any]) -> str:
        return "rain"

    service = await open_with(tool(weather))
    header = await a_conversation(service)
    simulator.script(tool_call("weather", {"city": "Paris"}), Fail(status=400))
    answer = await ask(service, header, "go")
    assert answer.turn.status == "interrupted"
    await equal_tables(service, header)
    await ask(service, header, "again")
    kinds = [block["type"] for m in simulator.requests[-1].body["messages"] for block in m["content"]]
    assert kinds == ["text", "tool_use", "tool_result", "text"]


async def test_nothing_is_announced_once_tools_have_used_up_the_time(
    open_with: OpenWithTools, simulator: Simulator
) -> None:
    async def weather(_: dict[str, Any]) -> str:
        await asyncio.sleep(0.6)
        return "rain"

    service = await open_with(tool(weather), deadline_s=0.5, titles="off")
    header = await a_conversation(service)
    simulator.script(tool_call("weather", {"city": "Paris"}, text="Let me look."))
    answer = await ask(service, header, "go")
    assert answer.turn.error is not None
    assert (answer.turn.status, answer.turn.error.name) == ("interrupted", "deadline")
    (usage,) = await service.usage(UsageQuery(by=()))
    assert (usage.requests, usage.unsettled_nanodollars) == (len(simulator.requests), 0) == (1, 0)
    await equal_tables(service, header)


async def test_stop_while_a_tool_runs_keeps_the_text_before_it(
    open_with: OpenWithTools, simulator: Simulator
) -> None:
    started = asyncio.Event()

    async def weather(_: dict[str, Any]) -> str:
        started.set()
        await asyncio.Event().wait()
        return ""

    service = await open_with(tool(weather, timeout_s=60))
    header = await a_conversation(service)
    simulator.script(tool_call("weather", {"city": "Paris"}, text="Let me look."))
    accepted = await service.send(ME, header.id, Ask(content="go"))
    async with asyncio.timeout(10):
        await started.wait()
        await service.cancel(ME, accepted.turn_id)
        answer = await service.answer(accepted)
    assert (answer.turn.status, answer.text) == ("cancelled", "Let me look.")
    await equal_tables(service, header)
    await ask(service, header, "never mind")
    assert len(simulator.requests[-1].body["messages"]) == 3


@pytest.mark.parametrize("effect", ["pure", "once"])
async def test_a_tool_that_was_running_in_a_replica_that_died(
    open_with: OpenWithTools, simulator: Simulator, effect: Effect
) -> None:
    runs: list[str] = []
    started = asyncio.Event()

    async def weather(_: dict[str, Any]) -> str:
        runs.append("run")
        started.set()
        if len(runs) == 1:
            await asyncio.Event().wait()
        return "rain"

    first = await open_with(tool(weather, effect=effect), lease_s=0.5)
    header = await a_conversation(first)
    simulator.script(tool_call("weather", {"city": "Paris"}, text="One moment."), Reply(text="Rain."))
    accepted = await first.send(ME, header.id, Ask(content="go"))
    async with asyncio.timeout(15):
        await started.wait()
        await first.close()
        second = await open_with(tool(weather, effect=effect), lease_s=0.5)
        answer = await second.answer(accepted)
    await equal_tables(second, header)
    if effect == "pure":
        assert (answer.turn.status, answer.text, len(runs)) == ("completed", "Rain.", 2)
        assert len(simulator.requests) == 2
    else:
        assert (answer.turn.status, answer.text, len(runs)) == ("interrupted", "One moment.", 1)
        assert answer.turn.error is not None
        assert answer.turn.error.name == "tool-unknown"


async def test_the_log_names_every_tool_run(open_with: OpenWithTools, simulator: Simulator) -> None:
    async def weather(_: dict[str, Any]) -> str:
        return "rain"

    service = await open_with(tool(weather))
    header = await a_conversation(service)
    simulator.script(tool_call("weather", {"city": "Paris"}), Reply(text="Rain."))
    await ask(service, header, "go")
    events = [event for _, event in decode_all(await service._store.read(header.id, 0))]
    kinds = [event.type for event in events if not isinstance(event, e.BlockDelta)]
    assert kinds[3:] == [
        *("title_change", "turn_start"),
        *("step_start", "block_start", "block_end", "step_end", "tool_start", "tool_end", "message_add"),
        *("step_start", "block_start", "block_end", "step_end", "turn_end"),
    ]
