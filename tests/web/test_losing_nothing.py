"""Reload, second tab, lost network, dead server, sleep: what is shown in the end is what the server holds."""

from playwright.sync_api import Route, expect

from antiphon.simulator import Reply, Simulator, Stall
from tests.server.histories import asked
from tests.web.visitor import Visitor

WORDS = "One two three four five six seven eight."


def refuse(route: Route, status: int, name: str, detail: str) -> None:
    problem = {"type": f"/problems/{name}", "title": name, "status": status, "detail": detail}
    route.fulfill(status=status, content_type="application/problem+json", json=problem)


def expect_whole(visitor: Visitor) -> None:
    visitor.expect_answer(WORDS)
    visitor.expect_rest()
    assert visitor.shown() == visitor.site.history(visitor.id)


def test_a_reload_in_the_middle_of_an_answer_loses_and_repeats_nothing(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text=WORDS, fault=Stall(after=3)))
    visitor.say("Count.")
    visitor.expect_answer("One two three")
    visitor.page.reload()
    visitor.expect_answer("One two three")
    simulator.release()
    expect_whole(visitor)
    assert len(asked(simulator)) == 1


def test_a_second_tab_reads_along_and_can_stop_it(
    visitor: Visitor, other: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text=WORDS, fault=Stall(after=3)))
    visitor.say("Count.")
    visitor.expect_answer("One two three")
    other.open(f"/c/{visitor.id}")
    other.expect_answer("One two three")
    other.button("Stop").click()
    visitor.expect_end("You stopped this answer.")
    visitor.expect_rest()
    assert visitor.shown() == other.shown() == visitor.site.history(visitor.id)


def test_what_two_tabs_say_at_once_is_answered_and_shown_in_both(
    visitor: Visitor, other: Visitor, simulator: Simulator
) -> None:
    visitor.say("Hello.")
    visitor.expect_rest()
    other.open(f"/c/{visitor.id}")
    other.expect_rest()
    visitor.say("From the one.")
    other.say("From the other.")
    for tab in (visitor, other):
        expect(tab.questions.last).to_have_text("From the other.")
        expect(tab.answers.last).to_contain_text("From the other.")
        tab.expect_rest()
        assert tab.shown() == tab.site.history(tab.id)
    assert len(asked(simulator)) == 3


def test_what_a_tab_says_that_has_missed_something_becomes_a_branch(
    visitor: Visitor, other: Visitor, simulator: Simulator
) -> None:
    visitor.say("Hello.")
    visitor.expect_rest()
    other.page.route("**/events", lambda route: route.abort())
    other.open(f"/c/{visitor.id}")
    other.expect_rest()
    visitor.say("From the one.")
    expect(visitor.answers).to_have_count(2)
    visitor.expect_rest()
    other.say("From the other.")
    other.page.unroute_all()
    for tab in (visitor, other):
        expect(tab.page.get_by_text("2 / 2")).to_be_visible()
        expect(tab.answers.last).to_contain_text("From the other.")
        tab.expect_rest()
        assert tab.shown() == tab.site.history(tab.id)
    assert len(asked(simulator)) == 3


def test_a_lost_network_is_told_and_the_answer_goes_on_when_it_is_back(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text=WORDS, fault=Stall(after=3)))
    visitor.say("Count.")
    visitor.expect_answer("One two three")
    visitor.context.set_offline(offline=True)
    expect(visitor.page.get_by_text("The connection is lost.")).to_be_visible()
    simulator.release()
    visitor.context.set_offline(offline=False)
    expect_whole(visitor)
    expect(visitor.page.get_by_text("The connection is lost.")).to_have_count(0)


def test_a_server_that_is_killed_comes_back_and_finishes_the_answer(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text=WORDS, fault=Stall(after=3)), Reply(text=WORDS))
    visitor.say("Count.")
    visitor.expect_answer("One two three")
    visitor.site.kill()
    expect(visitor.page.get_by_text("The connection is lost.")).to_be_visible()
    visitor.say("And after that?")
    expect(visitor.page.get_by_text("It is kept here until the server has it.")).to_be_visible()
    visitor.site.start()
    expect(visitor.answers.first).to_have_text(WORDS)
    expect(visitor.answers).to_have_count(2)
    visitor.expect_rest()
    expect(visitor.page.locator(".answer").first).to_contain_text("Tried again once")
    assert visitor.shown() == visitor.site.history(visitor.id)
    assert [text for role, text in visitor.shown() if role == "user"] == ["Count.", "And after that?"]


def test_a_message_that_cannot_be_sent_waits_through_a_reload_and_is_sent_once(
    visitor: Visitor, simulator: Simulator
) -> None:
    visitor.page.route("**/v1/conversations**", lambda route: route.abort())
    visitor.say("Is anybody there?")
    expect(visitor.page.get_by_text("It is kept here until the server has it.")).to_be_visible()
    visitor.page.reload()
    expect(visitor.page.get_by_text("Is anybody there?")).to_be_visible()
    visitor.page.unroute_all()
    visitor.expect_answer('You said: "Is anybody there?". That was message 1.')
    visitor.expect_rest()
    assert len(asked(simulator)) == 1
    assert visitor.shown() == visitor.site.history(visitor.id)


def test_a_server_that_wants_to_know_who_asks_does_not_eat_the_message(
    visitor: Visitor, simulator: Simulator
) -> None:
    visitor.page.route("**/turns", lambda route: refuse(route, 401, "unauthenticated", "Sign in again."))
    visitor.say("Remember this.")
    expect(visitor.page.get_by_text("It is kept here until the server has it.")).to_be_visible()
    visitor.page.unroute_all()
    visitor.expect_answer('You said: "Remember this.". That was message 1.')


def test_a_message_that_the_server_refuses_can_be_sent_again_or_let_go(visitor: Visitor) -> None:
    visitor.say("Hello.")
    visitor.expect_rest()
    visitor.page.route("**/turns", lambda route: refuse(route, 429, "queue-full", "Too many wait here."))
    visitor.say("One more.")
    expect(visitor.page.get_by_role("alert")).to_contain_text("Too many wait here.")
    visitor.page.unroute_all()
    visitor.button("Send again").click()
    expect(visitor.answers).to_have_count(2)
    visitor.expect_rest()


def test_a_cursor_that_the_server_does_not_know_reads_the_conversation_again(
    visitor: Visitor, simulator: Simulator
) -> None:
    visitor.say("Hello.")
    visitor.expect_rest()
    beyond: list[str] = []

    def ahead(route: Route) -> None:
        beyond.append(route.request.url)
        route.continue_(headers={**route.request.headers, "last-event-id": "999999"})

    visitor.page.route("**/events", ahead, times=1)
    visitor.context.set_offline(offline=True)
    visitor.context.set_offline(offline=False)
    simulator.script(Reply(text="Still here."))
    visitor.say("And now?")
    visitor.expect_answer("Still here.")
    visitor.expect_rest()
    assert beyond
    assert visitor.shown() == visitor.site.history(visitor.id)


HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_tab_lets_go_of_its_stream_and_catches_up_when_it_is_shown(
    visitor: Visitor, other: Visitor, simulator: Simulator
) -> None:
    visitor.page.clock.install()
    visitor.say("Hello.")
    visitor.expect_rest()
    with visitor.page.expect_event("requestfailed", lambda request: request.url.endswith("/events")):
        visitor.page.evaluate(HIDE, arg=True)
        visitor.page.clock.fast_forward(11_000)
    other.open(f"/c/{visitor.id}")
    simulator.script(Reply(text="Said while you were away."))
    other.say("Go on.")
    other.expect_answer("Said while you were away.")
    expect(visitor.answers).to_have_count(1)
    visitor.page.evaluate(HIDE, arg=False)
    visitor.page.clock.resume()
    visitor.expect_answer("Said while you were away.")
    visitor.expect_rest()
    assert visitor.shown() == other.shown()


def test_with_eight_tabs_open_the_one_that_is_shown_can_stop_the_answer(
    visitor: Visitor, simulator: Simulator
) -> None:
    """A browser opens six connections to a server, and a conversation that is followed takes one."""
    simulator.script(Reply(text=WORDS, fault=Stall(after=3)))
    visitor.say("Count.")
    visitor.expect_answer("One two three")
    for _ in range(7):
        other = Visitor(visitor.site, visitor.context)
        other.page.clock.install()
        other.open(f"/c/{visitor.id}")
        other.expect_answer("One two three")
        with other.page.expect_event("requestfailed", lambda request: request.url.endswith("/events")):
            other.page.evaluate(HIDE, arg=True)
            other.page.clock.fast_forward(11_000)
    visitor.button("Stop").click()
    visitor.expect_end("You stopped this answer.")
    visitor.expect_rest()
    assert visitor.shown() == visitor.site.history(visitor.id)


def test_what_is_loaded_late_is_there_when_the_server_is_not(visitor: Visitor) -> None:
    visitor.say("Hello.")
    visitor.expect_rest()
    with visitor.page.expect_event("requestfinished", lambda request: "/Results-" in request.url):
        visitor.page.reload()
    visitor.context.set_offline(offline=True)
    visitor.page.get_by_role("searchbox").fill("hello")
    expect(visitor.page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    visitor.context.set_offline(offline=False)
