"""Message batches, through the SDK."""

from collections.abc import AsyncGenerator
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types.messages import MessageBatchIndividualResponse

from antiphon.simulator import Fail, HangUp, Page, Reply, Simulator, StreamError, refusal

DAY = 24 * 3600


def asked(name: str, **changes: Any) -> Any:
    params = {
        "model": "claude-haiku-5-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": f"Hello, I am {name}"}],
    }
    return {"custom_id": name, "params": {**params, **changes}}


async def results_of(client: AsyncAnthropic, name: str) -> dict[str, MessageBatchIndividualResponse]:
    return {line.custom_id: line async for line in await client.messages.batches.results(name)}


@pytest.fixture
async def slow() -> AsyncGenerator[tuple[Simulator, AsyncAnthropic]]:
    """A simulator whose batches take an hour."""
    async with (
        Simulator(batch_seconds=3600) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any", max_retries=0) as client,
    ):
        yield simulator, client


async def test_a_batch_is_answered_as_the_script_says(simulator: Simulator, client: AsyncAnthropic) -> None:
    simulator.script(
        Reply(text="Hi."),
        Fail(status=529),
        refusal(explanation="No."),
        Reply(fault=StreamError(type="timeout_error")),
        Reply(fault=HangUp()),
        Page(),
    )
    names = ["a", "b", "c", "d", "e", "f", "g"]
    batch = await client.messages.batches.create(requests=[asked(name) for name in names])
    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 7)
    batch = await client.messages.batches.retrieve(batch.id)
    assert batch.processing_status == "ended"
    assert (batch.request_counts.succeeded, batch.request_counts.errored) == (3, 4)
    lines = await results_of(client, batch.id)
    kinds = [
        line.result.error.error.type if line.result.type == "errored" else line.result.type
        for line in lines.values()
    ]
    assert kinds == [
        *("succeeded", "overloaded_error", "succeeded", "timeout_error", "api_error", "api_error"),
        "succeeded",
    ]
    said = [line.result.message for line in lines.values() if line.result.type == "succeeded"]
    assert [message.stop_reason for message in said] == ["end_turn", "refusal", "end_turn"]
    assert len({message.id for message in said}) == 3


async def test_a_batch_costs_half(simulator: Simulator, client: AsyncAnthropic) -> None:
    params = asked("a")["params"]
    await client.messages.create(**params)
    alone = simulator.bill.nano_dollars
    batch = await client.messages.batches.create(requests=[asked("a"), asked("b")])
    lines = await results_of(client, batch.id)
    usages = [line.result.message.usage for line in lines.values() if line.result.type == "succeeded"]
    assert {usage.service_tier for usage in usages} == {"batch"}
    assert simulator.bill.nano_dollars == 2 * alone
    assert simulator.bill.requests == 3


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"stream": True}, "stream"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"fallbacks": "default"}, "fallbacks"),
        ({"speed": "fast"}, "speed"),
        ({"temperature": 1}, "temperature"),
        ({"messages": []}, "messages"),
        ({"model": "claude-nobody"}, "claude-nobody"),
    ],
)
async def test_what_is_wrong_with_a_message_is_its_result(
    client: AsyncAnthropic, changes: dict[str, Any], problem: str
) -> None:
    batch = await client.messages.batches.create(requests=[asked("a", **changes), asked("b")])
    lines = await results_of(client, batch.id)
    bad, good = lines["a"].result, lines["b"].result
    assert bad.type == "errored"
    assert problem in bad.error.error.message
    assert good.type == "succeeded"


async def test_a_batch_takes_its_time(slow: tuple[Simulator, AsyncAnthropic]) -> None:
    simulator, client = slow
    batch = await client.messages.batches.create(requests=[asked("a")])
    simulator.advance(3599)
    assert (await client.messages.batches.retrieve(batch.id)).results_url is None
    with pytest.raises(anthropic.AnthropicError, match="in_progress"):
        await client.messages.batches.results(batch.id)
    with pytest.raises(anthropic.BadRequestError, match="cancel it first"):
        await client.messages.batches.delete(batch.id)
    simulator.advance(1)
    ended = await client.messages.batches.retrieve(batch.id)
    assert ended.ended_at is not None
    assert list(await results_of(client, batch.id)) == ["a"]
    assert (await client.messages.batches.delete(batch.id)).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        await client.messages.batches.retrieve(batch.id)


async def test_a_batch_can_be_cancelled(slow: tuple[Simulator, AsyncAnthropic]) -> None:
    simulator, client = slow
    batch = await client.messages.batches.create(requests=[asked("a"), asked("b")])
    assert (await client.messages.batches.cancel(batch.id)).processing_status == "canceling"
    lines = await results_of(client, batch.id)
    assert [line.result.type for line in lines.values()] == ["canceled", "canceled"]
    assert (await client.messages.batches.cancel(batch.id)).processing_status == "ended"
    assert simulator.bill.requests == 0


async def test_what_takes_more_than_a_day_expires() -> None:
    async with (
        Simulator(batch_seconds=DAY + 1) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any", max_retries=0) as client,
    ):
        batch = await client.messages.batches.create(requests=[asked("a")])
        simulator.advance(DAY)
        assert (await results_of(client, batch.id))["a"].result.type == "expired"


async def test_results_are_gone_after_29_days(simulator: Simulator, client: AsyncAnthropic) -> None:
    batch = await client.messages.batches.create(requests=[asked("a")])
    simulator.advance(29 * DAY)
    archived = await client.messages.batches.retrieve(batch.id)
    assert (archived.results_url, archived.archived_at is not None) == (None, True)


async def test_batches_come_in_pages_and_only_to_those_who_made_them(client: AsyncAnthropic) -> None:
    made = [(await client.messages.batches.create(requests=[asked("a")])).id for _ in range(3)]
    listed = [batch.id async for batch in client.messages.batches.list(limit=2)]
    assert listed == made[::-1]
    other = client.with_options(api_key="another")
    assert (await other.messages.batches.list()).data == []
    with pytest.raises(anthropic.NotFoundError):
        await other.messages.batches.retrieve(made[0])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "Field required"),
        ({"requests": []}, "at least one"),
        ({"requests": [asked("a"), asked("a")]}, "not unique"),
        ({"requests": [asked("what is this?")]}, "custom_id"),
        ({"requests": [{"custom_id": "a"}]}, "params"),
        ({"requests": [0] * 100_001}, "at most 100000"),
    ],
)
async def test_a_batch_that_cannot_be_told_apart_is_refused(
    http: httpx2.AsyncClient, body: dict[str, Any], problem: str
) -> None:
    answer = await http.post("/v1/messages/batches", json=body)
    assert answer.status_code == 400
    assert problem in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["a/results", "a/b/c"])
async def test_a_batch_that_is_not_there_is_not_found(http: httpx2.AsyncClient, path: str) -> None:
    assert (await http.get(f"/v1/messages/batches/{path}")).status_code == 404
