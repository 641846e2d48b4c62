"""`Chat(approve=…)`: a program is asked whether a tool may run."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from antiphon import Allow, ApprovalRequest, AsyncChat, Chat, Deny, Edit, tool
from antiphon.bootstrap import open_service
from antiphon.service import LOCAL_PRINCIPAL, Ask, Decider
from antiphon.settings import Settings
from antiphon.simulator.presets import tool_call
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator

paid: list[int] = []


@tool(approval=True)
def pay(usd: int) -> str:
    """Pays."""
    paid.append(usd)
    return f"paid {usd}"


@pytest.fixture(autouse=True)
def nothing_paid() -> None:
    paid.clear()


def result(simulator: Simulator) -> dict[str, Any]:
    (block,) = simulator.requests[-1].body["messages"][-1]["content"]
    assert block["type"] == "tool_result"
    return dict(block)


def test_a_program_is_asked_and_says_yes(simulator: Simulator) -> None:
    asked: list[ApprovalRequest] = []

    def approve(request: ApprovalRequest) -> Allow:
        asked.append(request)
        return Allow()

    simulator.script(tool_call("pay", {"usd": 3}), Reply(text="Paid."))
    with Chat(tools=[pay], approve=approve) as chat:
        assert chat.send("Pay.").text == "Paid."
    assert [(request.name, request.input) for request in asked] == [("pay", {"usd": 3})]
    assert (paid, result(simulator)["content"][0]["text"]) == ([3], "paid 3")


async def test_it_may_think_for_a_while_and_change_the_input(simulator: Simulator) -> None:
    async def approve(request: ApprovalRequest) -> Edit:
        await asyncio.sleep(0)
        return Edit({"usd": request.input["usd"] - 1})

    simulator.script(tool_call("pay", {"usd": 3}, text="Let me pay. "), Reply(text="Paid less."))
    async with AsyncChat(tools=[pay], approve=approve) as chat:
        assert "".join([text async for text in chat.stream("Pay.")]) == "Let me pay. Paid less."
    assert paid == [2]
    assert 'ran with: {"usd":2}' in result(simulator)["content"][0]["text"]


def test_an_edited_input_is_checked_like_any_other(simulator: Simulator) -> None:
    simulator.script(tool_call("pay", {"usd": 3}), Reply(text="That did not work."))
    with Chat(tools=[pay], approve=lambda _: Edit({"usd": "a lot"})) as chat:
        chat.send("Pay.")
    assert (paid, result(simulator)["is_error"]) == ([], True)
    assert "The input is wrong, so nothing was run." in str(result(simulator)["content"])


@pytest.mark.parametrize("asks", ["nobody", "no", "broken"])
def test_whoever_cannot_be_asked_has_not_allowed_it(simulator: Simulator, asks: str) -> None:
    def broken(_: ApprovalRequest) -> Allow:
        raise RuntimeError("secret")

    approve = {"nobody": None, "no": lambda _: Deny("Not today."), "broken": broken}[asks]
    simulator.script(tool_call("pay", {"usd": 3}), Reply(text="Not paid."))
    with Chat(tools=[pay], approve=approve) as chat:
        assert chat.send("Pay.").text == "Not paid."
    reason = {"nobody": "nobody to ask", "no": "Not today.", "broken": "failed to ask"}[asks]
    assert (paid, result(simulator)["is_error"]) == ([], True)
    assert reason in str(result(simulator)["content"])
    assert "secret" not in str(result(simulator))


def test_leaving_the_loop_asks_no_longer(simulator: Simulator) -> None:
    simulator.script(tool_call("pay", {"usd": 3}, text="Let me pay."))
    with Chat(tools=[pay], approve=lambda _: Allow()) as chat:
        for _ in chat.stream("Pay."):
            break
        chat.send("Never mind.")
    assert len(simulator.requests) == 2


async def test_what_an_earlier_program_was_asked_is_decided_before_the_next_message(
    simulator: Simulator, tmp_path: Path
) -> None:
    """Whoever it was has gone without a word; the next message must not wait for a day."""
    simulator.script(tool_call("pay", {"usd": 3}), Reply(text="Paid."), Reply(text="You are welcome."))
    store = f"sqlite:///{tmp_path / 'antiphon.db'}"
    asked = asyncio.Event()

    async def leaves(_: ApprovalRequest) -> Allow:
        asked.set()
        await asyncio.Event().wait()
        return Allow()

    service = await open_service(Settings(store=store), tools=[pay])
    header = await service.create(LOCAL_PRINCIPAL, name="till")
    accepted = await service.send(LOCAL_PRINCIPAL, header.id, Ask(content="Pay."))
    waiting = asyncio.create_task(service.answer(accepted, Decider(LOCAL_PRINCIPAL, leaves)))
    async with asyncio.timeout(10):
        await asked.wait()
    waiting.cancel()
    await service.close()
    async with AsyncChat(tools=[pay], store=store, session_id="till", approve=lambda _: Allow()) as chat:
        async with asyncio.timeout(10):
            assert (await chat.send("Thank you.")).text == "You are welcome."
    assert paid == [3]
