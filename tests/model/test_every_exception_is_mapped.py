"""No exception of the SDK or of its transports reaches anybody as it is."""

import asyncio
import inspect
import json
import ssl
from collections.abc import Iterator
from itertools import pairwise

import aiohttp
import anthropic
import httpx2
import msgspec
import pytest

from antiphon.errors import AnswerError, NotFound
from antiphon.model.failures import failure_of
from antiphon.model.faults import fault_of

REQUEST = httpx2.Request("POST", "http://127.0.0.1:9/v1/messages")


def family(base: type[BaseException]) -> Iterator[type[BaseException]]:
    yield base
    for child in base.__subclasses__():
        yield from family(child)


SDK = sorted(set(family(anthropic.AnthropicError)), key=lambda each: each.__qualname__)
TRANSPORTS = sorted(
    {*family(httpx2.HTTPError), *family(httpx2.StreamError), httpx2.InvalidURL, *family(aiohttp.ClientError)},
    key=lambda each: each.__qualname__,
)
LEAKS: list[type[BaseException]] = [OSError, ConnectionResetError, TimeoutError, ssl.SSLError, EOFError]
LEAKS += [asyncio.IncompleteReadError, msgspec.DecodeError, json.JSONDecodeError, TypeError, ValueError]


def made(error: type[BaseException]) -> BaseException:
    """An instance with the attributes it has in life, whatever its constructor asks for."""
    if issubclass(error, anthropic.APIStatusError):
        status = getattr(error, "status_code", 500)
        return error("No.", response=httpx2.Response(status, request=REQUEST), body=None)
    return error.__new__(error)


def test_the_sdk_still_has_the_errors_that_are_walked() -> None:
    exported = {value for value in vars(anthropic).values() if inspect.isclass(value)}
    exported = {value for value in exported if issubclass(value, Exception)}
    assert exported <= set(SDK)
    assert len(SDK) > 100


@pytest.mark.parametrize("error", SDK + TRANSPORTS + LEAKS, ids=lambda each: each.__qualname__)
def test_every_exception_has_a_row(error: type[BaseException]) -> None:
    assert fault_of(made(error), began=False, now=0.0).kind != "unknown"
    ours = failure_of(made(error), now=0.0)
    assert isinstance(ours, AnswerError)
    assert str(ours).endswith((".", "”"))
    assert "{" not in str(ours)


def test_what_nobody_foresaw_is_an_error_of_ours_too() -> None:
    ours = failure_of(ZeroDivisionError("secret detail"), now=0.0, began=True, request_id="req_1")
    assert isinstance(ours, AnswerError)
    assert "ZeroDivisionError" in str(ours)
    assert "secret" not in str(ours)
    assert ours.facts == {"began": True, "sent": True, "request_id": "req_1"}


def test_our_own_errors_stay_as_they_are() -> None:
    error = NotFound("There is no such conversation.")
    assert failure_of(error, now=0.0) is error


def test_the_innermost_cause_decides_whether_the_request_was_sent() -> None:
    disconnected = wrapped(aiohttp.ServerDisconnectedError(), httpx2.ConnectError("x"))
    assert failure_of(disconnected, now=0.0).facts["sent"]
    refused = wrapped(made(aiohttp.ClientConnectorError), httpx2.ConnectError("x"))
    assert not failure_of(refused, now=0.0).facts["sent"]
    assert not failure_of(wrapped(httpx2.ConnectError("x")), now=0.0).facts["sent"]


def wrapped(*causes: BaseException) -> BaseException:
    """As the SDK raises it: each exception is the cause of the next."""
    error: BaseException = anthropic.APIConnectionError(request=REQUEST)
    links = [*causes, error]
    for inner, outer in pairwise(links):
        outer.__cause__ = inner
    return error
