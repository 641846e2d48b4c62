"""A tool that asks first: what a person sees and says, and what Claude is told of it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from antiphon.simulator import Simulator
from tests.server.histories import asked
from tests.web.asking import ANSWER, ask
from tests.web.visitor import Visitor


@pytest.fixture
def asking(visitor: Visitor, simulator: Simulator) -> Visitor:
    """An answer waits for a word on a tool."""
    ask(visitor, simulator, "forecast")
    return visitor


def tool(visitor: Visitor) -> Locator:
    return visitor.page.locator(".tool summary")


def decide(visitor: Visitor, **word: Any) -> None:
    """Somebody decides elsewhere."""
    (turn,) = visitor.site.get(f"/v1/conversations/{visitor.id}")["state"]["turns"].values()
    visitor.site.post(f"/v1/approvals/{turn['approvals'][0]['id']}", word)


def told(simulator: Simulator) -> str:
    """What Claude was told that came of the tool."""
    return str(asked(simulator)[-1].body["messages"][-1]["content"][0])


def test_a_tool_that_asks_shows_its_input_and_runs_when_it_is_allowed(
    asking: Visitor, simulator: Simulator
) -> None:
    expect(asking.approval()).to_contain_text("Expires in 23 hours")
    expect(asking.page).to_have_title(re.compile("Approval needed"))
    said = asking.page.get_by_text("The tool forecast asks whether it may run.")
    expect(said).to_have_count(1)
    asking.button("Allow").click()
    expect(tool(asking)).to_have_text("forecast done, allowed by you")
    expect(asking.approval()).to_have_count(0)
    asking.expect_answer(ANSWER)
    assert "Rain in Bergen." in told(simulator)


def test_another_input_can_be_given_and_has_to_be_json(asking: Visitor, simulator: Simulator) -> None:
    asking.button("Edit…").click()
    area = asking.page.get_by_label("Input as JSON")
    expect(area).to_be_focused()
    area.fill('{"city": "Oslo"')
    asking.button("Allow with this input").click()
    expect(asking.page.get_by_role("alert")).to_contain_text("This is not JSON")
    area.fill('["Oslo"]')
    asking.button("Allow with this input").click()
    expect(asking.page.get_by_role("alert")).to_contain_text("An input is an object")
    area.fill('{"city": "Oslo"}')
    asking.button("Allow with this input").click()
    expect(tool(asking)).to_have_text("forecast done, allowed by you, with another input")
    asking.expect_answer(ANSWER)
    assert "Rain in Oslo." in told(simulator)


def test_a_tool_is_denied_with_a_reason_by_keyboard_alone(asking: Visitor, simulator: Simulator) -> None:
    asking.button("Deny…").press("Enter")
    asking.page.keyboard.press("Escape")
    asking.button("Deny…").press("Enter")
    asking.page.keyboard.type("I know the weather.")
    asking.page.keyboard.press("Enter")
    expect(tool(asking)).to_contain_text("denied by you")
    tool(asking).click()
    expect(asking.page.get_by_text("“I know the weather.”")).to_be_visible()
    asking.expect_answer(ANSWER)
    assert "Their reason: I know the weather." in told(simulator)


def test_what_was_decided_elsewhere_is_shown_here_too(asking: Visitor) -> None:
    decide(asking, decision="deny")
    expect(tool(asking)).to_contain_text("denied by you")
    expect(asking.approval()).to_have_count(0)


def test_of_two_who_decide_at_once_the_first_one_counts(asking: Visitor) -> None:
    def overtake(route: Route) -> None:
        decide(asking, decision="deny")
        route.continue_()

    asking.page.route("**/v1/approvals/*", overtake)
    with asking.page.expect_response("**/v1/approvals/*") as late:
        asking.button("Allow").click()
    expect(tool(asking)).to_contain_text("denied by you")
    assert late.value.status == 409


def test_a_decision_that_did_not_arrive_can_be_made_again(asking: Visitor) -> None:
    # That a request is lost on its way is nothing that a server does.
    asking.page.route("**/v1/approvals/*", lambda route: route.abort(), times=1)
    asking.button("Allow").click()
    expect(asking.page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    asking.button("Allow").click()
    asking.expect_answer(ANSWER)
    expect(tool(asking)).to_contain_text("allowed by you")


def test_of_two_tools_that_ask_the_other_goes_on_asking(visitor: Visitor, simulator: Simulator) -> None:
    ask(visitor, simulator, "forecast", "clock")
    visitor.approval("forecast").get_by_role("button", name="Deny…").click()
    visitor.button("Deny").click()
    expect(tool(visitor)).to_have_text("forecast asked for, denied by you")
    expect(visitor.approval("clock")).to_be_visible()
    visitor.button("Allow").click()
    visitor.expect_answer(ANSWER)


def test_the_list_marks_what_waits_until_it_is_decided_wherever_that_is(
    asking: Visitor, other: Visitor
) -> None:
    place = f"/c/{asking.id}"

    def mark(tab: Visitor) -> Locator:
        return tab.page.locator(f'a[href="{place}"]').get_by_role("img", name="waits for your decision")

    other.open()
    expect(mark(asking)).to_be_visible()
    asking.page.get_by_role("link", name="New conversation").click()
    expect(mark(asking)).to_be_visible()
    expect(mark(other)).to_be_visible()
    other.open(place)
    other.button("Allow").click()
    other.expect_answer(ANSWER)
    for tab in (asking, other):
        expect(mark(tab)).to_have_count(0)
