"""Logs of answers: how they are written, broken off and started over."""

from antiphon.domain import events as e
from antiphon.domain.messages import text_block
from antiphon.domain.usage import Usage
from tests.golden.sentences import (
    AT,
    BUSY,
    MODEL,
    TIME,
    WEATHER,
    Case,
    Log,
    asked,
    attempt_failed,
    begun,
    created,
    ended,
    exchange,
    started,
    step,
    step_done,
    text_begun,
    text_written,
    turn_done,
)


def simple_exchange() -> Log:
    """One message, one answer in three pieces."""
    return [
        *created(title="Greetings", options={"max_tokens": 1024}, tools=("weather",)),
        *asked("t1", "u1", "Hello!"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *text_written("Hel", "lo, how ", "are you?"),
        *step_done(),
        *turn_done("t1", "completed", "a1"),
    ]


def thinking_and_text() -> Log:
    """Thinking with its signature, hidden thinking, then text with a citation: four blocks of one message."""
    thought = {"type": "thinking", "thinking": "Two plus two.", "signature": "c2lnbmVk"}
    hidden = {"type": "redacted_thinking", "data": "aGlkZGVu"}
    citation = {"type": "char_location", "cited_text": "four", "document_index": 0}
    return [
        *created(),
        *asked("t1", "u1", "2 + 2?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *begun(
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Two plus "},
            {"type": "thinking_delta", "thinking": "two."},
            {"type": "signature_delta", "signature": "c2lnbmVk"},
        ),
        *ended(thought),
        *begun(hidden, index=1),
        *ended(hidden, index=1),
        *text_written("It is ", index=2),
        *begun(
            {"type": "text", "text": "", "citations": []},
            {"type": "text_delta", "text": "four"},
            {"type": "citations_delta", "citation": citation},
            {"type": "an_unknown_delta", "value": 1},
            {"type": "text_delta", "text": "."},
            index=3,
        ),
        *ended({"type": "text", "text": "four.", "citations": [citation]}, index=3),
        *step_done(usage=Usage(input_tokens=9, output_tokens=30, thinking_tokens=21)),
        *turn_done("t1", "completed", "a1"),
    ]


def tools_over_two_steps() -> Log:
    """Two tools run after the first step, one of them fails; the second step answers."""
    rain = (text_block("Rain."),)
    clock = (text_block("The clock is broken."),)
    results = (
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": list(rain)},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": list(clock), "is_error": True},
    )
    return [
        *created(),
        *asked("t1", "u1", "Weather and time in Bergen?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *text_written("Let me look."),
        *begun(
            {**WEATHER, "input": {}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"city": "Ber'},
            {"type": "input_json_delta", "partial_json": 'gen", "days": 2}'},
            index=1,
        ),
        *ended(WEATHER, index=1),
        *begun(TIME, index=2),
        *ended(TIME, index=2),
        *step_done(stop_reason="tool_use"),
        e.ToolStart(at=AT, step=0, tool_use_id="toolu_1", name="weather", input=WEATHER["input"]),
        e.ToolStart(at=AT, step=0, tool_use_id="toolu_2", name="time", input={}),
        e.ToolEnd(at=AT, step=0, tool_use_id="toolu_2", is_error=True, content=clock),
        e.ToolEnd(at=AT, step=0, tool_use_id="toolu_1", is_error=False, content=rain),
        e.MessageAdd(at=AT, message_id="r1", turn_id="t1", parent_id="a1", content=results),
        *step("a2", "r1", number=1),
        *text_written("It rains; ", "the time I cannot tell.", number=1),
        *step_done(number=1),
        *turn_done("t1", "completed", "a2", steps=2),
    ]


def retry_drops_what_was_shown() -> Log:
    """The first attempt breaks off in its second block; the second attempt starts over and is paid too."""
    return [
        *created(),
        *asked("t1", "u1", "Tell me a story."),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *text_written("Once upon a time"),
        *text_begun(" there", " was", index=1),
        *attempt_failed(BUSY, usage=Usage(input_tokens=12), cost_nanodollars=24_000, request_id="req_0"),
        *step("a2", "u1", attempt=2),
        *text_written("A fox ", "lived here."),
        *step_done(attempt=2),
        *turn_done("t1", "completed", "a2"),
    ]


def refused_then_another_model() -> Log:
    """The first model declines after some text, another answers the same step: only that one is shown."""
    fallback = "claude-opus-5-5"
    return [
        *created(),
        *asked("t1", "u1", "A hard question."),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *text_written("I would"),
        *step_done(stop_reason="refusal"),
        e.ModelChange(at=AT, step=0, from_model=MODEL, to_model=fallback, reason="refusal"),
        *step("a2", "u1", attempt=2, model=fallback),
        *text_written("Gladly."),
        *step_done(attempt=2, model=fallback),
        *turn_done("t1", "completed", "a2"),
    ]


def approval_awaited() -> Log:
    """A tool waits for a person's word."""
    return [
        *created(),
        *asked("t1", "u1", "Weather?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *begun(WEATHER),
        *ended(WEATHER),
        *step_done(stop_reason="tool_use"),
        e.ApprovalRequest(
            at=AT,
            approval_id="p1",
            step=0,
            tool_use_id="toolu_1",
            name="weather",
            input=WEATHER["input"],
            expires_at=AT + 60_000,
        ),
    ]


def approval_given() -> Log:
    """The person changed the input and allowed it: the tool runs with what they said."""
    changed = {"city": "Oslo", "days": 1}
    return [
        *approval_awaited(),
        e.ApprovalResolve(at=AT, approval_id="p1", decision="edit", input=changed, reason="Oslo, please."),
        e.ToolStart(at=AT, step=0, tool_use_id="toolu_1", name="weather", input=changed),
    ]


def one_of_two_approvals_given() -> Log:
    """One of two tools was denied with a reason: the turn goes on waiting for the other."""
    request = {"at": AT, "step": 0, "expires_at": AT + 60_000}
    return [
        *created(),
        *asked("t1", "u1", "Weather and time in Bergen?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *begun(WEATHER),
        *ended(WEATHER),
        *begun(TIME, index=1),
        *ended(TIME, index=1),
        *step_done(stop_reason="tool_use"),
        e.ApprovalRequest(
            approval_id="p1", tool_use_id="toolu_1", name="weather", input=WEATHER["input"], **request
        ),
        e.ApprovalRequest(approval_id="p2", tool_use_id="toolu_2", name="time", input={}, **request),
        e.ApprovalResolve(at=AT, approval_id="p1", decision="deny", reason="No.", by="zoe"),
    ]


def still_writing() -> Log:
    """The log so far of a turn that runs: text is whole, a tool's input is still unparsed."""
    return [
        *created(),
        *asked("t1", "u1", "Weather?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *text_written("Let me ", "look."),
        *begun(
            {**WEATHER, "input": {}},
            {"type": "input_json_delta", "partial_json": '{"city": "B'},
            {"type": "input_json_delta", "partial_json": "erg"},
            index=1,
        ),
    ]


def unknown_events() -> Log:
    """Events of types that this version does not know are skipped; their seq counts all the same."""
    return [
        *created(),
        ("weather_report", {"v": 1, "at": AT, "mood": "sunny"}),
        *exchange(1, None, "Hello!", "Hello."),
        ("message_add_2", {"v": 7, "message_id": "u9", "content": []}),
    ]


def unicode_text() -> Log:
    """Text beyond ASCII, cut between the parts of what a reader sees as one character."""
    return [
        *created(title="你好 🙂", system='Say "hi" \\ \u2028 e\u0301'),
        *asked("t1", "u1", "👩‍👩‍👧 と 𝒳?"),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *text_written("👩", "\u200d👩", "\u200d👧 e", "\u0301 \ufffd ünïcödé\n\t\u0007", "﷽"),
        *step_done(),
        *turn_done("t1", "completed", "a1"),
    ]


ANSWERS: tuple[Case, ...] = (
    simple_exchange,
    thinking_and_text,
    tools_over_two_steps,
    retry_drops_what_was_shown,
    refused_then_another_model,
    approval_awaited,
    approval_given,
    one_of_two_approvals_given,
    still_writing,
    unknown_events,
    unicode_text,
)
