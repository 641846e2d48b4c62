"""A tool that asks first: what a person sees and says. The log is a golden one; what is said is recorded."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.golden.form import FOLDER, load
from tests.web.visitor import Visitor

LATER = 4_000_000_000_000
ID = "01a203e4-f45d-75fb-a607-56006653dabb"


class Waiting:
    """A conversation whose turn waits for approvals; tabs that follow it are told of each decision."""

    def __init__(self, page: Page, log: str) -> None:
        golden = load(FOLDER / f"{log}.json")
        self.state = golden.state
        for turn in self.state["turns"].values():
            for approval in turn["approvals"]:
                approval["expires_at"] = LATER
        self.frames: list[tuple[int, str, dict[str, Any]]] = []
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.beaten = False
        """Whether somebody else always decides a moment before: they deny it."""
        page.route(re.compile(rf"/v1/conversations/{ID}$"), self._snapshot)
        page.route("**/events", self._events)
        page.route("**/v1/approvals/*", self._hear)

    def decided(self, approval: str, decision: str, **how: Any) -> None:
        data = {"v": 1, "approval_id": approval, "decision": decision, "input": None, "reason": "", **how}
        self.frames.append((self.state["seq"] + 1 + len(self.frames), "approval_resolve", data))

    def _snapshot(self, route: Route) -> None:
        route.fulfill(json={"id": ID, "as_of_seq": self.state["seq"], "state": self.state})

    def _events(self, route: Route) -> None:
        after = int(route.request.headers["last-event-id"])
        text = "".join(
            f"id: {seq}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
            for seq, kind, data in self.frames
            if seq > after
        )
        route.fulfill(body=text or ": ping\n\n", content_type="text/event-stream")

    def _hear(self, route: Route) -> None:
        approval = route.request.url.rpartition("/")[2]
        said = route.request.post_data_json
        self.said.append((approval, said))
        if self.beaten:
            self.decided(approval, "deny", by="local")
            problem = {"type": "/problems/conflict", "title": "", "status": 409, "detail": "It is decided."}
            route.fulfill(status=409, json=problem)
            return
        self.decided(approval, said["decision"], reason=said.get("reason", ""), by="local")
        route.fulfill(json={})


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
    expect(card(visitor)).to_contain_text(re.compile(r"Counts as no in \d+ days"))
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
