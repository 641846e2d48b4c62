"""Logs of several turns: what waits, what branches, what is changed between them."""

from antiphon.domain import events as e
from antiphon.domain.messages import text_block
from tests.golden.sentences import (
    AT,
    Case,
    Log,
    asked,
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


def queued_second_message() -> Log:
    """A second message waits for the first one's answer and follows it, wherever the first one ends."""
    return [
        *created(),
        *asked("t1", "u1", "First."),
        *started("t1", "u1", None),
        *step("a1", "u1"),
        *text_begun("One"),
        *asked("t2", "u2", "Second.", after_turn="t1"),
        *asked("t3", "u3", "Third.", after_turn="t2"),
        *ended(text_block("One.")),
        *step_done(),
        *turn_done("t1", "completed", "a1"),
        *started("t2", "u2", "a1"),
        *step("a2", "u2"),
        *text_written("Two."),
        *step_done(),
        *turn_done("t2", "completed", "a2"),
    ]


def branch_by_edit() -> Log:
    """The second message is asked again in other words: its parent is not the head, both branches stay."""
    return [
        *created(),
        *exchange(1, None, "Hello!", "Hello."),
        *exchange(2, "a1", "A haiku?", "Old pond."),
        *exchange(3, "a1", "A limerick?", "There once was.", parent_id="a1"),
        *exchange(4, None, "Another root.", "A new start.", parent_id=None),
    ]


def regenerated_answer() -> Log:
    """An answer is made again: a turn without a message, a second answer beside the first."""
    return [
        *created(),
        *exchange(1, None, "A number?", "Four."),
        e.TurnQueue(at=AT, turn_id="t2", message_id=None, parent_id="u1"),
        *started("t2", None, "u1"),
        *step("a2", "u1"),
        *text_written("Seven."),
        *step_done(),
        *turn_done("t2", "completed", "a2"),
    ]


def settings_changed_midway() -> Log:
    """What a change names is replaced, the rest stays; a turn may bring a change of its own."""
    return [
        *created(options={"max_tokens": 1024}, tools=("weather", "time")),
        *exchange(1, None, "Hello!", "Hello."),
        e.SettingsChange(at=AT, system="Rhyme.", tools=()),
        e.SettingsChange(at=AT, model="claude-haiku-5-5", options={}),
        *asked("t2", "u2", "Again!", settings={"system": ""}),
        e.SettingsChange(at=AT, system=""),
        *started("t2", "u2", "a1"),
        *step("a2", "u2", model="claude-haiku-5-5"),
        *text_written("Well."),
        *step_done(model="claude-haiku-5-5"),
        *turn_done("t2", "completed", "a2"),
    ]


def title_and_head_moved() -> Log:
    """A title of its own, the head on an older message, then on none; a summary changes nothing shown."""
    return [
        *created(title="Untitled"),
        *exchange(1, None, "Hello!", "Hello."),
        *exchange(2, "a1", "Well?", "Well."),
        e.TitleChange(at=AT, title="Greetings"),
        e.HeadMove(at=AT, message_id="a1"),
        e.ContextCompact(at=AT, after_message_id="a1", summary="They greeted each other."),
        *exchange(3, "a1", "And now?", "Now this."),
        e.HeadMove(at=AT, message_id=None),
    ]


def requests_beside_the_answers() -> Log:
    """A title and a summary were asked for: they cost, and show nothing by themselves."""
    title = e.RequestStart(at=AT, id="r1", purpose="title", model="claude-haiku-5-5", held_nanodollars=900)
    busy = e.Problem(name="upstream-busy", title="Claude is busy", detail="Try again.", retryable=True)
    return [
        *created(title="Hello!"),
        *exchange(1, None, "Hello!", "Hello."),
        title,
        e.RequestEnd(at=AT, id="r1", stop_reason="end_turn", cost_nanodollars=300, prices={"input": "1"}),
        e.TitleChange(at=AT, title="Greetings"),
        e.RequestStart(at=AT, id="r2", purpose="summary", model="claude-haiku-5-5"),
        e.RequestEnd(at=AT, id="r2", error=busy),
    ]


TREES: tuple[Case, ...] = (
    queued_second_message,
    branch_by_edit,
    regenerated_answer,
    settings_changed_midway,
    title_and_head_moved,
    requests_beside_the_answers,
)
