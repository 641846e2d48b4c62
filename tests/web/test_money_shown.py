"""What an answer used and cost, and what is left to spend."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from antiphon.simulator import Reply, Simulator
from tests.web.site import SimulatedSite
from tests.web.visitor import Visitor, new_context

CACHED = {"cache_read_input_tokens": 4000, "input_tokens": 1000}


DOLLAR = """
[[budget]]
scope = "principal"
period = "day"
usd = "1"
"""


@pytest.fixture
def spender(browser: Browser, simulator: Simulator, tmp_path: Path) -> Iterator[Visitor]:
    """A person at a server that may spend a dollar a day."""
    site = SimulatedSite(simulator, tmp_path, DOLLAR)
    site.start()
    context = new_context(browser)
    spender = Visitor(site, context)
    spender.open()
    yield spender
    context.close()
    site.stop()
    assert spender.complaints == []


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


def test_what_is_left_of_a_budget_is_told_and_pointed_out_when_it_is_little(
    spender: Visitor, simulator: Simulator
) -> None:
    simulator.script(Reply(usage={"input_tokens": 50_000}), Reply(usage={"input_tokens": 400_000}))
    spender.say("Hello.")
    spender.expect_rest()
    money = spender.page.locator("header .facts")
    money.click()
    budgets = spender.page.get_by_role("dialog").get_by_label("Budgets")
    expect(budgets).to_contain_text("Your budget for today")
    expect(budgets).to_contain_text("$0.900 of $1.00 left")
    expect(money).not_to_contain_text("left")
    elsewhere = Visitor(spender.site, spender.context)
    elsewhere.open()
    elsewhere.say("Hello.")
    elsewhere.expect_rest()
    expect(money).to_contain_text("$0.100 left")
    expect(budgets).to_contain_text("$0.100 of $1.00 left")
