"""What an answer used and cost, and what is left to spend."""

import json
from typing import Any

from playwright.sync_api import Route, expect

from antiphon.simulator import Reply, Simulator
from tests.web.visitor import Visitor

CACHED = {"cache_read_input_tokens": 4000, "input_tokens": 1000}


def budget(left_usd: str) -> dict[str, Any]:
    return {
        "budget": "principal/day",
        "usd": "1",
        "left_usd": left_usd,
        "resets_at": "2030-01-01T00:00:00Z",
    }


def test_tokens_cache_cost_and_savings_are_told_for_the_answer_and_for_all(
    visitor: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(text="One.", usage=CACHED), Reply(text="Two.", usage=CACHED))
    visitor.say("One?")
    visitor.expect_rest()
    visitor.say("Two?")
    expect(visitor.answers).to_have_count(2)
    visitor.expect_rest()
    visitor.page.locator(".answer .facts").last.click()
    answer = visitor.page.get_by_role("dialog", name="What this answer used and cost")
    expect(answer).to_contain_text("Read5,000 tokens")
    expect(answer).to_contain_text("… from the cache4,000")
    expect(answer).to_contain_text("Saved by the cache$")
    visitor.page.keyboard.press("Escape")
    visitor.page.locator("header .facts").click()
    whole = visitor.page.get_by_role("dialog", name="What this conversation used and cost")
    expect(whole).to_contain_text("Read10,000 tokens")
    expect(whole).to_contain_text("… from the cache80 %")


def test_what_is_left_of_a_budget_is_told_and_pointed_out_when_it_is_little(visitor: Visitor) -> None:
    def usage(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(json={**answer.json(), "budgets": [budget("0.8")]})

    def news(route: Route) -> None:
        text = f"event: notice\ndata: {json.dumps({'type': 'budget', **budget('0.1')})}\n\n"
        route.fulfill(body=text, content_type="text/event-stream")

    visitor.page.route("**/v1/usage?*", usage)
    visitor.say("Hello.")
    visitor.expect_rest()
    money = visitor.page.locator("header .facts")
    money.click()
    budgets = visitor.page.get_by_role("dialog").get_by_label("Budgets")
    expect(budgets).to_contain_text("Your budget for today")
    expect(budgets).to_contain_text("$0.800 of $1.00 left")
    expect(money).not_to_contain_text("left")
    visitor.page.route("**/events", news)
    visitor.context.set_offline(offline=True)
    visitor.context.set_offline(offline=False)
    expect(money).to_contain_text("$0.100 left")
    expect(budgets).to_contain_text("$0.100 of $1.00 left")
