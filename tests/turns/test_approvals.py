"""A tool asks first: the turn waits, whoever may decides once, and any replica goes on with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from antiphon.bootstrap import open_service
from antiphon.domain import events as e
from antiphon.domain.approvals import Allow, Decision, Deny, Edit
from antiphon.errors import Busy, Conflict, NotFound
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Answer, Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.presets import tool_call
from antiphon.simulator.script import Outcome, Reply
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Accepted
from antiphon.stores.frames import decode_all
from antiphon.tools.tool import Effect, Tool
from tests.marks import unmarked

ME = "me"
SCHEMA = {"type": "object", "properties": {"usd": {"type": "integer"}}}
WITHIN_S = 15

Replica = Callable[..., Awaitable[Service]]


class Till:
    """Two tools that note what they are given: `pay` asks first, `look` does not."""

    def __init__(self) -> None:
        self.paid: list[dict[str, Any]] = []
        self.looked = 0
        self.paying = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def after_looking(self) -> None:
        """Nothing, unless a test says so."""

    async def pay(self, given: dict[str, Any]) -> str:
        self.paid.append(given)
        self.paying.set()
        await self.may_end.wait()
        return f"paid {given['usd']}"

    async def look(self, _: dict[str, Any]) -> str:
        self.looked += 1
        await self.after_looking()
        return "12 left"

    def tools(self, effect: Effect = "once") -> list[Tool]:
        return [
            Tool(name="pay", schema=SCHEMA, call=self.pay, effect=effect, approval=True),
            Tool(name="look", schema=SCHEMA, call=self.look),
        ]


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
async def replica(simulator: Simulator, tmp_path: Path, till: Till) -> AsyncIterator[Replica]:
    """Opens services on one file, each as a replica of its own."""
    opened: list[Service] = []

    async def open_one(effect: Effect = "once", **settings: Any) -> Service:
        upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
        store = f"sqlite:///{tmp_path / 'antiphon.db'}"
        service = await open_service(
            Settings(store=store, titles="off", **settings), upstream=upstream, tools=till.tools(effect)
        )
        opened.append(service)
        return service

    yield open_one
    for service in opened:
        await service.close()


def uses(*asked: tuple[str, dict[str, Any]]) -> Reply:
    calls = [
        {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": given}
        for n, (name, given) in enumerate(asked)
    ]
    return Reply(content=tuple(calls))


async def asked_by(service: Service, accepted: Accepted, count: int = 1) -> list[e.ApprovalRequest]:
    """What people are asked, once so much is."""
    found: list[e.ApprovalRequest] = []
    async with asyncio.timeout(WITHIN_S), aclosing(service.follow_turn(accepted)) as batches:
        async for batch in batches:
            found += [event for _, event in decode_all(batch) if isinstance(event, e.ApprovalRequest)]
            if len(found) == count:
                return found
    raise AssertionError("the turn ended before")


async def sent(service: Service, simulator: Simulator, *script: Outcome) -> tuple[str, Accepted]:
    header = await service.create(ME)
    simulator.script(*script)
    return header.id, await service.send(ME, header.id, Ask(content="Pay 3 dollars."))


async def answer(service: Service, accepted: Accepted) -> Answer:
    async with asyncio.timeout(WITHIN_S):
        return await service.answer(accepted)


def results(simulator: Simulator) -> list[dict[str, Any]]:
    """What Claude was told of its tool uses, in its last request."""
    messages = unmarked(simulator.requests[-1].body)["messages"]
    return [block for message in messages for block in message["content"] if block["type"] == "tool_result"]


def told(result: dict[str, Any]) -> str:
    return "".join(block["text"] for block in result["content"])


async def status_of(service: Service, conversation_id: str, turn_id: str) -> str:
    return (await service.snapshot(ME, conversation_id)).turns[turn_id].status


async def is_consistent(service: Service, conversation_id: str) -> None:
    """What is stored is what the log shows, and it can be sent on."""
    header = await service.get(ME, conversation_id)
    assert await service.messages(ME, conversation_id) == (await service.snapshot(ME, header.id)).path()
    accepted = await service.send(ME, conversation_id, Ask(content="And now?"))
    assert (await answer(service, accepted)).turn.status == "completed"


async def test_an_allowed_tool_runs_on_whatever_replica_was_told(
    replica: Replica, simulator: Simulator, till: Till
) -> None:
    one, two = await replica(), await replica()
    conversation_id, accepted = await sent(one, simulator, tool_call("pay", {"usd": 3}), Reply(text="Paid."))
    (request,) = await asked_by(two, accepted)
    assert (request.name, request.input, till.paid) == ("pay", {"usd": 3}, [])
    assert request.approval_id.startswith(conversation_id)
    assert request.expires_at - request.at == 24 * 3600 * 1000
    assert await status_of(two, conversation_id, accepted.turn_id) == "waiting"
    await one.close()
    await two.approve(ME, request.approval_id, Allow("It is due."))
    assert (await answer(two, accepted)).text == "Paid."
    assert till.paid == [{"usd": 3}]
    assert [told(result) for result in results(simulator)] == ["paid 3"]
    document = await two.export(ME, conversation_id)
    (record,) = [event["data"] for event in document["events"] if event["type"] == "approval_resolve"]
    assert (record["decision"], record["by"], record["reason"]) == ("allow", ME, "It is due.")
    await is_consistent(two, conversation_id)


async def test_what_need_not_ask_runs_at_once_and_what_is_denied_never(
    replica: Replica, simulator: Simulator, till: Till
) -> None:
    service = await replica()
    step = uses(("look", {}), ("pay", {"usd": 1}), ("pay", {"usd": 2}))
    conversation_id, accepted = await sent(service, simulator, step, Reply(text="One was paid."))
    first, second = await asked_by(service, accepted, 2)
    assert (till.looked, till.paid) == (1, [])
    await service.approve(ME, first.approval_id, Deny("Too early."))
    assert till.paid == []
    await service.approve(ME, second.approval_id, Allow())
    assert (await answer(service, accepted)).text == "One was paid."
    looked, denied, paid = results(simulator)
    assert (till.looked, told(looked), till.paid, told(paid)) == (1, "12 left", [{"usd": 2}], "paid 2")
    assert denied["is_error"]
    assert "Their reason: Too early." in told(denied)
    await is_consistent(service, conversation_id)


async def test_an_edited_input_runs_and_the_question_stays_as_claude_wrote_it(
    replica: Replica, simulator: Simulator, till: Till
) -> None:
    service = await replica()
    conversation_id, accepted = await sent(
        service, simulator, tool_call("pay", {"usd": 300}), Reply(text="Paid less.")
    )
    (request,) = await asked_by(service, accepted)
    await service.approve(ME, request.approval_id, Edit({"usd": 3}))
    assert (await answer(service, accepted)).text == "Paid less."
    assert till.paid == [{"usd": 3}]
    (result,) = results(simulator)
    assert result["content"][0]["text"].startswith(
        'The user changed the input before this tool ran. It ran with: {"usd":3}'
    )
    (use,) = [
        block
        for message in simulator.requests[-1].body["messages"]
        for block in message["content"]
        if block["type"] == "tool_use"
    ]
    assert use["input"] == {"usd": 300}
    await is_consistent(service, conversation_id)


async def test_a_double_click_on_two_replicas_pays_once(
    replica: Replica, simulator: Simulator, till: Till
) -> None:
    one, two = await replica(), await replica()
    conversation_id, accepted = await sent(one, simulator, tool_call("pay", {"usd": 3}), Reply(text="Paid."))
    (request,) = await asked_by(one, accepted)
    await asyncio.gather(*(each.approve(ME, request.approval_id, Allow()) for each in (one, two) * 5))
    assert (await answer(two, accepted)).text == "Paid."
    await one.approve(ME, request.approval_id, Allow())
    with pytest.raises(Conflict, match="decided before"):
        await two.approve(ME, request.approval_id, Deny())
    assert till.paid == [{"usd": 3}]
    assert len(simulator.requests) == 2
    await is_consistent(one, conversation_id)


async def test_another_principals_approval_does_not_exist(replica: Replica, simulator: Simulator) -> None:
    service = await replica()
    _, accepted = await sent(service, simulator, tool_call("pay", {"usd": 3}))
    (request,) = await asked_by(service, accepted)
    for principal, approval_id in (("you", request.approval_id), (ME, accepted.turn_id), (ME, "nonsense")):
        with pytest.raises(NotFound):
            await service.approve(principal, approval_id, Allow())


async def test_what_nobody_decides_counts_as_denied_when_its_time_is_over(
    replica: Replica, simulator: Simulator, till: Till
) -> None:
    one, two = await replica(approval_s=0.5), await replica()
    conversation_id, accepted = await sent(
        one, simulator, uses(("pay", {"usd": 1}), ("pay", {"usd": 2})), Reply(text="Nobody paid.")
    )
    requests = await asked_by(one, accepted, 2)
    await one.close()
    assert (await answer(two, accepted)).text == "Nobody paid."
    assert till.paid == []
    assert all("did not answer" in told(result) for result in results(simulator))
    with pytest.raises(Conflict):
        await two.approve(ME, requests[0].approval_id, Allow())
    await is_consistent(two, conversation_id)


async def test_no_deadline_runs_while_it_waits_and_it_starts_anew_after(
    replica: Replica, simulator: Simulator
) -> None:
    service = await replica(deadline_s=1.0, approval_s=1.1)
    conversation_id, accepted = await sent(
        service, simulator, tool_call("pay", {"usd": 3}), Reply(text="Nobody paid.")
    )
    ended = await answer(service, accepted)
    assert (ended.turn.status, ended.text) == ("completed", "Nobody paid.")
    await is_consistent(service, conversation_id)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_stop_ends_a_waiting_turn_unpaid(
    replica: Replica, simulator: Simulator, till: Till, *, elsewhere: bool
) -> None:
    one = await replica()
    other = await replica() if elsewhere else one
    conversation_id, accepted = await sent(one, simulator, uses(("look", {}), ("pay", {"usd": 1})))
    (request,) = await asked_by(one, accepted)
    await other.cancel(ME, accepted.turn_id)
    await other.cancel(ME, accepted.turn_id)
    ended = await answer(one, accepted)
    assert (ended.turn.status, till.paid, len(simulator.requests)) == ("cancelled", [], 1)
    with pytest.raises(Conflict):
        await one.approve(ME, request.approval_id, Allow())
    await is_consistent(one, conversation_id)
    looked, denied = results(simulator)
    assert (told(looked), denied["is_error"]) == ("12 left", True)
    assert "not allow" in told(denied)


async def test_a_stop_that_comes_just_before_anybody_is_asked(
    replica: Replica, simulator: Simulator, till: Till
) -> None:
    """The other replica's word lies in the log, and has not been heard here yet."""
    one, two = await replica(), await replica()
    header = await one.create(ME)
    simulator.script(uses(("look", {}), ("pay", {"usd": 1})))

    async def stop() -> None:
        running = (await two.get(ME, header.id)).running
        assert running is not None
        await two.cancel(ME, running)

    till.after_looking = stop  # type: ignore[method-assign]
    accepted = await one.send(ME, header.id, Ask(content="Pay."))
    ended = await answer(one, accepted)
    assert (ended.turn.status, till.paid) == ("cancelled", [])
    document = await one.export(ME, header.id)
    assert "approval_request" not in {event["type"] for event in document["events"]}
    await is_consistent(one, header.id)


async def test_messages_wait_behind_it_are_rejected_or_interrupt_it(
    replica: Replica, simulator: Simulator, till: Till
) -> None:
    service = await replica()
    conversation_id, accepted = await sent(service, simulator, tool_call("pay", {"usd": 3}))
    await asked_by(service, accepted)
    with pytest.raises(Busy):
        await service.send(ME, conversation_id, Ask(content="Hello?", when_busy="reject"))
    behind = await service.send(ME, conversation_id, Ask(content="Then buy milk."))
    assert await status_of(service, conversation_id, behind.turn_id) == "queued"
    urgent = await service.send(ME, conversation_id, Ask(content="Stop!", when_busy="interrupt"))
    assert (await answer(service, accepted)).turn.status == "cancelled"
    assert (await answer(service, behind)).turn.status == "completed"
    assert (await answer(service, urgent)).turn.status == "completed"
    assert till.paid == []
    await is_consistent(service, conversation_id)


async def test_a_stop_while_an_allowed_tool_runs_says_that_its_fate_is_unknown(
    replica: Replica, simulator: Simulator, till: Till
) -> None:
    till.may_end.clear()
    service = await replica()
    conversation_id, accepted = await sent(service, simulator, tool_call("pay", {"usd": 3}))
    (request,) = await asked_by(service, accepted)
    await service.approve(ME, request.approval_id, Allow())
    async with asyncio.timeout(WITHIN_S):
        await till.paying.wait()
    await service.cancel(ME, accepted.turn_id)
    assert (await answer(service, accepted)).turn.status == "cancelled"
    await is_consistent(service, conversation_id)
    assert "is unknown" in told(results(simulator)[-1])


@pytest.mark.parametrize("decision", [Allow(), Edit({"usd": 2})])
async def test_an_unknown_fate_after_a_crash_is_told_as_unknown(
    replica: Replica, simulator: Simulator, till: Till, decision: Decision
) -> None:
    till.may_end.clear()
    one = await replica()
    conversation_id, accepted = await sent(one, simulator, uses(("look", {}), ("pay", {"usd": 3})))
    (request,) = await asked_by(one, accepted)
    await one.approve(ME, request.approval_id, decision)
    async with asyncio.timeout(WITHIN_S):
        await till.paying.wait()
    await one.close()
    two = await replica()
    ended = await answer(two, accepted)
    assert (ended.turn.status, len(till.paid)) == ("interrupted", 1)
    assert ended.turn.error is not None
    assert ended.turn.error.name == "tool-unknown"
    await is_consistent(two, conversation_id)
    looked, unknown = results(simulator)
    assert told(looked) == "12 left"
    assert unknown["is_error"]
    assert "is unknown" in told(unknown)


async def test_a_waiting_turn_holds_no_money(replica: Replica, simulator: Simulator) -> None:
    service = await replica(budget_usd="1")
    _, accepted = await sent(service, simulator, tool_call("pay", {"usd": 3}), Reply(text="Paid."))
    (request,) = await asked_by(service, accepted)
    totals = await service.totals(ME, accepted.turn_id[:36])
    (standing,) = await service.standings(ME)
    assert standing.left == standing.nanodollars - totals.cost_nanodollars
    await service.approve(ME, request.approval_id, Allow())
    await answer(service, accepted)


async def test_an_imported_conversation_waits_for_nobody(replica: Replica, simulator: Simulator) -> None:
    service = await replica()
    conversation_id, accepted = await sent(service, simulator, tool_call("pay", {"usd": 3}))
    (request,) = await asked_by(service, accepted)
    copy = await service.import_(ME, await service.export(ME, conversation_id))
    assert copy.running is None
    copied = request.approval_id.replace(conversation_id, copy.id)
    with pytest.raises(NotFound):
        await service.approve(ME, copied, Allow())
    await is_consistent(service, copy.id)
