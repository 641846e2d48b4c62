"""What a person may say when a tool asks first."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, assert_never

from antiphon.domain.events import ApprovalResolve
from antiphon.domain.messages import clean_json, clean_text


@dataclass(frozen=True, slots=True)
class Allow:
    """The tool runs with the input that Claude gave. `reason` is for the record."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deny:
    """It does not run. Claude is told the reason."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """It runs with this input instead; Claude is told which one was used."""

    input: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


Decision: TypeAlias = Allow | Deny | Edit


def resolve_by(decision: Decision, approval_id: str, principal: str, at: int) -> ApprovalResolve:
    """The event that records a decision. `at` is in milliseconds since the epoch."""
    word: Literal["allow", "deny", "edit"]
    given = None
    match decision:
        case Allow():
            word = "allow"
        case Deny():
            word = "deny"
        case Edit():
            word, given = "edit", clean_json(decision.input)
        case _:
            assert_never(decision)
    reason = clean_text(decision.reason)
    return ApprovalResolve(
        at=at, approval_id=approval_id, decision=word, input=given, reason=reason, by=principal
    )
