"""A tool that asks first: what a person sees and says. The log is a golden one; what is said is recorded."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.web.visitor import Visitor
from tests.web.waiting import ID, Waiting


def card(visitor: Visitor, tool: str = "weather") -> Locator:
    return visitor.page.get_by_role("region", name=f"Allow {tool}?")


@pytest.fixture
def waiting(visitor: Visitor) -> Waiting:
    waiting = Waiting(visitor.page, "approval_awaited")
    visitor.open(f"/c/{ID}")
    expect(card(visitor)).to_contain_text('"city": "Bergen"')
    return waiting


def test_a_tool_that_asks_shows_its_input_and_runs_when_it_is_allowed(
    visitor: Visitor, waiting: Waiting
) -> None:
    expect(card(visitor)).to_contain_text("Expires in 23 hours")
    expect(visitor.page).to_have_title(re.compile("Approval needed"))
    told = visitor.page.get_by_text("The tool weather asks whether it may run.")
    expect(told).to_have_count(1)
    card(visitor).get_by_role("button", name="Allow", exact=True).click()
    expect(visitor.page.locator(".tool summary")).to_have_text("weather asked for, allowed by you")
    expect(card(visitor)).to_have_count(0)
    assert waiting.said == [("p1", {"decision": "allow"})]


def test_another_input_can_be_given_and_has_to_be_json(visitor: Visitor, waiting: Waiting) -> None:
    card(visitor).get_by_role("button", name="Edit…").click()
    area = visitor.page.get_by_label("Input as JSON")
    expect(area).to_be_focused()
    area.fill('{"city": "Oslo"')
    visitor.button("Allow with this input").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("This is not JSON")
    area.fill('["Oslo"]')
    visitor.button("Allow with this input").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("An input is an object")
    assert waiting.said == []
    area.fill('{"city": "Oslo"}')
    visitor.button("Allow with this input").click()
    expect(visitor.page.locator(".tool summary")).to_contain_text("allowed by you, with another input")
    assert waiting.said == [("p1", {"decision": "edit", "input": {"city": "Oslo"}})]


def test_a_tool_is_denied_with_a_reason_by_keyboard_alone(visitor: Visitor, waiting: Waiting) -> None:
    card(visitor).get_by_role("button", name="Deny…").press("Enter")
    visitor.page.keyboard.press("Escape")
    card(visitor).get_by_role("button", name="Deny…").press("Enter")
    visitor.page.keyboard.type("I know the weather.")
    visitor.page.keyboard.press("Enter")
    summary = visitor.page.locator(".tool summary")
    expect(summary).to_contain_text("denied by you")
    summary.click()
    expect(visitor.page.get_by_text("“I know the weather.”")).to_be_visible()
    assert waiting.said == [("p1", {"decision": "deny", "reason": "I know the weather."})]


def test_what_was_decided_elsewhere_is_shown_here_too(visitor: Visitor, waiting: Waiting) -> None:
    waiting.decided("p1", "deny", by="local")
    expect(visitor.page.locator(".tool summary")).to_contain_text("denied by you")
    expect(card(visitor)).to_have_count(0)


def test_of_two_who_decide_at_once_the_first_one_counts(visitor: Visitor, waiting: Waiting) -> None:
    waiting.beaten = True
    card(visitor).get_by_role("button", name="Allow", exact=True).click()
    expect(visitor.page.locator(".tool summary")).to_contain_text("denied by you")
    assert waiting.said == [("p1", {"decision": "allow"})]


def test_a_decision_that_did_not_arrive_can_be_made_again(visitor: Visitor, waiting: Waiting) -> None:
    visitor.page.route("**/v1/approvals/*", lambda route: route.abort(), times=1)
    allow = card(visitor).get_by_role("button", name="Allow", exact=True)
    allow.click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    allow.click()
    expect(visitor.page.locator(".tool summary")).to_contain_text("allowed by you")


def test_of_two_tools_that_ask_the_other_goes_on_asking(visitor: Visitor) -> None:
    Waiting(visitor.page, "one_of_two_approvals_given")
    visitor.open(f"/c/{ID}")
    expect(card(visitor, "time")).to_be_visible()
    expect(visitor.page.locator(".tool summary")).to_have_text("weather asked for, denied by zoe")
