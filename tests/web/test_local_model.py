"""Without an account at Claude: a model on this machine answers, and the page says so."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from antiphon.model.local.catalogue import SMOLLM2
from antiphon.model.local.weights import fetch, models_folder
from tests.web.site import Site
from tests.web.visitor import Visitor, new_context

PATIENCE_MS = 90_000
"""A small machine reads a prompt for a while before it says the first word."""


@pytest.fixture
def newcomer(browser: Browser, tmp_path: Path) -> Iterator[Visitor]:
    fetch(SMOLLM2, models_folder(os.environ))
    site = Site(tmp_path, {"ANTIPHON_MODEL": "local", "ANTIPHON_LOCAL_MODEL": SMOLLM2.name})
    site.start()
    context = new_context(browser)
    visitor = Visitor(site, context)
    visitor.open()
    yield visitor
    context.close()
    site.stop()
    assert visitor.complaints == []


def test_a_newcomer_is_told_who_answers_and_is_answered(newcomer: Visitor) -> None:
    who = newcomer.page.get_by_role("region", name="Who answers")
    expect(who).to_contain_text(SMOLLM2.title)
    who.get_by_text("How to connect Claude").click()
    expect(who).to_contain_text("ANTHROPIC_API_KEY")
    newcomer.say("Say hello.")
    expect(newcomer.answers.first).not_to_be_empty(timeout=PATIENCE_MS)
    newcomer.button("Stop").or_(newcomer.page.locator(".answer .tools")).first.wait_for()
    newcomer.page.keyboard.press("Escape")
    newcomer.expect_rest()
    shown = newcomer.shown()
    assert shown == newcomer.site.history(newcomer.id)
    assert shown[0] == ("user", "Say hello.")
    expect(newcomer.page.locator(".answer .facts")).to_contain_text("free")
