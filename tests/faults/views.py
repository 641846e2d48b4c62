"""Views of the evidence: what the log, the tree and the requests say, each in one form. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon.context.plan import SUMMARY
from antiphon.context.summaries import INSTRUCTION, SUMMARISER
from antiphon.domain import events as e
from antiphon.domain.messages import Block, Message, text_block, text_of
from antiphon.simulator.record import RecordedRequest
from antiphon.stores.frames import decode
from tests.faults.history import Attempt, Evidence, Stored

Said: TypeAlias = list[tuple[str, list[Block]]]
"""Roles and contents, as they are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt as the log has it: a request is about to go out."""

    turn_id: str
    step: int
    attempt: int
    at: int


def events_of(stored: Stored) -> list[e.Event]:
    return [decode(frame) for frame in stored.frames]


def path_to(stored: Stored, message_id: str | None) -> list[Message]:
    """From the root to a message; what is missing, or leads in a circle, ends it."""
    path: list[Message] = []
    while message_id is not None and (message := stored.messages.get(message_id)) and message not in path:
        path.append(message)
        message_id = message.parent_id
    return path[::-1]


def started(stored: Stored) -> list[str]:
    """The turns in the order in which they started; one that was withdrawn from the queue never did."""
    return [event.turn_id for event in events_of(stored) if isinstance(event, e.TurnStart)]


def name_of(content: Sequence[Block]) -> str:
    """What tells a message on the user's side from all others: its text, or which tools it answers."""
    answered = [str(block["tool_use_id"]) for block in content if block.get("type") == "tool_result"]
    return " ".join(answered) or text_of(content)


def questions(evidence: Evidence) -> dict[str, tuple[Stored, Message]]:
    """The messages that Claude is to answer, by their names: a person's, and the results of tools."""
    return {
        name_of(message.content): (stored, message)
        for stored in evidence.stored.values()
        for message in stored.messages.values()
        if message.role == "user"
    }


def asked(request: RecordedRequest) -> str:
    messages = request.body["messages"] if isinstance(request.body, dict) else []
    return name_of(plain(messages[-1]["content"])) if messages else ""


def asks_for_a_summary(request: RecordedRequest) -> bool:
    """It is no answer to anybody: of a record by a small model, or on what was sent before."""
    body = request.body if isinstance(request.body, dict) else {}
    return text_of(plain(body.get("system") or "")) == SUMMARISER or asked(request) == INSTRUCTION


def compactions(stored: Stored) -> list[e.ContextCompact]:
    return [event for event in events_of(stored) if isinstance(event, e.ContextCompact)]


def forms(path: Sequence[Message], summaries: Sequence[e.ContextCompact]) -> list[Said]:
    """How a path may be sent: whole, or with one of these summaries in place of its beginning."""
    whole: Said = [(each.role, list(each.content)) for each in path]
    places = {message.id: place for place, message in enumerate(path, 1)}
    short: list[Said] = [
        [("user", [text_block(SUMMARY.format(each.summary))]), *whole[places[each.after_message_id] :]]
        for each in summaries
        if each.after_message_id in places
    ]
    return [whole, *short]


def said(message: Message) -> str:
    """The text of a message, and of the results in it."""
    inner = [text_of(block["content"]) for block in message.content if block.get("type") == "tool_result"]
    return " ".join(inner) or text_of(message.content)


def uses_tools(message: Message) -> bool:
    return any(block.get("type") == "tool_use" for block in message.content)


def plain(content: Any) -> list[Block]:
    """Blocks without cache breakpoints, which are no part of what is said."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [{key: value for key, value in block.items() if key != "cache_control"} for block in blocks]


def further_attempts(stored: Stored) -> Iterator[tuple[Begun, Begun]]:
    """Each attempt that was not the first of its step, after the one before it."""
    turn_id, last = "", dict[tuple[str, int], Begun]()
    for event in events_of(stored):
        if isinstance(event, e.TurnStart):
            turn_id = event.turn_id
        elif isinstance(event, e.StepStart):
            begun = Begun(turn_id=turn_id, step=event.step, attempt=event.attempt, at=event.at)
            if (before := last.get((turn_id, event.step))) is not None:
                yield before, begun
            last[turn_id, event.step] = begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A turn that was cancelled, as the log tells it."""

    end: e.TurnEnd
    seen_seq: int | None
    """The greatest that anybody asked for before its end; None if nobody did."""
    had_started: bool
    seen: str
    """The text of the step that was being written, as whoever had come to `seen_seq` saw it."""
    asked_again: int
    """How many further attempts were made after somebody had asked for the end."""


def cuts(stored: Stored) -> Iterator[Cut]:
    running, begun = "", set[str]()
    seen: dict[str, int] = {}
    again, step = Counter[str](), list[tuple[int, e.Event]]()
    for frame, event in zip(stored.frames, events_of(stored), strict=True):
        match event:
            case e.TurnStart():
                running, step = event.turn_id, []
                begun.add(running)
            case e.CancelRequest():
                seen[event.turn_id] = max(seen.get(event.turn_id, 0), event.seen_seq)
            case e.StepStart():
                step = []
                again[running] += event.attempt > 1 and running in seen
            case e.BlockStart() | e.BlockDelta() | e.BlockEnd():
                step.append((frame.seq, event))
            case e.TurnEnd() if event.status == "cancelled":
                until = seen.get(event.turn_id, 0)
                blocks = [each for seq, each in step if seq <= until] if event.turn_id == running else []
                yield Cut(
                    end=event,
                    seen_seq=seen.get(event.turn_id),
                    had_started=event.turn_id in begun,
                    seen=_text(blocks, event.kept.steps),
                    asked_again=again[event.turn_id],
                )
            case _:
                pass


def _text(events: Sequence[e.Event], step: int) -> str:
    texts: dict[int, str] = {}
    for event in events:
        match event:
            case e.BlockDelta() if event.step == step:
                texts[event.index] = texts.get(event.index, "") + event.delta.get("text", "")
            case e.BlockStart() | e.BlockEnd() if event.step == step:
                texts[event.index] = event.block.get("text", "")
            case _:
                pass
    return "".join(texts[index] for index in sorted(texts))


def journal(stored: Stored) -> Sequence[Attempt]:
    """The attempts that the log tells of."""
    turn_id, told = "", dict[tuple[str, int, int], Attempt]()
    for event in events_of(stored):
        match event:
            case e.TurnStart():
                turn_id = event.turn_id
            case e.StepStart():
                told[turn_id, event.step, event.attempt] = _row(turn_id, event, "open", None, 0)
            case e.StepEnd():
                row = _row(turn_id, event, event.stop_reason, event.request_id, event.cost_nanodollars)
                told[turn_id, event.step, event.attempt] = row
            case e.AttemptError():
                row = _row(turn_id, event, event.error.name, event.request_id, event.cost_nanodollars)
                told[turn_id, event.step, event.attempt] = row
            case _:
                pass
    return list(told.values())


def _row(
    turn_id: str,
    event: e.StepStart | e.StepEnd | e.AttemptError,
    status: str,
    request_id: str | None,
    cost: int,
) -> Attempt:
    return Attempt(
        turn_id=turn_id,
        step=event.step,
        attempt=event.attempt,
        status=status,
        request_id=request_id,
        cost_nanodollars=cost,
    )


def place(attempt: Attempt) -> tuple[str, int, int]:
    return attempt.turn_id, attempt.step, attempt.attempt
