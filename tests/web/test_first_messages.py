"""The first message of a conversation, not sent yet: whatever becomes of the page, it stays in sight."""

import urllib.request

import pytest
from playwright.sync_api import Locator, expect

from antiphon.simulator import Simulator
from tests.server.histories import asked
from tests.web.visitor import Visitor

FIRST = "Is anybody there?"

OVERTAKE = """() => {
  const replace = history.replaceState.bind(history);
  history.replaceState = (state, unused, address) =>
    address?.startsWith("/c/") ? location.reload() : replace(state, unused, address);
}"""
"""The page is loaded again where it is, a moment before its address says which conversation was made."""


def outgoing(visitor: Visitor) -> Locator:
    return visitor.page.locator(".outgoing .bubble")


def hold_turns(visitor: Visitor) -> None:
    visitor.page.route("**/turns", lambda route: route.abort())


@pytest.fixture
def unsent(visitor: Visitor) -> str:
    """A conversation was made, and its first message did not get through: its id."""
    hold_turns(visitor)
    visitor.say(FIRST)
    expect(outgoing(visitor)).to_have_text(FIRST)
    return visitor.id


def test_a_reload_before_the_address_says_which_conversation_was_made_comes_to_it(
    visitor: Visitor, simulator: Simulator
) -> None:
    hold_turns(visitor)
    visitor.page.evaluate(OVERTAKE)
    with visitor.page.expect_navigation():
        visitor.say(FIRST)
    expect(outgoing(visitor)).to_have_text(FIRST)
    visitor.page.unroute_all()
    visitor.expect_answer(f'You said: "{FIRST}". That was message 1.')
    visitor.expect_rest()
    assert len(asked(simulator)) == 1
    assert visitor.shown() == visitor.site.history(visitor.id)


def test_who_wants_a_new_conversation_gets_one_and_is_told_what_is_not_sent_yet(
    visitor: Visitor, unsent: str
) -> None:
    visitor.page.get_by_role("link", name="New conversation").click()
    visitor.page.reload()
    expect(visitor.page).to_have_url(visitor.site.url + "/")
    told = visitor.page.get_by_role("region", name="Not sent yet").get_by_role("link", name=FIRST)
    expect(told).to_be_visible()
    visitor.composer.fill("Something else.")
    expect(visitor.button("Send")).to_be_enabled()
    told.click()
    assert visitor.id == unsent
    expect(outgoing(visitor)).to_have_text(FIRST)


def test_a_tab_that_was_closed_leaves_it_to_the_next_one_and_to_no_other(
    visitor: Visitor, other: Visitor, unsent: str
) -> None:
    other.open()
    told = other.page.get_by_role("region", name="Not sent yet").get_by_role("link", name=FIRST)
    expect(other.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(told).to_have_count(0)
    hold_turns(other)
    visitor.page.close()
    other.page.reload()
    expect(told).to_be_visible()
    other.page.unroute_all()
    other.open(f"/c/{unsent}")
    other.expect_answer(f'You said: "{FIRST}". That was message 1.')
    other.expect_rest()
    assert other.shown() == other.site.history(unsent)


def test_where_its_conversation_was_deleted_it_can_begin_another(visitor: Visitor, unsent: str) -> None:
    delete = urllib.request.Request(f"{visitor.site.url}/v1/conversations/{unsent}", method="DELETE")
    urllib.request.urlopen(delete, timeout=60).close()
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
    expect(outgoing(visitor)).to_have_text(FIRST)
    visitor.page.unroute_all()
    visitor.button("Send in a new conversation").click()
    visitor.expect_answer(f'You said: "{FIRST}". That was message 1.')
    assert visitor.id != unsent
    visitor.expect_rest()
    assert visitor.shown() == visitor.site.history(visitor.id)
