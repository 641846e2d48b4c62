"""The judge is judged: a good history passes, and each rule finds the histories that break it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from antiphon.context.plan import SUMMARY
from antiphon.context.summaries import SUMMARISER
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.fold import fold
from antiphon.domain.usage import Usage
from antiphon.money.ledger import EntryChange
from antiphon.simulator.record import RecordedRequest
from antiphon.stores.frames import Frame, decode_all, encode_all
from tests.faults.checker import RULES, faults
from tests.faults.history import (
    Acknowledged,
    Attempt,
    Disturbance,
    Evidence,
    History,
    LeaseLost,
    Reading,
    Refusal,
    Stored,
    attempts_of,
)

ID = "conversation"
MODEL = "claude-sonnet-5-5"


def text(words: str) -> tuple[dict[str, Any], ...]:
    return ({"type": "text", "text": words},)


def asked(turn: str, at: int) -> list[e.Event]:
    return [
        e.MessageAdd(at=at, message_id=f"{turn}-q", turn_id=turn, content=text(f"ask {turn}")),
        e.TurnQueue(at=at, turn_id=turn, message_id=f"{turn}-q"),
    ]


def started(turn: str, parent: str | None, at: int) -> list[e.Event]:
    return [e.TurnStart(at=at, turn_id=turn, message_id=f"{turn}-q", parent_id=parent), step(turn, 1, at)]


def step(turn: str, attempt: int, at: int) -> e.Event:
    message_id = f"{turn}-a{attempt}"
    return e.StepStart(
        at=at, step=0, attempt=attempt, message_id=message_id, parent_id=f"{turn}-q", model=MODEL
    )


def answered(turn: str, attempt: int, number: int, at: int) -> list[e.Event]:
    (block,) = text(f"to ask {turn}")
    end = e.StepEnd(
        at=at,
        step=0,
        attempt=attempt,
        model=MODEL,
        stop_reason="end_turn",
        usage=Usage(),
        cost_nanodollars=5,
        request_id=f"req_sim_{number:06}",
    )
    message_id = f"{turn}-a{attempt}"
    closing = e.TurnEnd(at=at, turn_id=turn, status="completed", kept=e.Kept(steps=1), head=message_id)
    return [
        e.BlockStart(step=0, index=0, block={**block, "text": ""}),
        e.BlockEnd(step=0, index=0, block=block),
        end,
        closing,
    ]


LOST = e.AttemptError(
    at=30, step=0, attempt=1, error=e.Problem(name="upstream-failed", title="Cut", detail="Cut.")
)

LOG: list[e.Event] = [
    e.ConversationCreate(at=1, model=MODEL),
    *asked("one", 2),
    *started("one", None, 3),
    *asked("two", 4),
    *answered("one", 1, 1, 10),
    *started("two", "one-a1", 20),
    LOST,
    step("two", 2, 30),
    *answered("two", 2, 3, 40),
]
FRAMES = tuple(encode_all(LOG, len(LOG)))
STATE = fold(decode_all(FRAMES))


def request(number: int, *said: tuple[str, str], status: int = 200, system: str = "") -> RecordedRequest:
    messages = [{"role": role, "content": list(text(words))} for role, words in said]
    return RecordedRequest(
        number=number,
        at=0,
        method="POST",
        path="/v1/messages",
        headers={},
        body={"system": system, "messages": messages},
        status=status,
    )


FIRST = [("user", "ask one")]
SECOND = [*FIRST, ("assistant", "to ask one"), ("user", "ask two")]


def attempt(turn: str, number: int, status: str, request_id: str | None, cost: int) -> Attempt:
    return Attempt(
        turn_id=turn, step=0, attempt=number, status=status, request_id=request_id, cost_nanodollars=cost
    )


STORED = Stored(
    header=Header(
        id=ID,
        principal="me",
        created_at=1,
        updated_at=40,
        last_seq=len(LOG),
        head="two-a2",
        model=MODEL,
    ),
    frames=FRAMES,
    messages=dict(STATE.messages),
    turns={"one": "completed", "two": "completed"},
    attempts=(
        attempt("one", 1, "end_turn", "req_sim_000001", 5),
        attempt("two", 1, "upstream-failed", None, 0),
        attempt("two", 2, "end_turn", "req_sim_000003", 5),
    ),
    keys={"key one": "one", "key two": "two"},
)
ACKNOWLEDGED = (
    Acknowledged(conversation_id=ID, key="key one", text="ask one", turn_id="one", seq=3),
    Acknowledged(conversation_id=ID, key="key two", text="ask two", turn_id="two", seq=7),
    Acknowledged(conversation_id=ID, key="key two", text="ask two", turn_id="two", seq=7),
)
HISTORY = History(
    acknowledged=ACKNOWLEDGED,
    refusals=(Refusal(status=503, problem="store-unavailable"),),
    readings=(Reading(reader="r", conversation_id=ID, frames=FRAMES),),
    disturbances=(Disturbance(kind="kill", begun=25, over=26),),
)
GOOD = Evidence(
    history=HISTORY,
    stored={ID: STORED},
    requests=(request(1, *FIRST), request(2, *SECOND), request(3, *SECOND)),
)

LOST_LEASE = LeaseLost(turn_id="two", counter=2, unrenewed_s=1.01, noticed=35)
"""It lapsed at 25, between the two attempts."""


def history(**changes: Any) -> Evidence:
    return replace(GOOD, history=replace(HISTORY, **changes))


def stored(**changes: Any) -> Evidence:
    return replace(GOOD, stored={ID: replace(STORED, **changes)})


def header(**changes: Any) -> Evidence:
    return stored(header=replace(STORED.header, **changes))


def log(change: Callable[[list[e.Event]], list[e.Event]]) -> Evidence:
    """Another log, with tables, readers and last seq that agree with it."""
    events = change(list(LOG))
    frames = tuple(encode_all(events, len(events)))
    state = fold(decode_all(frames))
    changed = replace(
        STORED,
        frames=frames,
        header=replace(STORED.header, last_seq=len(events), head=state.head, running=state.running),
        messages=dict(state.messages),
        turns={turn.id: str(turn.status) for turn in state.turns.values()},
    )
    reading = Reading(reader="r", conversation_id=ID, frames=frames)
    return replace(GOOD, stored={ID: changed}, history=replace(HISTORY, readings=(reading,)))


def reading(frames: tuple[Frame, ...], resets: int = 0) -> Evidence:
    return history(readings=(Reading(reader="r", conversation_id=ID, frames=frames, resets=resets),))


def requests(*made: RecordedRequest) -> Evidence:
    return replace(GOOD, requests=made)


def with_message(message_id: str, **changes: Any) -> dict[str, Any]:
    return {**STORED.messages, message_id: replace(STORED.messages[message_id], **changes)}


def without(kind: type[e.Event]) -> Callable[[list[e.Event]], list[e.Event]]:
    return lambda events: [event for event in events if not isinstance(event, kind)]


def respelled(frame: Frame) -> Frame:
    """The same event in other bytes."""
    return msgspec.structs.replace(frame, data=msgspec.json.format(frame.data, indent=1))


STOP = e.CancelRequest(at=25, turn_id="two", seen_seq=27)
"""By whom had seen the block of the second attempt."""


def stopped(kept: str, *, before: e.Event | None = STOP) -> Callable[[list[e.Event]], list[e.Event]]:
    """The second answer is cancelled, and so much of it kept."""

    def change(events: list[e.Event]) -> list[e.Event]:
        at = next(
            n for n, event in enumerate(events) if isinstance(event, e.TurnEnd) and event.turn_id == "two"
        )
        blocks = e.Kept(steps=0, blocks=text(kept))
        end = e.TurnEnd(at=40, turn_id="two", status="cancelled", kept=blocks, head="two-a2")
        return [*events[: at - 1], *([before] if before else []), end]

    return change


def stopped_before_the_crash(events: list[e.Event]) -> list[e.Event]:
    at = events.index(LOST)
    return stopped("to ask two", before=None)([*events[:at], STOP, *events[at:]])


def with_a_tool(mark: str, result: str) -> Callable[[list[e.Event]], list[e.Event]]:
    """A tool that was begun, and one result."""
    begun = e.ToolStart(at=41, step=0, tool_use_id="t", name="once", input={"mark": mark})
    ended = e.ToolEnd(at=42, step=0, tool_use_id="t", is_error=False, content=text(result))
    return lambda events: [*events, begun, ended]


def forked(events: list[e.Event]) -> list[e.Event]:
    """The second question follows the first, not its answer: that answer is thrown away."""
    return [replace(event, parent_id=None) if isinstance(event, e.TurnStart) else event for event in events]


SUMMARY_START = e.RequestStart(at=30, id="s", purpose="summary", model=MODEL)
SUMMARY_END = e.RequestEnd(at=30, id="s", stop_reason="end_turn", request_id="req_sim_000004")
COMPACT = e.ContextCompact(at=30, after_message_id="one-a1", summary="One was asked.")
SUMMARISES = request(4, ("user", "Person: ask one"), system=SUMMARISER)
SHORTER = request(3, ("user", SUMMARY.format("One was asked.")), ("user", "ask two"))


def summarised(*events: e.Event, made: tuple[RecordedRequest, ...] = (SHORTER, SUMMARISES)) -> Evidence:
    """Before the second attempt of the second turn, these happened; its request, and others, are `made`."""

    def change(log: list[e.Event]) -> list[e.Event]:
        at = log.index(LOST) + 1
        return [*log[:at], *events, *log[at:]]

    return replace(log(change), requests=(*GOOD.requests[:2], *made))


BAD: dict[str, tuple[str, Evidence]] = {
    "a key that is two turns": (
        "every_key_is_one_turn",
        history(acknowledged=(*ACKNOWLEDGED, replace(ACKNOWLEDGED[0], turn_id="two", seq=7))),
    ),
    "a key that the store forgot": ("every_key_is_one_turn", stored(keys={"key one": "one"})),
    "two keys for one turn": (
        "every_key_is_one_turn",
        history(acknowledged=(*ACKNOWLEDGED, replace(ACKNOWLEDGED[0], key="key three"))),
    ),
    "a client that was never heard": ("every_key_is_one_turn", history(given_up=("key four",))),
    "a turn that ended twice": (
        "every_turn_is_once_in_the_log",
        log(lambda events: [*events, events[-1]]),
    ),
    "a message that was added twice": (
        "every_turn_is_once_in_the_log",
        log(lambda events: [*events, events[1]]),
    ),
    "a turn that never ended": ("every_turn_is_once_in_the_log", log(lambda events: events[:-1])),
    "an acknowledged message that the tree lost": (
        "no_acknowledged_message_is_gone",
        stored(messages={key: value for key, value in STORED.messages.items() if key != "one-q"}),
    ),
    "an acknowledged message that the log lost": (
        "no_acknowledged_message_is_gone",
        history(acknowledged=(replace(ACKNOWLEDGED[0], text="ask something"),)),
    ),
    "an acknowledged event that is another": (
        "no_acknowledged_message_is_gone",
        history(acknowledged=(replace(ACKNOWLEDGED[0], seq=7),)),
    ),
    "a client that is told of a fault": (
        "nobody_is_told_nonsense",
        history(refusals=(Refusal(status=500, problem="internal"),)),
    ),
    "a reader that missed an event": ("readers_saw_the_log", reading(FRAMES[:4] + FRAMES[5:])),
    "a reader that saw an event twice": ("readers_saw_the_log", reading((*FRAMES[:4], *FRAMES[3:]))),
    "a reader that saw other bytes": (
        "readers_saw_the_log",
        reading((*FRAMES[:4], respelled(FRAMES[4]), *FRAMES[5:])),
    ),
    "a reader that saw more than there is": (
        "readers_saw_the_log",
        reading((*FRAMES, msgspec.structs.replace(FRAMES[-1], seq=len(FRAMES) + 1))),
    ),
    "a reader that was left behind": ("readers_saw_the_log", reading(FRAMES[:-1])),
    "a reader that was ahead of the store": ("readers_saw_the_log", reading(FRAMES, resets=1)),
    "a log with a hole": ("seqs_are_contiguous", stored(frames=FRAMES[:4] + FRAMES[5:])),
    "a log that is too short": ("seqs_are_contiguous", header(last_seq=len(LOG) + 1)),
    "a conversation that is still held": ("every_turn_has_ended", header(running="two")),
    "a turn that still runs": ("every_turn_has_ended", stored(turns={**STORED.turns, "two": "running"})),
    "an ending that is not due": ("every_turn_has_ended", stored(turns={**STORED.turns, "two": "failed"})),
    "two questions in a row": (
        "questions_and_answers_alternate",
        stored(messages=with_message("one-a1", role="user")),
    ),
    "an answer to another turn's question": (
        "questions_and_answers_alternate",
        stored(messages=with_message("one-a1", turn_id="two")),
    ),
    "an answer to something else": (
        "questions_and_answers_alternate",
        stored(messages=with_message("one-a1", content=text("to ask two"))),
    ),
    "a paid answer that was thrown away": ("questions_and_answers_alternate", log(forked)),
    "a cancelled answer of which more is kept than was seen": (
        "what_was_seen_is_kept",
        log(stopped("to ask two, and more")),
    ),
    "a cancelled answer of which less is kept than was seen": ("what_was_seen_is_kept", log(stopped("to"))),
    "an answer that nobody asked to stop": (
        "what_was_seen_is_kept",
        log(stopped("to ask two", before=None)),
    ),
    "a question that is asked again after it was cancelled": (
        "what_was_seen_is_kept",
        log(stopped_before_the_crash),
    ),
    "a tool that ran twice and must not": (
        "what_may_run_once_ran_once",
        replace(log(with_a_tool("m", "m")), tool_runs=(("once", "m"), ("once", "m"))),
    ),
    "a result of a tool that did not run": (
        "every_result_is_of_a_run",
        replace(log(with_a_tool("m", "n")), tool_runs=(("once", "m"),)),
    ),
    "a tool that ran more often than the log knows": (
        "every_result_is_of_a_run",
        replace(log(with_a_tool("m", "m")), tool_runs=(("pure", "m"), ("pure", "m"))),
    ),
    "a head that the log does not make": ("the_log_makes_the_tables", header(head="one-a1")),
    "settings that the log does not make": ("the_log_makes_the_tables", header(system="Be brief.")),
    "a message that the log does not make": (
        "the_log_makes_the_tables",
        stored(messages=with_message("one-a1", model="another")),
    ),
    "a status that the log does not make": (
        "the_log_makes_the_tables",
        stored(turns={**STORED.turns, "two": "interrupted"}),
    ),
    "a cost that the log does not make": (
        "the_log_makes_the_tables",
        stored(attempts=(replace(STORED.attempts[0], cost_nanodollars=6), *STORED.attempts[1:])),
    ),
    "a request that Claude refused": (
        "no_request_was_invalid",
        requests(request(1, *FIRST, status=400), *GOOD.requests[1:]),
    ),
    "a request without the answer before it": (
        "every_request_is_a_path_of_the_tree",
        requests(GOOD.requests[0], request(2, *FIRST, ("user", "ask two"))),
    ),
    "a request with words that nobody wrote": (
        "every_request_is_a_path_of_the_tree",
        requests(GOOD.requests[0], request(2, *FIRST, ("assistant", "made up"), ("user", "ask two"))),
    ),
    "a request that nobody asked for": (
        "every_request_is_a_path_of_the_tree",
        requests(*GOOD.requests, request(4, ("user", "who am I"))),
    ),
    "a request with a summary that nobody made": (
        "every_request_is_a_path_of_the_tree",
        summarised(SUMMARY_START, SUMMARY_END),
    ),
    "a summary of another length than was sent": (
        "every_request_is_a_path_of_the_tree",
        summarised(SUMMARY_START, SUMMARY_END, replace(COMPACT, after_message_id="one-q")),
    ),
    "a summary that the log does not know": ("every_summary_is_in_the_log", summarised(COMPACT)),
    "a summary that did not end": ("every_summary_is_in_the_log", summarised(SUMMARY_START, COMPACT)),
    "a summary that nobody was asked for": (
        "every_summary_is_in_the_log",
        summarised(SUMMARY_START, SUMMARY_END, COMPACT, made=(SHORTER,)),
    ),
    "more requests than attempts": (
        "every_request_is_in_the_journal",
        requests(*GOOD.requests, request(4, *SECOND)),
    ),
    "an attempt whose request never was": ("every_request_is_in_the_journal", requests(*GOOD.requests[1:])),
    "an attempt without an end": (
        "every_request_is_in_the_journal",
        stored(
            attempts=(
                replace(STORED.attempts[0], status="open"),
                *STORED.attempts[1:],
            )
        ),
    ),
    "a second attempt without a crash": ("every_further_attempt_has_a_cause", history(disturbances=())),
    "a second attempt that no crash explains": (
        "every_further_attempt_has_a_cause",
        history(disturbances=(Disturbance(kind="kill", begun=2050, over=2051),)),
    ),
    "a second attempt after a kill before the first": (
        "every_further_attempt_has_a_cause",
        history(disturbances=(Disturbance(kind="kill", begun=15, over=16),)),
    ),
    "a second attempt that another turn's lost lease does not explain": (
        "every_further_attempt_has_a_cause",
        replace(history(disturbances=()), leases_lost=(replace(LOST_LEASE, turn_id="one"),)),
    ),
    "a second attempt before the lease could lapse": (
        "every_further_attempt_has_a_cause",
        replace(history(disturbances=()), leases_lost=(replace(LOST_LEASE, noticed=5000),)),
    ),
    "a lease that was lost although it was renewed in time": (
        "no_lease_is_lost_while_it_lasts",
        replace(GOOD, leases_lost=(replace(LOST_LEASE, unrenewed_s=0.4),)),
    ),
}


def test_a_good_history_passes() -> None:
    assert faults(GOOD) == []


def test_a_conversation_that_was_summarised_passes() -> None:
    assert faults(summarised(SUMMARY_START, SUMMARY_END, COMPACT)) == []


def test_a_cancelled_answer_that_keeps_what_was_seen_passes() -> None:
    evidence = replace(log(stopped("to ask two")), endings=frozenset({"completed", "cancelled"}))
    assert "what_was_seen_is_kept" not in {fault.rule for fault in faults(evidence)}


def test_a_summary_in_the_ledger_is_no_attempt() -> None:
    answer = EntryChange(
        id="one/0/1", status="end_turn", at=1, cost_nanodollars=5, request_id="req_sim_000001"
    )
    summary = EntryChange(id="s", status="end_turn", at=1, purpose="summary")
    assert attempts_of([answer, summary]) == STORED.attempts[:1]


def test_a_lease_that_lapsed_explains_a_second_attempt() -> None:
    assert faults(replace(history(disturbances=()), leases_lost=(LOST_LEASE,))) == []


def test_what_claude_failed_may_be_tried_again() -> None:
    assert faults(replace(history(disturbances=()), upstream_faults=1)) == []


@pytest.mark.parametrize("bad", BAD)
def test_it_finds(bad: str) -> None:
    rule, evidence = BAD[bad]
    assert rule in {fault.rule for fault in faults(evidence)}


def test_every_rule_can_fail() -> None:
    assert {rule for rule, _ in BAD.values()} == {rule.__name__ for rule in RULES}
