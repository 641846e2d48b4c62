"""The API's errors: status, type and envelope. Source: the Messages API reference, Errors."""

from email.utils import formatdate
from typing import Any

import msgspec

from antiphon.simulator.script import Fail

TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

STATUS_OF_TYPE = {kind: status for status, kind in TYPE_OF_STATUS.items()}

MESSAGE_OF_TYPE = {
    "overloaded_error": "Overloaded",
    "api_error": "Internal server error",
    "rate_limit_error": "This request would exceed your organization's rate limit.",
    "request_too_large": "Request exceeds the maximum size",
}


class ApiError(Exception):
    """A request that the API answers with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind or type_of(status)
        self.details = details
        self.headers = headers or {}

    def body(self, request_id: str) -> bytes:
        return msgspec.json.encode(
            {**envelope(self.kind, self.message, self.details), "request_id": request_id}
        )


def type_of(status: int) -> str:
    return TYPE_OF_STATUS.get(status) or ("api_error" if status >= 500 else "invalid_request_error")


def envelope(kind: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of an error, which is also the data of an `error` event."""
    error: dict[str, Any] = {"type": kind, "message": message}
    if details is not None:
        error["details"] = details
    return {"type": "error", "error": error}


def scripted_error(fail: Fail, now: float = 0.0) -> ApiError:
    """The error that a script asks for at this time (seconds since the epoch)."""
    kind = fail.type or type_of(fail.status)
    code = {"error_code": fail.error_code} if fail.error_code else {}
    details = {**(fail.details or {}), **code} or None
    message = fail.message or MESSAGE_OF_TYPE.get(kind, f"Simulated {kind}")
    return ApiError(fail.status, message, kind=kind, details=details, headers=_headers(fail, now))


def _headers(fail: Fail, now: float) -> dict[str, str]:
    headers = dict(fail.headers)
    if fail.retry_after_as_date and not isinstance(fail.retry_after, str):
        headers["retry-after"] = formatdate(now + (fail.retry_after or 0), usegmt=True)
    elif fail.retry_after is not None:
        headers["retry-after"] = _number(fail.retry_after)
    if fail.retry_after_ms is not None:
        headers["retry-after-ms"] = _number(fail.retry_after_ms)
    if fail.should_retry is not None:
        headers["x-should-retry"] = "true" if fail.should_retry else "false"
    return headers


def _number(value: float | str) -> str:
    """1.0 as `1`, the way the API writes whole seconds."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
