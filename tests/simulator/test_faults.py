"""Streams that break, as the SDK's caller gets them on both of its transports."""

import asyncio
import json
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic

from antiphon.simulator import AnyFault, HangUp, Reply, Reset, Simulator, Stall, StreamError, Truncate


@pytest.fixture(params=["aiohttp", "httpx2"])
def any_client(
    request: pytest.FixtureRequest, client: AsyncAnthropic, httpx_client: AsyncAnthropic
) -> AsyncAnthropic:
    return client if request.param == "aiohttp" else httpx_client


async def until_it_breaks(
    client: AsyncAnthropic, question: dict[str, Any]
) -> tuple[list[Any], Exception | None]:
    """The events that came, and what ended them."""
    seen = []
    try:
        async for event in await client.messages.create(**question, stream=True):
            seen.append(event)  # noqa: PERF401  # those before the error count
    except (anthropic.APIError, httpx2.HTTPError) as error:
        return seen, error
    return seen, None


@pytest.mark.parametrize(
    ("fault", "events"),
    [
        (StreamError(after=2), ["message_start", "content_block_start", *["content_block_delta"] * 2]),
        (StreamError(), ["message_start", "content_block_start"]),
        (StreamError(of="events"), []),
        (StreamError(of="events", after=1), ["message_start"]),
    ],
)
async def test_an_error_event_is_a_bare_status_error_with_status_200(
    simulator: Simulator,
    any_client: AsyncAnthropic,
    question: dict[str, Any],
    fault: StreamError,
    events: list[str],
) -> None:
    simulator.script(Reply(fault=fault))
    seen, error = await until_it_breaks(any_client, question)
    assert [event.type for event in seen] == events
    assert isinstance(error, anthropic.APIStatusError)
    assert type(error) is anthropic.APIStatusError
    assert (error.status_code, error.type, error.request_id) == (200, "overloaded_error", "req_sim_000001")


async def test_the_type_of_an_error_event_can_be_chosen(
    simulator: Simulator, any_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(fault=StreamError(type="api_error", message="Oops")))
    _, error = await until_it_breaks(any_client, question)
    assert isinstance(error, anthropic.APIStatusError)
    assert (error.type, error.api_message) == ("api_error", "Oops")


async def test_a_fin_in_the_body_is_an_error_of_the_transport(
    simulator: Simulator, httpx_client: AsyncAnthropic, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(*[Reply(fault=HangUp(after=3))] * 2)
    seen, error = await until_it_breaks(httpx_client, question)
    assert (len(seen), type(error)) == (5, httpx2.RemoteProtocolError)
    seen, error = await until_it_breaks(client, question)
    assert (len(seen), type(error)) == (5, httpx2.ReadError)


async def test_a_rst_in_the_body_is_a_read_error(
    simulator: Simulator, any_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(fault=Reset(after=3)))
    _, error = await until_it_breaks(any_client, question)
    assert type(error) is httpx2.ReadError


async def test_a_clean_end_too_early_raises_nothing(
    simulator: Simulator, any_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(*[Reply(text="one two three", fault=Truncate(after=2))] * 2)
    seen, error = await until_it_breaks(any_client, question)
    assert (seen[-1].type, error) == ("content_block_delta", None)
    async with any_client.messages.stream(**question) as stream:
        message = await stream.get_final_message()
    assert message.stop_reason is None
    assert getattr(message.content[0], "text", None) == "one two"


async def test_nothing_at_all_is_an_empty_stream(
    simulator: Simulator, any_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(fault=Truncate(of="events")))
    assert await until_it_breaks(any_client, question) == ([], None)


async def test_a_fault_behind_the_last_delta_takes_the_end_of_the_message(
    simulator: Simulator, any_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(
        Reply(text="one two", fault=Truncate(after=2)), Reply(text="one two", fault=Truncate(after=3))
    )
    seen, _ = await until_it_breaks(any_client, question)
    assert seen[-1].type == "content_block_delta"
    seen, _ = await until_it_breaks(any_client, question)
    assert seen[-1].type == "message_delta"


async def test_a_stall_ends_by_the_reader_s_patience(
    simulator: Simulator, any_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(fault=Stall(after=1)))
    impatient = any_client.with_options(timeout=httpx2.Timeout(5, read=0.1))
    seen, error = await until_it_breaks(impatient, question)
    assert (seen[-1].type, type(error)) == ("content_block_delta", httpx2.ReadTimeout)
    requests = await simulator.until(lambda seen: seen[0].ended_at is not None)
    assert requests[0].client_left


async def test_a_stall_ends_when_the_test_says_so(
    simulator: Simulator, any_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="one two three", fault=Stall(after=1)))
    texts: list[str] = []
    async with any_client.messages.stream(**question) as stream:
        async for text in stream.text_stream:
            if not texts:
                simulator.release()
            texts.append(text)
        assert (await stream.get_final_message()).stop_reason == "end_turn"
    assert texts == ["one", " two", " three"]


async def test_a_stall_ends_by_itself_and_may_send_pings_meanwhile(
    simulator: Simulator, http: httpx2.AsyncClient, question: dict[str, Any]
) -> None:
    simulator.script(Reply(fault=Stall(after=1, seconds=0.05, ping_every=0.01)))
    response = await http.post("/v1/messages", json={**question, "stream": True})
    assert response.text.count("event: ping") > 2
    assert "event: message_stop" in response.text


async def test_a_delay_ends_when_the_test_says_so(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="Go", delay=600))
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(client.messages.create(**question))
        await simulator.until(lambda seen: len(seen) == 1)
        assert simulator.requests[0].status is None
        simulator.release()
    assert getattr(asked.result().content[0], "text", None) == "Go"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (StreamError(), anthropic.OverloadedError),
        (StreamError(type="api_error"), anthropic.InternalServerError),
        (HangUp(), anthropic.APIConnectionError),
        (Reset(), anthropic.APIConnectionError),
        (Truncate(), json.JSONDecodeError),
        (Stall(), anthropic.APITimeoutError),
    ],
)
async def test_an_answer_that_is_not_streamed_breaks_in_the_middle_too(
    simulator: Simulator,
    any_client: AsyncAnthropic,
    question: dict[str, Any],
    fault: AnyFault,
    error: type[Exception],
) -> None:
    simulator.script(Reply(fault=fault))
    with pytest.raises(error):
        await any_client.with_options(timeout=httpx2.Timeout(5, read=0.2)).messages.create(**question)


async def test_a_stalled_answer_can_still_come_whole(
    simulator: Simulator, any_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(text="Late", fault=Stall(seconds=0.01)))
    answer = await any_client.messages.create(**question)
    assert getattr(answer.content[0], "text", None) == "Late"


async def test_stopping_ends_streams_in_progress(question: dict[str, Any]) -> None:
    async with (
        Simulator() as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any", max_retries=0) as client,
    ):
        simulator.script(Reply(fault=Stall(after=1)))
        events = await client.messages.create(**question, stream=True)
        await anext(events)
        await simulator.stop()
        with pytest.raises(httpx2.HTTPError):
            [event async for event in events]
        assert not simulator.requests[0].client_left
