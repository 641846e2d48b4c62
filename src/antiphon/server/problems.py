"""Every failure as `application/problem+json` (RFC 9457): a type, a status, one sentence, and facts."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import Response

from antiphon.domain.events import Problem
from antiphon.errors import AntiphonError, InvalidRequest, UnknownModel
from antiphon.service.options import REMOVED, REMOVED_WORDS

log = structlog.get_logger()

STATUS: Mapping[str, int] = {
    "invalid-json": 400,
    "idempotency-key-missing": 400,
    "over-budget": 402,
    "forbidden-origin": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "busy": 409,
    "conflict": 409,
    "too-large": 413,
    "misdirected": 421,
    "invalid-request": 422,
    "idempotency-key-reused": 422,
    "queue-full": 429,
    "headers-too-large": 431,
    "newer-data": 500,
    "upstream-rejected": 502,
    "upstream-auth": 502,
    "upstream-failed": 502,
    "no-room": 502,
    "empty-answer": 502,
    "too-many-steps": 502,
    "upstream-busy": 503,
    "store-unavailable": 503,
    "stopping": 503,
    "deadline": 504,
}
"""By the problem's name; what is not here is a fault of ours, 500."""

RETRY_AFTER_S: Mapping[str, float] = {"store-unavailable": 2, "upstream-busy": 5, "stopping": 2}
"""Seconds to wait where nobody said how long."""

FACTS = ("turn_id", "errors", "budget", "left_usd", "resets_at")
"""What of an error's facts is told."""

DOCUMENTATION: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem, as RFC 9457 has it; `type` is /problems/<name>.",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string", "description": "One sentence for people."},
                        "turn_id": {"type": "string"},
                        "budget": {"type": "string", "description": "Of over-budget: its scope/period."},
                        "left_usd": {"type": "string"},
                        "resets_at": {"type": "string", "format": "date-time"},
                        "errors": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}

INTERNAL = (
    "A fault in this program ended the request. Try again; if it happens again, tell whoever runs this."
)

STOPPING = "The server was stopped before this request was done. Send it again once it is back."

UNKNOWN_MODEL = InvalidRequest(
    "This model is not known here; GET /v1/models lists those that are. Nothing was stored.",
    errors=[{"pointer": "#/model", "detail": "is not a model of GET /v1/models"}],
)
"""What the error itself says is for whoever runs the server: how to add a model."""


def problem_type(name: str) -> str:
    return f"/problems/{name}"


def problem(
    name: str,
    title: str,
    detail: str,
    *,
    retry_after_s: float | None = None,
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Response:
    """A problem as a response; its status belongs to its name."""
    status = STATUS.get(name, 500)
    body = {"type": problem_type(name), "title": title, "status": status, "detail": detail, **(facts or {})}
    if name == "invalid-request" and "errors" not in body:
        body["errors"] = [{"detail": detail}]
    wait = RETRY_AFTER_S.get(name) if retry_after_s is None else retry_after_s
    later = {} if wait is None else {"Retry-After": str(math.ceil(wait))}
    if status >= 500:
        log.warning("problem", problem=name, turn_id=body.get("turn_id"))
    return Response(
        msgspec.json.encode(body),
        status,
        headers={**later, **(headers or {})},
        media_type="application/problem+json",
    )


def error_problem(error: AntiphonError) -> Response:
    facts = told(error.facts)
    wait = error.facts.get("retry_after")
    return problem(error.name, error.title, error.detail, retry_after_s=wait, facts=facts)


def told(facts: Mapping[str, Any], but: str = "") -> dict[str, Any]:
    """The facts that a reader may have, one left out."""
    return {name: facts[name] for name in FACTS if facts.get(name) is not None and name != but}


def turn_problem(failure: Problem, turn_id: str) -> Response:
    """A turn that ended without an answer."""
    return problem(
        failure.name,
        failure.title,
        failure.detail,
        retry_after_s=failure.retry_after_s,
        facts={"turn_id": turn_id, **told(failure.facts or {})},
    )


def internal_problem() -> Response:
    return problem("internal", "Something went wrong", INTERNAL)


def stopping_problem() -> Response:
    return problem("stopping", "The server was stopped", STOPPING)


def faults_of(errors: Sequence[ErrorDetails]) -> list[dict[str, str]]:
    """What pydantic found, as `errors[]`: the place as a JSON pointer, and words. No value is repeated."""
    return [{"pointer": _pointer(error["loc"]), "detail": _words(error)} for error in errors]


def sentence_of(faults: Sequence[Mapping[str, str]]) -> str:
    """One sentence for `errors[]`."""
    found = "; ".join(f"{_name(fault)} {fault['detail']}" for fault in faults)
    return f"The request cannot be used: {found}. Nothing was stored; correct it and send it again."


def _name(fault: Mapping[str, str]) -> str:
    named = fault.get("header") or fault.get("parameter")
    return named or fault.get("pointer", "").lstrip("#").lstrip("/") or "it"


_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be a string",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
}


def _words(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden" and error["loc"][-1] in REMOVED:
        return REMOVED_WORDS
    said = error["msg"]
    return _WORDS.get(error["type"]) or said[:1].lower() + said[1:]


def _parameter_fault(error: ErrorDetails) -> dict[str, str]:
    """What FastAPI found: bodies are read by us, so this is a parameter of the query or the path."""
    return {"parameter": str(error["loc"][-1]), "detail": _words(error)}


def _pointer(place: Sequence[int | str]) -> str:
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


# What FastAPI calls.


def add_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(AntiphonError, _on_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)


async def _on_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AntiphonError)
    return error_problem(UNKNOWN_MODEL if isinstance(error, UnknownModel) else error)


async def _on_http(request: Request, error: Exception) -> Response:
    """What the router says. The path is the client's own and is not repeated."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 400:
            return problem("invalid-json", "This is not JSON", "The body cannot be read as JSON.")
        case 404:
            return problem("not-found", "Not found", "There is nothing at this address.")
        case 405:
            detail = f"This address does not take {request.method}."
            return problem("method-not-allowed", "Method not allowed", detail, headers=error.headers)
        case _:
            return internal_problem()


async def _on_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [_parameter_fault(fault) for fault in error.errors()]
    facts = {"errors": found}
    return problem("invalid-request", "The request cannot be used", sentence_of(found), facts=facts)
