"""Where an answer or a request ends: rates, spending, windows, stop sequences."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import Model, RateLimits, Reply, Simulator, context_window_exceeded

Ask = Callable[..., Awaitable[Message]]


@asynccontextmanager
async def limited(**settings: Any) -> AsyncGenerator[tuple[Simulator, AsyncAnthropic]]:
    async with (
        Simulator(now=lambda: 0.0, **settings) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any", max_retries=0) as client,
    ):
        yield simulator, client


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


async def test_requests_beyond_the_limit_wait_as_long_as_they_are_told(question: dict[str, Any]) -> None:
    async with limited(rate_limits=RateLimits(requests=2)) as (simulator, client):
        left = []
        for _ in range(2):
            response = await client.messages.with_raw_response.create(**question)
            left.append(response.headers["anthropic-ratelimit-requests-remaining"])
        assert left == ["1", "0"]
        with pytest.raises(anthropic.RateLimitError) as raised:
            await client.messages.create(**question)
        headers = raised.value.response.headers
        assert (headers["retry-after"], headers["anthropic-ratelimit-requests-remaining"]) == ("30", "0")
        assert headers["anthropic-ratelimit-requests-reset"] == "1970-01-01T00:01:00Z"
        simulator.advance(29)
        with pytest.raises(anthropic.RateLimitError):
            await client.messages.create(**question)
        simulator.advance(1)
        assert await client.messages.create(**question)


async def test_each_line_of_models_and_each_organization_has_its_own(question: dict[str, Any]) -> None:
    async with limited(rate_limits=RateLimits(requests=1)) as (_, client):
        await client.messages.create(**question)
        await client.messages.create(**{**question, "model": "claude-haiku-5-5"})
        await client.with_options(api_key="another").messages.create(**question)
        with pytest.raises(anthropic.RateLimitError):
            await client.messages.create(**{**question, "model": "claude-sonnet-5"})


async def test_cached_tokens_are_not_counted(question: dict[str, Any]) -> None:
    body: dict[str, Any] = {
        **question,
        "messages": [{"role": "user", "content": "x" * 4000}],
        "cache_control": {"type": "ephemeral"},
    }
    async with limited(rate_limits=RateLimits(input_tokens=1500)) as (_, client):
        for _ in range(3):
            await client.messages.create(**body)
        with pytest.raises(anthropic.RateLimitError, match="input tokens") as raised:
            await client.messages.create(**{**body, "system": "New."})
        assert raised.value.response.headers["retry-after"] == "21"


async def test_output_counts_as_it_comes_out(question: dict[str, Any]) -> None:
    async with limited(rate_limits=RateLimits(output_tokens=100)) as (simulator, client):
        simulator.script(Reply(text="y" * 800), Reply(text="Later."))
        await client.messages.create(**question)
        with pytest.raises(anthropic.RateLimitError, match="output tokens"):
            await client.messages.create(**question)
        simulator.advance(61)
        assert text_of(await client.messages.create(**question)) == "Later."


async def test_when_the_money_is_spent_nothing_goes(question: dict[str, Any]) -> None:
    async with limited(spend_limit=1) as (simulator, client):
        await client.messages.create(**question)
        with pytest.raises(anthropic.EnforcedSpendLimitReachedError):
            await client.messages.create(**question)
        assert simulator.bill.requests == 1


async def test_a_prompt_that_does_not_fit_is_refused(question: dict[str, Any]) -> None:
    body: dict[str, Any] = {**question, "model": "tiny", "messages": [{"role": "user", "content": "x" * 404}]}
    async with limited(extra_models=[Model("tiny", max_input_tokens=100)]) as (_, client):
        with pytest.raises(anthropic.BadRequestError, match="prompt is too long: 101 tokens > 100 maximum"):
            await client.messages.create(**body)
        counted = await client.messages.count_tokens(model="tiny", messages=body["messages"])
        assert counted.input_tokens == 101


async def test_an_answer_ends_where_the_window_does(question: dict[str, Any]) -> None:
    body: dict[str, Any] = {**question, "model": "tiny", "messages": [{"role": "user", "content": "x" * 380}]}
    async with limited(extra_models=[Model("tiny", max_input_tokens=100)]) as (simulator, client):
        simulator.script(Reply(text="y" * 100), context_window_exceeded())
        answer = await client.messages.create(**body)
        assert (text_of(answer), answer.stop_reason) == ("y" * 20, "model_context_window_exceeded")
        assert (await client.messages.create(**question)).stop_reason == "model_context_window_exceeded"


async def test_an_answer_ends_at_the_first_stop_sequence(simulator: Simulator, ask: Ask) -> None:
    simulator.script(*[Reply(text="one, two. three")] * 2)
    answer = await ask(stop_sequences=["three", ". ", "four"])
    assert (text_of(answer), answer.stop_reason, answer.stop_sequence) == ("one, two", "stop_sequence", ". ")
    assert (await ask(stop_sequences=["five"])).stop_sequence is None
