"""What the end of a message means: every stop reason as a value that the engine matches.

Source: the Messages API reference, "Handling stop reasons".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from antiphon.domain.messages import THINKING, Block


@dataclass(frozen=True, slots=True)
class Answered:
    """The turn is over."""

    stop_sequence: str | None = None
    """The one of the caller's stop sequences that ended it."""


@dataclass(frozen=True, slots=True)
class Empty:
    """The turn is over without a word to show. The same request would end so again: a new user message,
    "Please continue", goes after it.
    """


Limit: TypeAlias = Literal["max_tokens", "context_window"]


@dataclass(frozen=True, slots=True)
class CutShort:
    """There was more to say, and no room: the caller's limit, or the model's window."""

    limit: Limit
    unfinished_tool_use: bool = False
    """The last block is a tool use that may lack the end of its input: it must not run, nor be sent again."""


@dataclass(frozen=True, slots=True)
class UseTools:
    """Each of these blocks wants a result, all of them in one user message, before any text."""

    uses: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Paused:
    """Claude wants to go on: send the same request with this message, unchanged, as its last one."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Claude declined. What it said is dropped, and the user's message is not sent again to this model."""

    category: str | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A stop reason that is newer than this code: the message is complete and is kept."""

    stop_reason: str


Stop: TypeAlias = Answered | Empty | CutShort | UseTools | Paused | Refused | Unknown


@dataclass(frozen=True, slots=True)
class _End:
    content: Sequence[Block]
    stop_sequence: str | None
    details: Mapping[str, Any]


def stop_of(
    stop_reason: str | None,
    content: Sequence[Block] = (),
    *,
    stop_sequence: str | None = None,
    stop_details: Mapping[str, Any] | None = None,
) -> Stop:
    """Read the end of a message. `content`: its blocks, as they were when it ended."""
    row = _ROWS.get(stop_reason or "")
    return row(_End(content, stop_sequence, stop_details or {})) if row else Unknown(stop_reason or "none")


_ROWS: Mapping[str, Callable[[_End], Stop]] = {
    "end_turn": lambda end: _answer(end.content),
    "stop_sequence": lambda end: Answered(end.stop_sequence),
    "tool_use": lambda end: _tools(end.content) or _answer(end.content),
    "max_tokens": lambda end: CutShort("max_tokens", _ends_in_tool_use(end.content)),
    "model_context_window_exceeded": lambda end: CutShort("context_window", _ends_in_tool_use(end.content)),
    "pause_turn": lambda _: Paused(),
    "compaction": lambda _: Paused(),
    "refusal": lambda end: Refused(_text(end.details.get("category")), _text(end.details.get("explanation"))),
}


_SUBJECTS: Mapping[str, str] = {
    "cyber": "computer security",
    "bio": "biology and its dangers",
    "frontier_llm": "building AI models",
    "reasoning_extraction": "its own reasoning",
    "general_harms": "something that may do harm",
}


def refusal_sentence(refused: Refused) -> str:
    """What the person is shown: Claude's explanation, or words of our own where it gives none."""
    if refused.explanation:
        return refused.explanation
    subject = _SUBJECTS.get(refused.category or "")
    about = f", because it touches on {subject}" if subject else ""
    return (
        f"Claude declined to answer this message{about}. It will not be sent again, and the conversation "
        "goes on from before it: put it in other words, or ask something else."
    )


def _answer(content: Sequence[Block]) -> Answered | Empty:
    return Answered() if _says_something(content) else Empty()


def _tools(content: Sequence[Block]) -> UseTools | None:
    uses = tuple(block for block in content if block.get("type") == "tool_use")
    return UseTools(uses) if uses else None


def _says_something(content: Sequence[Block]) -> bool:
    """Thinking alone, and text of nothing but white space, are not an answer."""
    return any(
        bool(block.get("text", "").strip())
        if block.get("type") == "text"
        else block.get("type") not in THINKING
        for block in content
    )


def _ends_in_tool_use(content: Sequence[Block]) -> bool:
    return bool(content) and content[-1].get("type") == "tool_use"


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
