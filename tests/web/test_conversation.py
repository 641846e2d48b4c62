"""Talking: what a person does all day."""

import json
import re

from playwright.sync_api import APIResponse, FilePayload, Route, expect

from antiphon.simulator import Fail, Reply, Simulator, Stall, refusal
from tests.server.histories import asked, last_history
from tests.web.visitor import Visitor


def test_a_person_types_and_sees_the_answer_as_it_is_written(visitor: Visitor, simulator: Simulator) -> None:
    simulator.script(Reply(text="One **two** three.", fault=Stall(after=2)))
    visitor.say("Count to three.")
    expect(visitor.questions).to_have_text("Count to three.")
    visitor.expect_answer("One two")
    expect(visitor.button("Stop")).to_be_visible()
    simulator.release()
    visitor.expect_answer("One two three.")
    visitor.expect_rest()
    expect(visitor.answers.locator("strong")).to_have_text("two")
    expect(visitor.page.get_by_role("link", name="Count to three.")).to_be_visible()
    expect(visitor.page.locator(".answer .facts")).to_contain_text("Sonnet 5.5 · $0.00")


def test_stopping_keeps_exactly_what_is_shown(visitor: Visitor, simulator: Simulator) -> None:
    simulator.script(Reply(text="One two three four.", fault=Stall(after=3)))
    visitor.say("Count.")
    visitor.expect_answer("One two three")
    visitor.page.keyboard.press("Escape")
    visitor.expect_end("You stopped this answer.")
    assert visitor.shown() == visitor.site.history(visitor.id)
    assert visitor.shown()[-1] == ("assistant", "One two three")


def test_a_message_behind_a_running_answer_waits_and_can_be_withdrawn(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text="The first.", fault=Stall(after=1)), Reply(text="The second."))
    visitor.say("First?")
    visitor.expect_answer("The")
    visitor.say("Second?")
    visitor.say("Third?")
    expect(visitor.page.get_by_text("Waits for the answer above")).to_have_count(2)
    visitor.button("Withdraw").last.click()
    expect(visitor.page.get_by_text("Third?")).to_have_count(0)
    simulator.release()
    visitor.expect_answer("The second.")
    visitor.expect_rest()
    assert visitor.shown() == visitor.site.history(visitor.id)
    assert [text for _, text in visitor.shown()] == ["First?", "The first.", "Second?", "The second."]


def test_an_edited_message_makes_a_branch_and_both_stay(visitor: Visitor, simulator: Simulator) -> None:
    simulator.script(Reply(text="Blue."), Reply(text="Green."), Reply(text="Green, too."))
    visitor.say("The colour of the sky?")
    visitor.expect_rest()
    visitor.composer.press("ArrowUp")
    visitor.page.get_by_label("Edit message").fill("The colour of grass?")
    visitor.page.keyboard.press("Enter")
    visitor.expect_answer("Green.")
    visitor.expect_rest()
    expect(visitor.page.get_by_text("2 / 2")).to_be_visible()
    visitor.button("Answer again").click()
    visitor.expect_answer("Green, too.")
    visitor.expect_rest()
    assert last_history(simulator) == [("user", "The colour of grass?")]
    visitor.page.get_by_label("You", exact=True).get_by_label("Version before").click()
    visitor.expect_answer("Blue.")
    expect(visitor.questions).to_have_text("The colour of the sky?")
    assert visitor.shown() == visitor.site.history(visitor.id)
    visitor.page.get_by_label("You", exact=True).get_by_label("Next version").click()
    visitor.expect_answer("Green, too.")


def test_a_failure_is_told_and_the_message_goes_again_with_one_click(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Fail(status=529), Reply(text="Now I hear you."))
    visitor.say("Hello?")
    visitor.expect_end("Claude is overloaded")
    visitor.button("Try again").click()
    visitor.expect_answer("Now I hear you.")
    visitor.expect_rest()
    assert last_history(simulator) == [("user", "Hello?")]
    assert visitor.shown() == [("user", "Hello?"), ("assistant", "Now I hear you.")]


def test_a_refused_message_can_be_put_in_other_words(visitor: Visitor, simulator: Simulator) -> None:
    simulator.script(refusal(explanation="I cannot help with that."), Reply(text="Gladly."))
    visitor.say("Something bad.")
    visitor.expect_end("I cannot help with that.")
    visitor.button("Edit message").last.click()
    visitor.page.get_by_role("textbox", name="Edit message").fill("Something good.")
    visitor.page.keyboard.press("Enter")
    visitor.expect_answer("Gladly.")
    assert last_history(simulator) == [("user", "Something good.")]


def test_an_answer_that_was_cut_short_says_so_and_can_go_on(visitor: Visitor, simulator: Simulator) -> None:
    simulator.script(Reply(text="Half a", stop_reason="max_tokens"), Reply(text="sentence."))
    visitor.say("Talk.")
    visitor.expect_end("The answer reached the longest length allowed.")
    visitor.button("Continue").click()
    visitor.expect_answer("sentence.")
    assert [role for role, _ in last_history(simulator)] == ["user", "assistant", "user"]


def test_any_code_can_be_copied(visitor: Visitor, simulator: Simulator) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    simulator.script(Reply(text="```sh\nls\n```\n\n- First:\n  ```sh\n  cd ..\n  ```\n", delta_chars=4))
    visitor.say("Show me.")
    visitor.expect_rest()
    copied = []
    for button in visitor.button("Copy code").all():
        button.click()
        expect(visitor.button("Copied")).to_be_visible()
        copied.append(visitor.page.evaluate("navigator.clipboard.readText()").strip())
        expect(visitor.button("Copied")).to_have_count(0)
    assert copied == ["ls", "cd .."]


def test_thinking_is_folded_and_a_tool_shows_what_went_in_and_what_came_out(
    visitor: Visitor, simulator: Simulator
) -> None:
    call = {"type": "tool_use", "name": "people", "input": {"city": "Bergen"}}
    said = {"type": "text", "text": "Let me look."}
    simulator.script(
        Reply(text="A city.", thinking="I know that town."),
        Reply(content=(said, call)),
        Reply(text="Not so few."),
    )
    visitor.say("What is Bergen?")
    visitor.expect_answer("A city.")
    thought = visitor.page.get_by_text("I know that town.")
    expect(thought).to_be_hidden()
    visitor.page.get_by_text("Thought about it").click()
    expect(thought).to_be_visible()
    visitor.expect_rest()
    visitor.say("How many live there?")
    visitor.expect_answer("Not so few.")
    expect(visitor.page.locator(".tool summary")).to_have_text("people done")
    visitor.page.locator(".tool summary").click()
    went_in, came_out = visitor.page.locator(".tool pre").all()
    expect(went_in).to_contain_text('"city": "Bergen"')
    expect(came_out).to_have_text("In Bergen live 290,000 people.")


def test_another_model_and_effort_answer_from_the_next_message_on(
    visitor: Visitor, simulator: Simulator
) -> None:
    visitor.page.get_by_label("Effort").select_option("low")
    visitor.say("One.")
    visitor.expect_rest()
    visitor.page.get_by_label("Model", exact=True).select_option("claude-haiku-5-5")
    expect(visitor.page.get_by_label("Model", exact=True)).to_have_value("claude-haiku-5-5")
    visitor.say("Two.")
    expect(visitor.answers).to_have_count(2)
    visitor.expect_rest()
    bodies = [request.body for request in asked(simulator)]
    assert [body["model"] for body in bodies] == ["claude-sonnet-5-5", "claude-haiku-5-5"]
    assert [body["output_config"] for body in bodies] == [{"effort": "low"}, {"effort": "low"}]
    assert bodies[0]["thinking"] == {"type": "adaptive", "display": "summarized"}


def test_another_answer_is_shown_though_its_events_overtake_what_its_request_is_told(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text="First."), Reply(text="Second."))
    visitor.say("A question?")
    visitor.expect_rest()
    told: list[tuple[Route, APIResponse]] = []
    visitor.page.route("**/turns", lambda route: told.append((route, route.fetch())), times=1)
    visitor.button("Answer again").click()
    expect(visitor.page.get_by_text("Second. The answer is complete.")).to_be_attached()
    [(route, response)] = told
    route.fulfill(response=response)
    visitor.expect_rest()
    visitor.expect_answer("Second.")


def test_a_conversation_is_renamed_exported_deleted_and_imported_with_its_branches(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text="First."), Reply(text="Second."))
    visitor.say("A question?")
    visitor.expect_rest()
    visitor.button("Answer again").click()
    visitor.expect_answer("Second.")
    visitor.expect_rest()
    actions = visitor.button("Actions for this conversation")
    actions.click()
    visitor.button("Rename").locator("visible=true").click()
    visitor.page.get_by_label("Title", exact=True).fill("Rivers & lakes")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Rivers & lakes")
    expect(visitor.page.get_by_role("link", name="Rivers & lakes")).to_be_visible()
    actions.click()
    with visitor.page.expect_download() as downloading:
        visitor.button("Export").locator("visible=true").click()
    document = downloading.value.path().read_text()
    assert downloading.value.suggested_filename == "Rivers  lakes.json"
    assert json.loads(document)["title"] == "Rivers & lakes"
    actions.click()
    visitor.button("Delete").locator("visible=true").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(visitor.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Rivers & lakes")).to_have_count(0)
    file: FilePayload = {"name": "rivers.json", "mimeType": "application/json", "buffer": document.encode()}
    visitor.page.locator("input[type=file][accept]").set_input_files([file])
    visitor.expect_answer("Second.")
    expect(visitor.page.get_by_text("2 / 2")).to_be_visible()


def test_a_list_that_was_asked_for_before_a_deletion_does_not_bring_it_back(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text="First."))
    visitor.say("A question?")
    visitor.expect_rest()
    told: list[tuple[Route, APIResponse]] = []
    listing = re.compile(r"/v1/conversations(\?|$)")
    visitor.page.route(listing, lambda route: told.append((route, route.fetch())), times=1)
    visitor.page.reload()
    conversation_id = visitor.page.url.rpartition("/")[2]
    visitor.button("Actions for this conversation").click()
    visitor.button("Delete").locator("visible=true").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(visitor.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    [(route, response)] = told
    assert conversation_id in response.text()
    route.fulfill(response=response)
    listed = visitor.page.get_by_role("navigation", name="Conversations")
    expect(listed.locator("a, p").first).to_be_visible()
    expect(listed.locator(f"a[href='/c/{conversation_id}']")).to_have_count(0)


def test_what_was_typed_and_not_sent_is_there_after_a_reload(visitor: Visitor) -> None:
    visitor.composer.fill("Not finished")
    visitor.page.reload()
    expect(visitor.composer).to_have_value("Not finished")
    visitor.composer.press("Enter")
    visitor.expect_rest()
    visitor.page.reload()
    expect(visitor.composer).to_have_value("")


def test_a_conversation_that_is_not_there_says_so(visitor: Visitor) -> None:
    visitor.open("/c/01a203e4-f45d-75fb-a607-56006653dabb")
    expect(visitor.page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
