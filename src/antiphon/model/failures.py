"""Every failure of a request → one of our errors, by tables: class and sentence for each.

A sentence says what happened, what it means for the conversation, and what to do. Claude's own words are
quoted where they help, short and without anything that looks like a secret.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, TypeAlias

from antiphon.errors import (
    AnswerError,
    AntiphonError,
    SpendLimitReached,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)
from antiphon.model.faults import Fault, Kind, fault_of

_UNANSWERED = "{unanswered}"
_AGAIN = "{again}"

_NOTHING_STAYS = {
    "unanswered": "Your message was not answered and the conversation is unchanged",
    "again": "send it again {when}",
}
_SOMETHING_STAYS = {
    "unanswered": "What there is of the answer is kept",
    "again": "ask for the rest {when}",
}
"""Where a reader may have seen a part of the answer, or tools have run for it."""


@dataclass(frozen=True, slots=True)
class Row:
    error: type[AnswerError]
    sentence: str
    """May hold {said} (Claude's words), {unanswered} and {again} (what became of the message, what to do),
    and {what}.
    """


REJECTED = Row(
    UpstreamRejected,
    f"Claude rejected the request{{said}}. {_UNANSWERED}; change what was rejected, then send it again.",
)
NOT_FOUND = Row(
    UpstreamRejected,
    f"Claude does not know what was asked for{{said}}. {_UNANSWERED}; "
    "check the name of the model and the address of the API.",
)
TOO_LARGE = Row(
    UpstreamRejected,
    f"The request is larger than Claude accepts. {_UNANSWERED}; send less text or smaller files.",
)
REDIRECTED = Row(
    UpstreamRejected,
    f"The address of the API leads elsewhere. {_UNANSWERED}; whoever runs this should check the base URL.",
)
SPEND_LIMIT = Row(
    SpendLimitReached,
    f"The Claude account may not spend more for now{{said}}. {_UNANSWERED}; "
    "trying again helps only after whoever runs this has raised the limit or paid.",
)
CREDENTIALS = Row(
    UpstreamAuth,
    f"Claude did not accept the credentials. {_UNANSWERED}; whoever runs this should check the API key.",
)
FORBIDDEN = Row(
    UpstreamAuth,
    f"The credentials do not allow this request. {_UNANSWERED}; choose another model, "
    "or ask whoever runs this for access.",
)
BUSY = Row(
    UpstreamBusy,
    f"This account sends Claude more requests than it may. {_UNANSWERED}; {_AGAIN}.",
)
OVERLOADED = Row(UpstreamBusy, f"Claude is overloaded. {_UNANSWERED}; {_AGAIN}.")
CONFLICT = Row(UpstreamFailed, f"Claude was held up by another request. {_UNANSWERED}; {_AGAIN}.")
SLOW = Row(UpstreamFailed, f"Claude took longer than it allows itself. {_UNANSWERED}; {_AGAIN}.")
FAILED = Row(UpstreamFailed, f"Claude failed with an error of its own. {_UNANSWERED}; {_AGAIN}.")

CUT = Row(
    UpstreamFailed,
    f"The connection to Claude broke before the answer was complete. {_UNANSWERED}; {_AGAIN}.",
)

_Table: TypeAlias = Mapping[int | str, Row]

BY_CODE: _Table = {
    "enforced_spend_limit_reached": SPEND_LIMIT,
    "contract_spend_limit_reached": SPEND_LIMIT,
    "linked_organization_spend_limit_reached": SPEND_LIMIT,
    "linked_organization_billing_unavailable": SPEND_LIMIT,
}
BY_TYPE: _Table = {
    "invalid_request_error": REJECTED,
    "authentication_error": CREDENTIALS,
    "billing_error": SPEND_LIMIT,
    "permission_error": FORBIDDEN,
    "not_found_error": NOT_FOUND,
    "conflict_error": CONFLICT,
    "request_too_large": TOO_LARGE,
    "rate_limit_error": BUSY,
    "api_error": FAILED,
    "timeout_error": SLOW,
    "overloaded_error": OVERLOADED,
}
BY_STATUS: _Table = {
    401: CREDENTIALS,
    402: SPEND_LIMIT,
    403: FORBIDDEN,
    404: NOT_FOUND,
    408: SLOW,
    409: CONFLICT,
    413: TOO_LARGE,
    429: BUSY,
    499: CUT,
    504: SLOW,
    529: OVERLOADED,
}
BY_HUNDRED: _Table = {3: REDIRECTED, 4: REJECTED}

BY_KIND: Mapping[Kind, Row] = {
    "unreachable": Row(
        UpstreamFailed,
        f"Claude could not be reached. {_UNANSWERED}; {_AGAIN}, "
        "and if that does not help, check the network and the address of the API.",
    ),
    "stall": Row(
        UpstreamFailed, f"Claude sent nothing for too long, and was given up. {_UNANSWERED}; {_AGAIN}."
    ),
    "cut": CUT,
    "garbled": Row(UpstreamFailed, f"What came back from Claude cannot be read. {_UNANSWERED}; {_AGAIN}."),
    "not_a_stream": Row(
        UpstreamFailed,
        f"The address of the API gave {{what}} where a stream of events was expected. {_UNANSWERED}; "
        f"whoever runs this should check the base URL and what stands in between, or {_AGAIN}.",
    ),
    "credentials": Row(
        UpstreamAuth,
        f"The credentials for Claude could not be used. {_UNANSWERED}; "
        "whoever runs this should set ANTHROPIC_API_KEY or sign in again.",
    ),
    "unsendable": Row(
        UpstreamRejected,
        f"The request cannot be put into the form that Claude takes ({{what}}). {_UNANSWERED}; "
        "change the message or its options.",
    ),
    "unknown": Row(
        UpstreamFailed,
        f"Something unforeseen kept Claude from answering ({{what}}). {_UNANSWERED}; {_AGAIN}.",
    ),
}

SAID_MAX = 300
"""Characters of Claude's own message that are shown: its validation messages name the field first."""

_SECRET = re.compile(
    r"(?i)\bbearer\s+\S+|\bsk-[\w-]{4,}|\beyJ[\w.-]{8,}|[A-Za-z0-9+/_-]{40,}={0,2}|\b[0-9a-f]{32,}\b"
)
"""API keys and tokens by their prefix, and whatever is as long as one."""


def failure_of(
    error: BaseException, *, now: float, began: bool = False, request_id: str | None = None
) -> AntiphonError:
    """The error to raise in place of any exception; ours stay as they are.

    `now`: seconds since the epoch. `began` and `request_id`: of the response, if there was one.
    """
    if isinstance(error, AntiphonError):
        return error
    fault = fault_of(error, began=began, now=now)
    return failure(replace(fault, request_id=fault.request_id or request_id))


def failure(fault: Fault) -> AnswerError:
    """`facts`: `began`, `sent`, and where known `status`, `request_id`, `error_type`, `error_code`,
    `retry_after` (seconds), `should_retry`; see `Fault`.
    """
    row = row_of(fault)
    sentence = _sentence(row, fault, _NOTHING_STAYS)
    return row.error(sentence, kept=_sentence(row, fault, _SOMETHING_STAYS), **_facts(fault))


def _sentence(row: Row, fault: Fault, words: Mapping[str, str]) -> str:
    when = _when(fault.retry_after)
    filled = {name: phrase.format(when=when) for name, phrase in words.items()}
    return row.sentence.format(said=_quoted(fault.message), what=fault.what, **filled)


def row_of(fault: Fault) -> Row:
    """The finer word decides: the code, then the status of a 4xx, else the type, else the status."""
    if fault.kind != "answered":
        return BY_KIND[fault.kind]
    status = fault.status or 0
    by_type = BY_TYPE.get(fault.error_type or "")
    return (
        BY_CODE.get(fault.error_code or "")
        or (by_type if not 300 <= status < 500 else None)
        or BY_STATUS.get(status)
        or BY_HUNDRED.get(status // 100)
        or FAILED
    )


def presentable(words: str) -> str:
    """Somebody else's words on one line, cut at `SAID_MAX`, with all that looks like a secret taken out."""
    line = _SECRET.sub("[hidden]", " ".join(words.split()))
    return line if len(line) <= SAID_MAX else line[:SAID_MAX].rstrip() + " …"


def _quoted(words: str) -> str:
    return f": “{presentable(words).rstrip('.')}”" if words.strip() else ""


def _when(retry_after: float | None) -> str:
    if retry_after is None or retry_after < 1:
        return "in a moment"
    if retry_after < 120:
        return f"in {ceil(retry_after)} seconds"
    return f"in {ceil(retry_after / 60)} minutes"


def _facts(fault: Fault) -> dict[str, Any]:
    known = {
        "status": fault.status,
        "request_id": fault.request_id,
        "error_type": fault.error_type,
        "error_code": fault.error_code,
        "retry_after": fault.retry_after,
        "should_retry": fault.should_retry,
    }
    facts = {name: value for name, value in known.items() if value is not None}
    return {"began": fault.began, "sent": fault.sent, **facts}
