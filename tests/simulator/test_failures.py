"""Errors instead of an answer, as the SDK's caller gets them."""

from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import Drop, Fail, Page, Reply, Simulator, html_page, spend_limit

Ask = Callable[..., Awaitable[Message]]
Stream = Callable[..., Awaitable[list[Any]]]


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (402, anthropic.PaymentRequiredError, "billing_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (408, anthropic.RequestTimeoutError, "invalid_request_error"),
        (409, anthropic.ConflictError, "conflict_error"),
        (413, anthropic.ContentTooLargeError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (503, anthropic.ServiceUnavailableError, "api_error"),
        (504, anthropic.GatewayTimeoutError, "timeout_error"),
        (529, anthropic.OverloadedError, "overloaded_error"),
    ],
)
async def test_each_status_raises_its_class_streamed_or_not(
    simulator: Simulator,
    ask: Ask,
    stream: Stream,
    status: int,
    error: type[anthropic.APIStatusError],
    kind: str,
) -> None:
    simulator.script(Fail(status=status), Fail(status=status))
    for send in (ask, stream):
        with pytest.raises(error) as raised:
            await send()
        assert type(raised.value) is error
        assert (raised.value.status_code, raised.value.type) == (status, kind)
        assert raised.value.request_id is not None


async def test_headers_tell_whether_and_when_to_retry(simulator: Simulator, ask: Ask) -> None:
    simulator.script(
        Fail(status=429, retry_after=3600.0, retry_after_ms=250, should_retry=False, message="Slow down")
    )
    with pytest.raises(anthropic.RateLimitError) as raised:
        await ask()
    headers = raised.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("3600", "250")
    assert headers["x-should-retry"] == "false"
    assert raised.value.api_message == "Slow down"


async def test_the_sdk_retries_as_the_headers_say(simulator: Simulator, question: dict[str, Any]) -> None:
    async with AsyncAnthropic(base_url=simulator.url, api_key="any", max_retries=2) as client:
        simulator.script(Fail(status=529, retry_after_ms=1), Reply(text="At last"))
        answer = await client.messages.create(**question)
        assert getattr(answer.content[0], "text", None) == "At last"
        simulator.script(Fail(status=500, should_retry=False))
        with pytest.raises(anthropic.InternalServerError):
            await client.messages.create(**question)
    counts = [request.headers["x-stainless-retry-count"] for request in simulator.requests]
    assert counts == ["0", "1", "0"]


async def test_a_spend_limit_is_told_by_its_code(simulator: Simulator, ask: Ask) -> None:
    simulator.script(spend_limit())
    with pytest.raises(anthropic.EnforcedSpendLimitReachedError) as raised:
        await ask()
    assert raised.value.status_code == 429
    assert "retry-after" not in raised.value.response.headers


async def test_the_type_of_an_error_can_be_any(simulator: Simulator, ask: Ask) -> None:
    simulator.script(Fail(status=418, type="teapot_error", headers={"x-brew": "earl grey"}))
    with pytest.raises(anthropic.APIStatusError) as raised:
        await ask()
    assert raised.value.body == {
        "type": "error",
        "error": {"type": "teapot_error", "message": "Simulated teapot_error"},
        "request_id": "req_sim_000001",
    }
    assert raised.value.response.headers["x-brew"] == "earl grey"


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (html_page(413, "Content Too Large"), anthropic.ContentTooLargeError),
        (html_page(), anthropic.InternalServerError),
        (Page(status=503, body="", content_type="text/plain"), anthropic.ServiceUnavailableError),
    ],
)
async def test_a_page_of_a_proxy_has_no_error_type(
    simulator: Simulator, ask: Ask, page: Page, error: type[anthropic.APIStatusError]
) -> None:
    simulator.script(page)
    with pytest.raises(error) as raised:
        await ask()
    assert raised.value.type is None


async def test_a_page_with_status_200_is_no_message(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Page(status=200, body="<html>Sign in to the network</html>"))
    answer: object = await client.messages.create(**question)
    assert answer == "<html>Sign in to the network</html>"


@pytest.mark.parametrize("drop", [Drop(), Drop(reset=True)])
async def test_a_dropped_connection_is_a_connection_error(
    simulator: Simulator, ask: Ask, stream: Stream, drop: Drop
) -> None:
    simulator.script(drop, drop)
    for send in (ask, stream):
        with pytest.raises(anthropic.APIConnectionError):
            await send()
    assert [request.status for request in simulator.requests] == [None, None]


async def test_a_client_that_waits_no_longer_leaves(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(Reply(delay=60))
    with pytest.raises(anthropic.APITimeoutError):
        await client.with_options(timeout=0.05).messages.create(**question)
    seen = await simulator.until(lambda seen: seen[0].ended_at is not None)
    assert (seen[0].client_left, seen[0].status) == (True, None)


@pytest.mark.parametrize("status", [200, 399, 600])
def test_a_failure_has_the_status_of_a_failure(status: int) -> None:
    with pytest.raises(ValueError, match="400 to 599"):
        Fail(status=status)
