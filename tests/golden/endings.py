"""Logs of turns that end without a whole answer."""

from antiphon.domain import events as e
from antiphon.domain.messages import text_block
from antiphon.domain.usage import Usage
from tests.golden.sentences import (
    AT,
    BUSY,
    TIME,
    USAGE,
    WEATHER,
    Case,
    Log,
    asked,
    attempt_failed,
    begun,
    created,
    ended,
    exchange,
    failure,
    started,
    step,
    step_done,
    text_begun,
    text_written,
    turn_done,
)


def cancelled_with_text_kept() -> Log:
    """The reader had seen one piece of two: that piece is the answer. The next turn goes on from it."""
    kept = (text_block("One, two"),)
    stopped = failure("cancelled", "The answer was stopped.")
    return [
        *created(),
        *asked("t1", "u1", "Count."),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *begun({"type": "thinking", "thinking": "", "signature": ""}),
        *ended({"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}),
        *text_begun("One, two", ", three", index=1),
        e.CancelRequest(at=AT, turn_id="t1", seen_seq=9),
        *attempt_failed(stopped, usage=Usage(input_tokens=12, output_tokens=1), cost_nanodollars=34_000),
        *turn_done("t1", "cancelled", "a1", steps=0, kept=kept),
        *exchange(2, "a1", "Go on.", "Three, four."),
    ]


def cancelled_with_nothing_left() -> Log:
    """Stopped before any text was seen: no answer, and the head is the person's message."""
    return [
        *created(),
        *asked("t1", "u1", "Count."),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *begun(
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Which numbers"},
        ),
        e.CancelRequest(at=AT, turn_id="t1", seen_seq=5),
        *attempt_failed(failure("cancelled", "The answer was stopped.")),
        *turn_done("t1", "cancelled", "u1", steps=0),
    ]


def cancelled_while_it_waited() -> Log:
    """A queued message is taken back before its turn starts: it is not shown any more."""
    return [
        *created(),
        *asked("t1", "u1", "First."),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *text_begun("An"),
        *asked("t2", "u2", "Second.", after_turn="t1"),
        e.CancelRequest(at=AT, turn_id="t2", seen_seq=9),
        *turn_done("t2", "cancelled", e.HEAD, steps=0),
        *ended(text_block("An answer.")),
        *step_done(),
        *turn_done("t1", "completed", "a1"),
    ]


def interrupted_with_partial_kept() -> Log:
    """The second step is cut off: the first stays whole, and of the second what was written."""
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain."}
    return [
        *created(),
        *asked("t1", "u1", "Weather?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *begun(WEATHER),
        *ended(WEATHER),
        *step_done(stop_reason="tool_use"),
        e.ToolStart(at=AT, step=0, tool_use_id="toolu_1", name="weather", input=WEATHER["input"]),
        e.ToolEnd(at=AT, step=0, tool_use_id="toolu_1", is_error=False, content=(text_block("Rain."),)),
        e.MessageAdd(at=AT, message_id="r1", turn_id="t1", parent_id="a1", content=(result,)),
        *step("a2", "r1", number=1),
        *text_begun("It ra", number=1),
        *attempt_failed(BUSY, number=1, usage=USAGE, cost_nanodollars=114_000),
        *turn_done("t1", "interrupted", "a2", steps=1, kept=(text_block("It ra"),), error=BUSY),
    ]


def failed_turn_goes_back() -> Log:
    """No answer came: the head is where it was before, so that sending again does not say it twice."""
    return [
        *created(),
        *exchange(1, None, "Hello!", "Hello."),
        *asked("t2", "u2", "Are you there?"),
        *started("t2", "u2", "a1"),
        *step("a2", "u2"),
        *attempt_failed(BUSY),
        *turn_done("t2", "failed", "a1", steps=0, error=BUSY),
        *exchange(3, "a1", "Are you there?", "Yes."),
    ]


def ended_before_a_request() -> Log:
    """A budget with nothing left ends a turn that has sent nothing."""
    empty = e.Problem(name="over-budget", title="The budget is used up", detail="Nothing was sent or paid.")
    return [
        *created(),
        *asked("t1", "u1", "Hello!"),
        *started("t1", "u1", None),
        *turn_done("t1", "over_budget", None, steps=0, error=empty),
    ]


def refused_turn() -> Log:
    """Claude declines: the sentence is shown, the answer is dropped, the head goes back."""
    declined = e.Problem(name="refused", title="Claude declined to answer", detail="Please ask differently.")
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    return [
        *created(),
        *exchange(1, None, "Hello!", "Hello."),
        *asked("t2", "u2", "Something else."),
        *started("t2", "u2", "a1"),
        *step("a2", "u2"),
        *text_written("I"),
        *step_done(stop_reason="refusal", stop_details=details),
        *turn_done("t2", "refused", "a1", steps=0, error=declined),
    ]


def cancelled_while_people_were_asked() -> Log:
    """One tool has run, another waits for approval: stopped, the step stays, with a result for each."""
    results = (
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text_block("Rain.")]},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": [text_block("No.")], "is_error": True},
    )
    request = e.ApprovalRequest(
        at=AT, approval_id="p1", step=0, tool_use_id="toolu_2", name="time", input={}, expires_at=AT + 60_000
    )
    return [
        *created(),
        *asked("t1", "u1", "Weather and time?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *begun(WEATHER),
        *ended(WEATHER),
        *begun(TIME, index=1),
        *ended(TIME, index=1),
        *step_done(stop_reason="tool_use"),
        e.ToolStart(at=AT, step=0, tool_use_id="toolu_1", name="weather", input=WEATHER["input"]),
        e.ToolEnd(at=AT, step=0, tool_use_id="toolu_1", is_error=False, content=(text_block("Rain."),)),
        request,
        e.CancelRequest(at=AT, turn_id="t1", seen_seq=14),
        e.ApprovalResolve(at=AT, approval_id="p1", decision="deny", reason="The answer was stopped."),
        e.MessageAdd(at=AT, message_id="r1", turn_id="t1", parent_id="a1", content=results),
        *turn_done("t1", "cancelled", "r1", steps=1),
        *exchange(2, "r1", "And now?", "It rained."),
    ]


def unknown_fate_stays_in_the_history() -> Log:
    """An allowed tool was running as its server died: the turn ends, and Claude will read what is unknown."""
    unknown = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": [text_block("?")],
        "is_error": True,
    }
    error = failure("tool-unknown", "The server stopped while a tool was running.")
    request = e.ApprovalRequest(
        at=AT,
        approval_id="p1",
        step=0,
        tool_use_id="toolu_1",
        name="weather",
        input=WEATHER["input"],
        expires_at=AT + 60_000,
    )
    return [
        *created(),
        *asked("t1", "u1", "Weather?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *begun(WEATHER),
        *ended(WEATHER),
        *step_done(stop_reason="tool_use"),
        request,
        e.ApprovalResolve(at=AT, approval_id="p1", decision="allow", by="ada"),
        e.ToolStart(at=AT, step=0, tool_use_id="toolu_1", name="weather", input=WEATHER["input"]),
        e.MessageAdd(at=AT, message_id="r1", turn_id="t1", parent_id="a1", content=(unknown,)),
        *turn_done("t1", "interrupted", "r1", steps=1, error=error),
        *exchange(2, "r1", "Look what happened.", "It is not known."),
    ]


ENDINGS: tuple[Case, ...] = (
    cancelled_with_text_kept,
    cancelled_with_nothing_left,
    cancelled_while_it_waited,
    interrupted_with_partial_kept,
    failed_turn_goes_back,
    ended_before_a_request,
    refused_turn,
    cancelled_while_people_were_asked,
    unknown_fate_stays_in_the_history,
)
