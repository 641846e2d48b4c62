"""Finding what was said: by its words, in any conversation and on any branch, and back at its place."""

from playwright.sync_api import Locator, Route, expect

from antiphon.simulator import Reply, Simulator
from tests.web.histories import long_conversation
from tests.web.visitor import Visitor


def box(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("searchbox", name="Search all messages")


def hits(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("region", name="Messages with these words").get_by_role("link")


def test_words_are_found_and_a_click_leads_to_the_message_far_up(visitor: Visitor) -> None:
    made = visitor.site.post("/v1/conversations/import", long_conversation(messages=200))
    visitor.page.keyboard.press("Control+k")
    expect(box(visitor)).to_be_focused()
    visitor.page.keyboard.type("question 17")
    found = hits(visitor).and_(visitor.page.locator(f"[href^='/c/{made['id']}#']"))
    expect(found.locator("mark")).to_have_text(["Question", "17"])
    expect(found.locator("strong")).to_have_text("200 messages")
    found.click()
    assert visitor.id.partition("#")[0] == made["id"]
    aimed = visitor.questions.and_(visitor.page.get_by_text("Question 17", exact=True))
    expect(aimed).to_be_in_viewport()
    expect(visitor.page.locator(".row:focus")).to_have_text("Question 17")
    visitor.page.reload()
    expect(aimed).to_be_in_viewport()


def test_what_lies_on_another_branch_is_found_and_shown(visitor: Visitor, simulator: Simulator) -> None:
    simulator.script(Reply(text="A walrus, 🦭 or so."), Reply(text="An otter."))
    visitor.say("Which animal?")
    visitor.expect_rest()
    visitor.button("Answer again").click()
    visitor.expect_answer("An otter.")
    visitor.expect_rest()
    box(visitor).fill("walrus or")
    expect(hits(visitor).locator("mark")).to_have_text(["walrus", "or"])
    visitor.page.keyboard.press("ArrowDown")
    visitor.page.keyboard.press("Enter")
    visitor.expect_answer("A walrus, 🦭 or so.")
    expect(visitor.page.get_by_text("1 / 2")).to_be_visible()
    visitor.page.keyboard.press("Control+k")
    visitor.page.keyboard.press("Escape")
    expect(hits(visitor)).to_have_count(0)
    expect(visitor.page.get_by_role("region", name="Today")).to_be_visible()


def test_a_conversation_is_found_by_a_name_that_nobody_said(visitor: Visitor) -> None:
    visitor.site.post("/v1/conversations/import", long_conversation(messages=6))
    visitor.page.reload()
    expect(visitor.page.get_by_role("link", name="6 messages")).to_be_visible()
    box(visitor).fill("6 Mess")
    visitor.page.get_by_role("region", name="Conversations of that name").get_by_role("link").click()
    expect(visitor.questions.last).to_have_text("Question 3")


def test_nothing_found_and_a_search_that_fails_are_told(visitor: Visitor) -> None:
    def away(route: Route) -> None:
        problem = {"type": "/problems/store-unavailable", "title": "", "status": 503, "detail": "Not now."}
        route.fulfill(status=503, json=problem)

    box(visitor).fill("xyzzyplugh")
    expect(visitor.page.get_by_text("No message has all of these words.")).to_be_visible()
    visitor.page.route("**/v1/conversations?query=*", away)
    box(visitor).fill("xyzzyplughs")
    expect(visitor.page.get_by_role("alert")).to_contain_text("Not now.")
    visitor.page.unroute_all()
    visitor.button("Try again").click()
    expect(visitor.page.get_by_text("No message has all of these words.")).to_be_visible()
    visitor.button("Clear the search").click()
    expect(box(visitor)).to_have_value("")
