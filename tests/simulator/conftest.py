"""A simulator per test, and clients of it: the real SDK on both of its transports, and plain HTTP."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeAlias

import httpx2
import pytest
from anthropic import AsyncAnthropic, DefaultAioHttpClient
from anthropic.types import Message

from antiphon.simulator import Simulator

Ask: TypeAlias = Callable[..., Awaitable[Message]]
Stream: TypeAlias = Callable[..., Awaitable[list[Any]]]
Post: TypeAlias = Callable[[dict[str, Any]], Awaitable[httpx2.Response]]


@pytest.fixture
async def simulator() -> AsyncGenerator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def client(simulator: Simulator) -> AsyncGenerator[AsyncAnthropic]:
    async with AsyncAnthropic(
        base_url=simulator.url, api_key="any", max_retries=0, http_client=DefaultAioHttpClient()
    ) as client:
        yield client


@pytest.fixture
async def httpx_client(simulator: Simulator) -> AsyncGenerator[AsyncAnthropic]:
    """The same SDK on its default transport."""
    async with AsyncAnthropic(base_url=simulator.url, api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
def question() -> dict[str, Any]:
    """The smallest request."""
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "Hello"}],
    }


@pytest.fixture
def ask(client: AsyncAnthropic, question: dict[str, Any]) -> Ask:
    """Send the smallest request, changed as the test says, and return the whole answer."""

    async def ask(**changes: Any) -> Message:
        answer = await client.messages.create(**{**question, **changes})
        assert isinstance(answer, Message)
        return answer

    return ask


@pytest.fixture
def stream(client: AsyncAnthropic, question: dict[str, Any]) -> Stream:
    """The same, streamed: returns the raw events."""

    async def stream(**changes: Any) -> list[Any]:
        events = await client.messages.create(**{**question, **changes}, stream=True)
        return [event async for event in events]

    return stream


@pytest.fixture
async def http(simulator: Simulator) -> AsyncGenerator[httpx2.AsyncClient]:
    headers = {"x-api-key": "any", "anthropic-version": "2026-10-21"}
    async with httpx2.AsyncClient(base_url=simulator.url, headers=headers) as client:
        yield client


@pytest.fixture
def post(http: httpx2.AsyncClient) -> Post:
    """Send a body as it is, without the SDK's own checks."""

    async def post(body: dict[str, Any]) -> httpx2.Response:
        return await http.post("/v1/messages", json=body)

    return post
