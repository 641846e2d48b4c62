"""The plain page, which needs no building, in a real browser, as a person uses it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from antiphon.server.page import PLAIN
from antiphon.simulator import Fail, Reply, Simulator, Stall
from tests.browsing import chromium
from tests.server.client import Client
from tests.server.conftest import Serve
from tests.server.histories import asked, last_history

PATIENCE_MS = 10_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve(page=PLAIN)


@pytest.fixture
def page(browser: Browser, client: Client) -> Iterator[Page]:
    """The page, opened in a tab. Whatever a browser complains about fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 640})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("console", lambda said: complaints.append(said.text) if "Security" in said.text else None)
    page.goto(client.url)
    yield page
    context.close()
    assert not complaints


def say(page: Page, message: str) -> None:
    page.get_by_label("Your message").fill(message)
    page.keyboard.press("Enter")


def answers(page: Page) -> Locator:
    return page.locator("li.assistant")


def test_a_person_types_and_sees_the_answer_as_it_is_written(page: Page, simulator: Simulator) -> None:
    simulator.script(Reply(text="One two three.", fault=Stall(after=2)))
    say(page, "Count to three.")
    expect(page.locator("li.user")).to_have_text("Count to three.")
    expect(answers(page).locator("p")).to_have_text("One two")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    simulator.release()
    expect(answers(page).locator("p").first).to_have_text("One two three.")
    expect(answers(page).locator(".facts")).to_contain_text("claude-sonnet-5-5")
    expect(answers(page).locator(".facts")).to_contain_text("$")
    expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_the_page_says_who_answers(page: Page) -> None:
    expect(page.locator("#model")).to_have_text("claude-sonnet-5-5")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_conversation_goes_on_until_a_new_one_is_started(page: Page, simulator: Simulator) -> None:
    simulator.script(Reply(text="Hello, Ada."), Reply(text="Ada."), Reply(text="I do not know."))
    say(page, "I am Ada.")
    expect(answers(page)).to_have_count(1)
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    say(page, "Who am I?")
    expect(answers(page).last.locator("p").first).to_have_text("Ada.")
    assert len(last_history(simulator)) == 3
    page.get_by_role("button", name="New chat").click()
    expect(page.get_by_role("listitem")).to_have_count(0)
    expect(page.get_by_label("Your message")).to_be_focused()
    say(page, "Who am I now?")
    expect(answers(page).locator("p").first).to_have_text("I do not know.")
    assert last_history(simulator) == [("user", "Who am I now?")]


def test_shift_and_enter_start_a_new_line(page: Page, simulator: Simulator) -> None:
    message = page.get_by_label("Your message")
    message.press_sequentially("One line")
    message.press("Shift+Enter")
    message.press_sequentially("and another")
    message.press("Enter")
    expect(answers(page).locator(".facts")).to_be_visible()
    assert last_history(simulator) == [("user", "One line\nand another")]


def test_markup_is_shown_and_not_run(page: Page, simulator: Simulator) -> None:
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script><style>*{display:none}</style>"
    simulator.script(Reply(text=attack))
    say(page, attack)
    expect(answers(page).locator("p").first).to_have_text(attack)
    expect(page.locator("li.user")).to_have_text(attack)
    expect(page.locator("main img, main script, main style")).to_have_count(0)


def test_a_failure_is_told_and_the_message_can_be_sent_again(page: Page, simulator: Simulator) -> None:
    simulator.script(Fail(status=529))
    say(page, "Hello?")
    expect(page.get_by_role("alert")).to_contain_text("Claude is overloaded")
    simulator.forget()
    simulator.script(Reply(text="Now I hear you."))
    page.get_by_role("button", name="Send again").click()
    expect(answers(page).last.locator("p").first).to_have_text("Now I hear you.")
    assert last_history(simulator) == [("user", "Hello?")]


def test_a_reload_in_the_middle_of_an_answer_loses_and_repeats_nothing(
    page: Page, simulator: Simulator
) -> None:
    simulator.script(Reply(text="One two three.", fault=Stall(after=2)))
    say(page, "Count.")
    expect(answers(page).locator("p")).to_have_text("One two")
    page.reload()
    expect(page.locator("li.user")).to_have_text("Count.")
    expect(answers(page).locator("p")).to_have_text("One two")
    simulator.release()
    expect(answers(page).locator("p").first).to_have_text("One two three.")
    page.reload()
    expect(answers(page).locator("p").first).to_have_text("One two three.")
    assert len(asked(simulator)) == 1


def test_a_lost_connection_is_told_and_can_be_taken_up_again(page: Page, simulator: Simulator) -> None:
    page.context.set_offline(True)
    say(page, "Is anybody there?")
    expect(page.get_by_role("alert")).to_contain_text("connection to the server is lost")
    page.context.set_offline(False)
    simulator.script(Reply(text="Yes."))
    page.get_by_role("button", name="Reconnect").click()
    expect(answers(page).locator("p").first).to_have_text("Yes.")
    assert last_history(simulator) == [("user", "Is anybody there?")]


def test_every_tab_has_a_conversation_of_its_own(page: Page, client: Client, simulator: Simulator) -> None:
    say(page, "In the first tab.")
    expect(answers(page).locator(".facts")).to_be_visible()
    other = page.context.new_page()
    other.goto(client.url)
    say(other, "In the second.")
    expect(answers(other).locator(".facts")).to_be_visible()
    assert last_history(simulator) == [("user", "In the second.")]


def test_nothing_is_wider_than_a_small_phone(page: Page, simulator: Simulator) -> None:
    simulator.script(Reply(text="wide" * 200))
    say(page, "narrow" * 50)
    expect(answers(page).locator(".facts")).to_be_visible()
    for part in ("html", "main"):
        box = page.locator(part)
        assert box.evaluate("node => node.scrollWidth <= node.clientWidth")
