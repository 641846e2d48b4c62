"""Every way in which Claude may end a message, and what becomes of the turn."""

from typing import Any

import pytest

from antiphon.service import Service
from antiphon.simulator.presets import (
    context_window_exceeded,
    cut_tool_call,
    empty,
    pause_turn,
    tool_call,
    web_search,
)
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.tools.server_tool import ServerTool
from antiphon.tools.tool import Tool
from tests.marks import unmarked
from tests.turns.asking import ME, ask, sent, shown
from tests.turns.conftest import OpenService


async def test_who_ends_without_a_word_is_asked_to_go_on_once(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(empty(), Reply(text="Here I am."))
    answer = await ask(service, header, "Hello?")
    assert (answer.text, answer.turn.status) == ("Here I am.", "completed")
    assert sent(simulator) == [("user", "Hello?"), ("user", "Please continue.")]
    await ask(service, header, "And now?")
    assert sent(simulator) == [
        ("user", "Hello?"),
        ("user", "Please continue."),
        ("assistant", "Here I am."),
        ("user", "And now?"),
    ], "what was sent once is sent the same"


async def test_who_says_nothing_twice_has_not_answered(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(empty(), Reply(text="", thinking="What is there to say?"))
    answer = await ask(service, header, "Hello?", keep_partial=False)
    assert answer.turn.error is not None
    assert (answer.turn.status, answer.turn.error.name) == ("failed", "empty-answer")
    assert answer.text == ""
    assert await shown(service, header) == []
    assert len(simulator.requests) == 2
    assert (await ask(service, header, "Once more")).turn.status == "completed"


async def test_who_pauses_is_sent_what_it_said_unchanged(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(tools=[ServerTool("web_search")])
    header = await service.create(ME)
    simulator.script(pause_turn("Let me look."), web_search("antiphon", "It is call and response."))
    answer = await ask(service, header, "What is an antiphon?")
    assert answer.turn.status == "completed"
    assert answer.text == "Let me look.It is call and response."
    paused, going_on = (request.body["messages"] for request in simulator.requests)
    assert unmarked(going_on[: len(paused)]) == unmarked(paused)
    assert going_on[-1]["role"] == "assistant"
    assert [block["type"] for block in going_on[-1]["content"]] == ["text", "server_tool_use"]
    assert (await ask(service, header, "Thanks")).turn.status == "completed"


async def test_who_pauses_for_ever_is_stopped(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(tools=[ServerTool("web_search")])
    header = await service.create(ME)
    simulator.script(*[pause_turn(f"Looking ({n}). ") for n in range(6)])
    answer = await ask(service, header, "What is an antiphon?")
    assert answer.turn.status == "interrupted"
    assert answer.turn.error is not None
    assert answer.turn.error.name == "too-many-steps"
    assert len(simulator.requests) == 6
    assert (await ask(service, header, "Never mind")).turn.status == "completed"
    blocks = [block for message in simulator.requests[-1].body["messages"] for block in message["content"]]
    assert {block["type"] for block in blocks} == {"text"}, "searches of which nothing came"
    assert (await ask(service, header, "Never mind")).turn.status == "completed"


async def test_an_answer_that_is_cut_short_stays_and_can_be_continued(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="one two three", ends="mid_text", stop_reason="max_tokens"))
    answer = await ask(service, header, "Count")
    assert (answer.turn.status, answer.turn.stop_reason) == ("completed", "max_tokens")
    await ask(service, header, "Continue from where you stopped.")
    assert [role for role, _ in sent(simulator)] == ["user", "assistant", "user"]


async def test_a_tool_use_without_its_end_is_neither_run_nor_kept(
    open_one: OpenService, simulator: Simulator
) -> None:
    ran: list[dict[str, Any]] = []

    async def look(given: dict[str, Any]) -> str:
        ran.append(given)
        return "nothing"

    service = await open_one(tools=[Tool(name="look", schema={"type": "object"}, call=look, effect="pure")])
    header = await service.create(ME)
    simulator.script(cut_tool_call("look", '{"where": "in the dr'))
    answer = await ask(service, header, "Look", keep_partial=False)
    assert answer.turn.error is not None
    assert answer.turn.error.name == "no-room"
    assert ran == []
    assert await shown(service, header) == []
    told = Reply(
        content=({"type": "text", "text": "Let me see."}, {"type": "tool_use", "name": "look", "input": {}}),
        ends="mid_tool_input",
        stop_reason="max_tokens",
    )
    simulator.script(told)
    answer = await ask(service, header, "Look", keep_partial=False)
    assert (answer.text, answer.turn.status) == ("Let me see.", "completed")
    assert await shown(service, header) == [("user", "Look"), ("assistant", "Let me see.")]
    assert (await ask(service, header, "Go on")).turn.status == "completed"


async def test_thinking_that_took_all_the_room_is_told(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(Reply(thinking="so much to think of " * 9, text="So.", ends="mid_thinking"))
    answer = await ask(service, header, "Why?")
    assert answer.turn.error is not None
    assert (answer.turn.status, answer.turn.error.name) == ("failed", "no-room")
    assert answer.turn.cost_nanodollars > 0
    assert await shown(service, header) == []


async def test_a_full_window_is_emptied_by_a_summary_and_the_answer_made_again(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    for n in range(3):
        await ask(service, header, f"message {n} " + "and so on " * 900)
    simulator.script(context_window_exceeded("So far and"), Reply(text="The summary."), Reply(text="Whole."))
    answer = await ask(service, header, "And the end of it?")
    assert (answer.text, answer.turn.status) == ("Whole.", "completed")
    assert "The summary." in sent(simulator)[0][1]
    assert await shown(service, header) == [
        *(await shown(service, header))[:-1],
        ("assistant", "Whole."),
    ]


async def test_a_full_window_that_nothing_can_be_left_out_of_keeps_what_was_said(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(context_window_exceeded("So far and"))
    answer = await ask(service, header, "A long one")
    assert (answer.text, answer.turn.status) == ("So far and", "completed")
    assert answer.turn.stop_reason == "model_context_window_exceeded"
    assert len(simulator.requests) == 1


async def test_a_stop_reason_that_nobody_knows_is_passed_on(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="Done.", stop_reason="brand_new"))
    answer = await ask(service, header, "one")
    assert (answer.text, answer.turn.status, answer.turn.stop_reason) == ("Done.", "completed", "brand_new")


@pytest.mark.parametrize("times", [1, 2])
async def test_a_tool_that_is_asked_for_after_a_pause_runs(
    open_one: OpenService, simulator: Simulator, times: int
) -> None:
    async def look(_: dict[str, Any]) -> str:
        return "a key"

    tool = Tool(name="look", schema={"type": "object"}, call=look, effect="pure")
    service = await open_one(tools=[tool, ServerTool("web_search")])
    header = await service.create(ME)
    simulator.script(*[pause_turn()] * times, tool_call("look", {}), Reply(text="A key."))
    assert (await ask(service, header, "What is in the drawer?")).text == "A key."
