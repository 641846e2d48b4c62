"""The prompt cache as a client of the server meets it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import Fail, Reply, Simulator, Stall, StreamError

Ask = Callable[..., Awaitable[Message]]
Stream = Callable[..., Awaitable[list[Any]]]

LONG: list[Any] = [{"role": "user", "content": "x" * 2400}]
"""600 tokens."""

AUTOMATIC: Any = {"type": "ephemeral"}


def cache_counts(message: Message) -> tuple[int, int, int]:
    """Plain, written, read."""
    usage = message.usage
    return usage.input_tokens, usage.cache_creation_input_tokens or 0, usage.cache_read_input_tokens or 0


async def test_the_second_request_reads_what_the_first_wrote(ask: Ask, stream: Stream) -> None:
    assert cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC)) == (0, 600, 0)
    start = (await stream(messages=LONG, cache_control=AUTOMATIC))[0]
    assert cache_counts(start.message) == (0, 0, 600)


async def test_lives_of_both_lengths_are_told_apart(ask: Ask) -> None:
    system: Any = [{"type": "text", "text": "s" * 2400, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    usage = (await ask(messages=LONG, system=system, cache_control=AUTOMATIC)).usage
    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_1h_input_tokens == 600
    assert usage.cache_creation.ephemeral_5m_input_tokens == 600


async def test_time_passes_when_the_test_says_so(simulator: Simulator, ask: Ask) -> None:
    reads = []
    for seconds in (0, 299, 299, 301):
        simulator.advance(seconds)
        reads.append(cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC))[2])
    assert reads == [0, 600, 600, 0]
    with pytest.raises(ValueError, match="forward"):
        simulator.advance(-1)


async def test_time_passes_over_http_too(http: httpx2.AsyncClient, ask: Ask) -> None:
    await ask(messages=LONG, cache_control=AUTOMATIC)
    before = (await http.get("/simulator/clock")).json()["now"]
    after = (await http.post("/simulator/clock", json={"advance": 301})).json()["now"]
    assert 301 <= after - before < 310
    assert cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC)) == (0, 600, 0)
    for wrong in ({"advance": -5}, {"advance": "soon"}, {}, {"advance": 1, "back": 2}):
        assert (await http.post("/simulator/clock", json=wrong)).status_code == 400


async def test_the_cache_can_be_emptied(simulator: Simulator, http: httpx2.AsyncClient, ask: Ask) -> None:
    await ask(messages=LONG, cache_control=AUTOMATIC)
    assert (await http.delete("/simulator/cache")).json() == {"entries": 0}
    assert cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC)) == (0, 600, 0)
    simulator.forget()
    assert cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC)) == (0, 600, 0)


async def test_requests_at_once_all_pay_until_an_answer_has_begun(simulator: Simulator, ask: Ask) -> None:
    simulator.script(*[Reply(delay=600)] * 3)
    async with asyncio.timeout(10):
        asked = asyncio.gather(*[ask(messages=LONG, cache_control=AUTOMATIC) for _ in range(3)])
        await simulator.until(lambda seen: len(seen) == 3)
        simulator.release()
        assert [cache_counts(each)[1:] for each in await asked] == [(600, 0)] * 3
    assert cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC)) == (0, 0, 600)


async def test_what_an_answer_in_progress_wrote_can_be_read(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any], ask: Ask
) -> None:
    simulator.script(Reply(fault=Stall(after=1)))
    body = {**question, "messages": LONG, "cache_control": AUTOMATIC}
    async with client.messages.stream(**body) as stream:
        await anext(stream.text_stream)
        assert cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC)) == (0, 0, 600)


@pytest.mark.parametrize("failure", [Fail(status=529), Reply(fault=StreamError(of="events"))])
async def test_what_never_began_is_not_in_the_cache(
    simulator: Simulator, post: Any, question: dict[str, Any], ask: Ask, failure: Any
) -> None:
    simulator.script(failure)
    await post({**question, "messages": LONG, "cache_control": AUTOMATIC, "stream": True})
    assert cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC)) == (0, 600, 0)


async def test_a_key_reads_only_what_its_organization_wrote(question: dict[str, Any]) -> None:
    keys = {"k1": "acme", "k2": "acme"}
    async with Simulator(organizations=keys) as simulator:
        reads, names = [], []
        for key in ("k1", "k2", "k3"):
            async with AsyncAnthropic(base_url=simulator.url, api_key=key) as client:
                body = {**question, "messages": LONG, "cache_control": AUTOMATIC}
                response = await client.messages.with_raw_response.create(**body)
                names.append(response.headers["anthropic-organization-id"])
                reads.append(cache_counts(await response.parse())[2])
        assert reads == [0, 600, 0]
        assert names[:2] == ["acme", "acme"] != names[2:]


async def test_warming_fills_the_cache_and_writes_nothing(ask: Ask) -> None:
    warmed = await ask(messages=LONG, cache_control=AUTOMATIC, max_tokens=0)
    assert (warmed.content, cache_counts(warmed)) == ([], (0, 600, 0))
    assert cache_counts(await ask(messages=LONG, cache_control=AUTOMATIC)) == (0, 0, 600)


async def test_counting_tells_all_tokens_cached_or_not(
    client: AsyncAnthropic, ask: Ask, question: dict[str, Any]
) -> None:
    for _ in range(2):
        await ask(messages=LONG, cache_control=AUTOMATIC)
    counted = await client.messages.count_tokens(
        model=question["model"], messages=LONG, cache_control=AUTOMATIC
    )
    assert counted.input_tokens == 600


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"model": "claude-haiku-5-5"}, "model_changed"),
        ({"tools": [{"name": "clock", "input_schema": {"type": "object"}}]}, "tools_changed"),
        ({"system": "Be long."}, "system_changed"),
        ({"messages": [{"role": "user", "content": "Something else"}]}, "messages_changed"),
    ],
)
async def test_diagnostics_say_what_spoiled_the_prefix(
    ask: Ask, changes: dict[str, Any], reason: str | None
) -> None:
    base: dict[str, Any] = {"system": "Be brief.", "messages": LONG, "cache_control": AUTOMATIC}
    first = await ask(**base, diagnostics={"previous_message_id": None})
    longer = [*LONG, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And?"}]
    changed = {**base, "messages": longer, **changes}
    second = await ask(**changed, diagnostics={"previous_message_id": first.id})
    for message, expected in ((first, None), (second, reason)):
        assert message.diagnostics is not None
        told = message.diagnostics.cache_miss_reason
        assert (None if told is None else told.type) == expected
    unknown = await ask(**base, diagnostics={"previous_message_id": "msg_gone"})
    assert unknown.diagnostics is not None
    assert unknown.diagnostics.cache_miss_reason is not None
    assert unknown.diagnostics.cache_miss_reason.type == "previous_message_not_found"
