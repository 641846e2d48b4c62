"""What may be asked of the answer of one turn, and how the Messages API spells it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, get_args

from antiphon.errors import InvalidRequest
from antiphon.money.facts import EFFORTS, Effort

ThinkingChoice: TypeAlias = Literal["off", "on", "shown"]

THINKING_CHOICES: tuple[ThinkingChoice, ...] = get_args(ThinkingChoice)

THINKING: Mapping[ThinkingChoice, Mapping[str, str]] = {
    "off": {"type": "disabled"},
    "on": {"type": "adaptive"},
    "shown": {"type": "adaptive", "display": "summarized"},
}
"""In the API's words. Each model gets the nearest that it takes."""

REMOVED = ("temperature", "top_p", "top_k")
REMOVED_WORDS = (
    "is not taken any more, because Claude's API has removed it: say in the message or the system prompt how "
    "free the answer may be"
)


class TurnOptions(TypedDict, total=False):
    """Of one turn; what is absent or None is as the conversation and the settings have it."""

    max_tokens: int | None
    """Of the answer, thinking included."""
    effort: Effort | None
    """low, medium, high, xhigh or max; a model that lacks it gets the next lower one that it has."""
    thinking: ThinkingChoice | None
    """`shown`: with a summary of it to read. `off`: as little as the model can."""
    stop_sequences: Sequence[str] | None
    """The answer ends before the first of these."""


def turn_options(**asked: Unpack[TurnOptions]) -> dict[str, Any]:
    """As parameters of the Messages API. Raises InvalidRequest: names what would be taken instead."""
    given = {name: value for name, value in asked.items() if value is not None}
    options: dict[str, Any] = {}
    for name, value in given.items():
        match name:
            case "max_tokens":
                options[name] = _max_tokens(value)
            case "effort":
                options["output_config"] = {"effort": _one_of(EFFORTS, name, value)}
            case "thinking":
                options[name] = dict(THINKING[_one_of(THINKING_CHOICES, name, value)])
            case "stop_sequences":
                options[name] = _stop_sequences(value)
            case _:
                raise InvalidRequest(f"{_unknown(name)}. Nothing was sent.")
    return options


def _unknown(name: str) -> str:
    if name in REMOVED:
        return f"{name} {REMOVED_WORDS}"
    return f"{name} is no option of a turn: there are {', '.join(TurnOptions.__annotations__)}"


def _max_tokens(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidRequest("max_tokens must be a whole number from 1 on. Nothing was sent.")
    return value


def _one_of(allowed: Sequence[Any], name: str, value: object) -> Any:
    if value not in allowed:
        raise InvalidRequest(f"{name} must be one of {', '.join(allowed)}. Nothing was sent.")
    return value


def _stop_sequences(value: object) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        texts = [each for each in value if isinstance(each, str) and each.strip()]
        if len(texts) == len(value):
            return texts
    raise InvalidRequest("stop_sequences must be a list of texts that are not empty. Nothing was sent.")
