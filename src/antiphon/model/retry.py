"""Whether a failed attempt is made again, by which model, and when. Pure.

The table in docs/guides/errors.md says the same.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from antiphon.errors import (
    AnswerError,
    DeadlineExceeded,
    SpendLimitReached,
    UpstreamAuth,
    UpstreamRejected,
    UpstreamResting,
)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
"""Of the back-off; a wait that Claude asks for may be longer."""

PATIENCE_S = 5.0
"""A wait longer than this is not waited where another model can answer at once."""

Help: TypeAlias = Literal["again", "elsewhere", "nothing"]
"""What may help after a failure: the same request, another model, or neither."""


@dataclass(frozen=True, slots=True)
class Again:
    """The same model, after so many seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The next model of the chain, at once."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The failure is the answer's end."""


Verdict: TypeAlias = Again | Elsewhere | GiveUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left to try with: attempts of this step, of which `failures` failed, models of the chain that
    were not asked yet, and seconds until the turn's deadline.
    """

    failures: int
    attempts: int
    models: int
    seconds: float


def help_for(error: AnswerError) -> Help:
    """What may help after it. The provider's own advice (`x-should-retry`) wins, but not over money.

    Source of the statuses: the Messages API reference, "Errors". In a stream, whose status is 200, the type
    says it.
    """
    match error:
        case SpendLimitReached() | DeadlineExceeded():
            return "nothing"
        case UpstreamResting():
            return "elsewhere"
        case _ if error.facts.get("should_retry") is True:
            return "again"
        case UpstreamRejected():  # 404: this model is not there
            return "elsewhere" if _says(error, 404, "not_found_error") else "nothing"
        case UpstreamAuth():  # 403: this model is not allowed
            return "elsewhere" if _says(error, 403, "permission_error") else "nothing"
        case _:
            return "elsewhere" if error.facts.get("should_retry") is False else "again"


def _says(error: AnswerError, status: int, error_type: str) -> bool:
    said = error.facts.get("status")
    return bool(said == status or (said == 200 and error.facts.get("error_type") == error_type))


def verdict_on(error: AnswerError, room: Room, chance: float) -> Verdict:
    """What follows a failed attempt. `chance`: a random number from 0 to 1.

    The last attempts belong to the models of the chain that were not asked yet, one each, so that retries and
    fallbacks together are never more than the attempts that are allowed.
    """
    help_ = help_for(error)
    if help_ == "nothing" or room.attempts < 1 or room.seconds <= 0:
        return GiveUp()
    match help_:
        case "elsewhere":
            return Elsewhere() if room.models else GiveUp()
        case "again":
            return _again(error, room, chance)
        case _:
            assert_never(help_)


def _again(error: AnswerError, room: Room, chance: float) -> Verdict:
    if room.models and room.attempts <= room.models:
        return Elsewhere()
    asked = error.facts.get("retry_after") or 0.0
    wait_s = max(asked, backoff_s(room.failures, chance))
    if room.models and wait_s > PATIENCE_S:
        return Elsewhere()
    return Again(wait_s) if wait_s < room.seconds else GiveUp()


def backoff_s(failures: int, chance: float) -> float:
    """Full jitter: anything up to a bound that doubles with each failure, in seconds.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return chance * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (failures - 1))
