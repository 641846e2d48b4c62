"""Everything that can go wrong, as one tree. The base says whose fault it is and whether a retry helps.

::

    AntiphonError
    ├── InputError                the caller's to change; nothing was stored, nothing was paid
    │   ├── InvalidRequest        a field is missing, unknown or out of bounds
    │   ├── UnknownModel          a model without a price
    │   ├── TooLarge              more bytes than are accepted
    │   ├── NotFound              no such conversation, turn or message (or it is someone else's)
    │   ├── Busy                  a turn is running, and `reject` was asked for
    │   ├── Conflict              this id or name is taken by something else
    │   ├── KeyReused             one idempotency key, two different bodies
    │   └── QueueFull             too many messages wait; retry later
    ├── ConfigurationError        the operator's to change
    │   └── MissingCredentials    nothing to sign in to Claude with
    ├── ToolError                 raised by a tool of yours: its sentence is told to Claude
    ├── OverBudget                a budget in force does not cover it; nothing was sent
    ├── StoreError                the durable store
    │   ├── StoreUnavailable      cannot be reached; retry
    │   ├── FenceLost             another replica holds this turn now
    │   └── NewerData             written by a newer version of this code; a retry does not help
    └── AnswerError               Claude did not answer; the history stays sendable
        ├── UpstreamRejected      400, 404, 413: this request will never work
        │   └── SpendLimitReached 402 and some 429: the Claude account may not spend more for now
        ├── UpstreamAuth          401, 403: credentials refused
        ├── UpstreamBusy          429, 529: retry later
        │   └── UpstreamResting   it failed too often in a row, and is not asked for a moment
        ├── UpstreamFailed        5xx, a cut or silent stream
        ├── DeadlineExceeded      no answer in the time allowed
        ├── NoRoom                the answer's tokens, or the window, were used up before there was one
        ├── EmptyAnswer           the model ended without a word, twice
        ├── AnswerUnusable        it does not have the form that was asked for; `.text` holds it
        └── AnswerInterrupted     cut short after text was seen; `.partial` holds it

`name` is the last part of the problem type (RFC 9457): ``/problems/<name>``.
"""

from typing import Any, ClassVar


class AntiphonError(Exception):
    """Base of all errors raised on purpose. `str(error)` is one sentence for people."""

    name: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts
        """What a program may want to read besides the sentence: turn_id, retry_after, left_usd …"""


class InputError(AntiphonError):
    name = "invalid-request"
    title = "The request cannot be used"


class InvalidRequest(InputError):
    pass


class UnknownModel(InputError):
    title = "This model has no price"


class TooLarge(InputError):
    name = "too-large"
    title = "The request is too large"


class NotFound(InputError):
    name = "not-found"
    title = "Not found"


class Busy(InputError):
    name = "busy"
    title = "A turn is running"


class Conflict(InputError):
    name = "conflict"
    title = "This is already taken"


class KeyReused(InputError):
    name = "idempotency-key-reused"
    title = "This idempotency key belongs to another request"


class QueueFull(InputError):
    name = "queue-full"
    title = "Too many messages are waiting"
    retryable = True


class ConfigurationError(AntiphonError):
    name = "configuration"
    title = "The configuration does not work"


class MissingCredentials(ConfigurationError):
    title = "No credentials for Claude"


class ToolError(AntiphonError):
    """For tools to raise: Claude reads the sentence (and the class, of a subclass), and may try again.

    Of any other exception Claude is told only that the tool failed.
    """

    name = "tool"
    title = "A tool failed"


class OverBudget(AntiphonError):
    name = "over-budget"
    title = "The budget is used up"


class StoreError(AntiphonError):
    name = "store-unavailable"
    title = "The store failed"


class StoreUnavailable(StoreError):
    title = "The store cannot be reached"
    retryable = True


class FenceLost(StoreError):
    title = "Another replica holds this turn"


class NewerData(StoreError):
    name = "newer-data"
    title = "The data is newer than this program"


class AnswerError(AntiphonError):
    name = "upstream-failed"
    title = "Claude did not answer"
    retryable = True

    def __init__(self, detail: str, *, kept: str = "", **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.kept = kept or detail
        """The sentence for where a part of the answer was seen and stays."""


class UpstreamRejected(AnswerError):
    name = "upstream-rejected"
    title = "Claude rejected the request"
    retryable = False


class SpendLimitReached(UpstreamRejected):
    title = "The Claude account has reached its spending limit"


class UpstreamAuth(AnswerError):
    name = "upstream-auth"
    title = "Claude refused the credentials"
    retryable = False


class UpstreamBusy(AnswerError):
    name = "upstream-busy"
    title = "Claude is busy"


class UpstreamResting(UpstreamBusy):
    pass


class UpstreamFailed(AnswerError):
    pass


class DeadlineExceeded(AnswerError):
    name = "deadline"
    title = "Claude took too long"


class NoRoom(AnswerError):
    name = "no-room"
    title = "There was no room for the answer"
    retryable = False


class EmptyAnswer(AnswerError):
    name = "empty-answer"
    title = "Claude said nothing"


class AnswerUnusable(AnswerError):
    name = "answer-unusable"
    title = "The answer cannot be used"
    retryable = False

    def __init__(self, detail: str, *, text: str = "", stop_reason: str = "", **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.text = text
        """What Claude said."""
        self.stop_reason = stop_reason
        """Why it ended: `refusal`, `max_tokens` …; `end_turn`: by itself, and it does not fit."""


class AnswerInterrupted(AnswerError):
    title = "The answer was cut short"

    def __init__(self, detail: str, *, partial: str = "", **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.partial = partial
        """The text that was seen before the cut; it is kept as the answer in the history."""
