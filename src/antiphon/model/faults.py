"""What went wrong, as one value, whichever library said so: the Claude SDK, its transports, or the stream.

Only classes, statuses and codes are looked at, never the wording of a message.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from typing import Any, Literal, TypeAlias

import aiohttp
import anthropic
import httpx2
import msgspec

Kind: TypeAlias = Literal[
    "answered",  # with a status of 300 or more, or with an `error` event; see status, error_type, error_code
    "unreachable",
    "stall",
    "cut",
    "garbled",
    "not_a_stream",
    "credentials",
    "unsendable",
    "unknown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    kind: Kind
    began: bool = False
    """A response had begun: the headers of a 200 were here."""
    sent: bool = True
    """False only where the request cannot have reached Claude, so that it cannot have cost anything."""
    status: int | None = None
    error_type: str | None = None
    error_code: str | None = None
    message: str = ""
    """Claude's own words, as they came."""
    request_id: str | None = None
    retry_after: float | None = None
    """Seconds that Claude asks to wait."""
    should_retry: bool | None = None
    """What the `x-should-retry` header says, if it is there."""
    what: str = ""
    """The class of an exception that nobody foresaw, or the content type of what is not a stream."""


# Exceptions wrap each other: the SDK's hold httpx2's, which hold aiohttp's. The first row that fits any link
# of the chain decides, so what is precise stands above what is vague.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], Kind], ...] = (
    ((anthropic.CredentialsError, anthropic.WorkloadIdentityError), "credentials"),
    ((aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL), "unreachable"),
    ((aiohttp.NonHttpUrlClientError, aiohttp.ServerFingerprintMismatch), "unreachable"),
    ((httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError), "unreachable"),
    ((httpx2.UnsupportedProtocol, httpx2.InvalidURL), "unreachable"),
    ((aiohttp.ServerTimeoutError, httpx2.TimeoutException, anthropic.APITimeoutError, TimeoutError), "stall"),
    ((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, aiohttp.UploadAbortedError), "cut"),
    ((httpx2.ConnectError,), "unreachable"),
    ((httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.StreamError), "cut"),
    ((httpx2.TooManyRedirects, httpx2.DecodingError, httpx2.HTTPError, aiohttp.ClientError), "garbled"),
    ((anthropic.APIResponseValidationError, anthropic.APIWebhookValidationError), "garbled"),
    ((msgspec.MsgspecError, JSONDecodeError, UnicodeDecodeError), "garbled"),
    ((anthropic.APIConnectionError, anthropic.RetryableError, OSError, EOFError), "cut"),
    ((anthropic.APIError, anthropic.AnthropicError), "garbled"),
    ((TypeError, ValueError), "unsendable"),
)


def fault_of(error: BaseException, *, began: bool, now: float) -> Fault:
    """Read any exception. `now` is in seconds since the epoch: Retry-After may be a date."""
    if isinstance(error, anthropic.APIStatusError):
        return _answered(error, began=began, now=now)
    chain = tuple(_chain(error))
    for types, kind in _KINDS:
        if any(isinstance(link, types) for link in chain):
            sent = kind not in {"unreachable", "credentials", "unsendable"}
            return Fault(kind=kind, began=began, sent=sent or began, what=type(error).__name__)
    return Fault(kind="unknown", began=began, what=type(error).__name__)


def fault_of_event(error: Mapping[str, Any]) -> Fault:
    """Read the `error` object of an `error` event: the response had begun with status 200."""
    details = error.get("details")
    return Fault(
        kind="answered",
        began=True,
        status=200,
        error_type=_text(error.get("type")) or None,
        error_code=_text(details.get("error_code")) or None if isinstance(details, Mapping) else None,
        message=_text(error.get("message")),
    )


def _answered(error: anthropic.APIStatusError, *, began: bool, now: float) -> Fault:
    headers = error.response.headers
    advice = headers.get("x-should-retry")
    return Fault(
        kind="answered",
        began=began,
        status=error.status_code,
        error_type=_text(error.type) or None,
        error_code=error.error_code,
        message=_text(error.api_message),
        request_id=error.request_id,
        retry_after=seconds_to_wait(headers, now=now),
        should_retry=advice == "true" if advice in {"true", "false"} else None,
    )


def seconds_to_wait(headers: Mapping[str, str], *, now: float) -> float | None:
    """`retry-after-ms`, else `retry-after` in seconds or as an HTTP date; never negative, None if absent."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            wait = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        return max(wait, 0.0) if wait < float("inf") else None
    try:
        return max(parsedate_to_datetime(headers["retry-after"]).timestamp() - now, 0.0)
    except (KeyError, ValueError, OverflowError):
        return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
