"""Long conversations: the newest first, and a reader who is left in peace."""

from playwright.sync_api import expect

from antiphon.simulator import Reply, Simulator, Stall
from tests.web.histories import long_conversation
from tests.web.visitor import Visitor


def test_of_a_long_conversation_the_newest_messages_come_first(visitor: Visitor) -> None:
    made = visitor.site.post("/v1/conversations/import", long_conversation(messages=200))
    visitor.open(f"/c/{made['id']}")
    expect(visitor.questions.last).to_have_text("Question 100")
    assert visitor.questions.count() <= 30
    scroller = visitor.page.locator(".scroller")
    assert scroller.evaluate("node => node.scrollHeight - node.clientHeight - node.scrollTop") < 2
    before = visitor.questions.count()
    first = visitor.questions.first.text_content()
    scroller.evaluate("node => { node.scrollTop = 300; }")
    expect(visitor.questions).not_to_have_count(before)
    assert visitor.questions.first.text_content() != first
    read = visitor.page.get_by_text(str(first), exact=True)
    place = read.evaluate("node => node.getBoundingClientRect().top")
    assert -200 < place < 700, "what the reader looked at has moved away"


def test_a_reader_who_scrolls_up_is_not_pulled_down(visitor: Visitor, simulator: Simulator) -> None:
    made = visitor.site.post("/v1/conversations/import", long_conversation(messages=40))
    visitor.open(f"/c/{made['id']}")
    expect(visitor.questions.last).to_have_text("Question 20")
    long = "\n\n".join(f"Paragraph {n}." for n in range(60))
    simulator.script(Reply(text=long, fault=Stall(after=40)))
    visitor.say("Write a lot.")
    expect(visitor.answers.get_by_text("Paragraph 18.")).to_be_in_viewport()
    scroller = visitor.page.locator(".scroller")
    scroller.hover()
    visitor.page.mouse.wheel(0, -400)
    expect(visitor.button("Go to the newest message")).to_be_visible()
    at = scroller.evaluate("node => node.scrollTop")
    simulator.release()
    visitor.expect_rest()
    assert scroller.evaluate("node => node.scrollTop") == at
    visitor.button("Go to the newest message").click()
    expect(visitor.answers.get_by_text("Paragraph 59.")).to_be_in_viewport()
