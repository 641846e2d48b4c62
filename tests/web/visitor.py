"""A person at the page, and what they see."""

import re
import time
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.web.site import Site

PATIENCE_MS = 15_000
LOOK_MS = 50

_COMPLAINTS = ("Security", "Trusted", "Refused to", "Content Security")


class Visitor:
    """One tab. Whatever a browser complains about is kept in `complaints`."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site = site
        self.context = context
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("console", self._console)
        self.page.on("request", lambda request: self._asked(request.url))

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, said: Any) -> None:
        if any(word in said.text for word in _COMPLAINTS):
            self.complaints.append(said.text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.site.url, "data:", "blob:")):
            self.complaints.append(f"asked for {url}")

    def open(self, path: str = "/") -> None:
        self.page.goto(self.site.url + path)

    @property
    def id(self) -> str:
        """The open conversation's."""
        expect(self.page).to_have_url(re.compile("/c/"))
        return self.page.url.rpartition("/")[2]

    @property
    def composer(self) -> Locator:
        return self.page.get_by_label("Your message")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def say(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    @property
    def questions(self) -> Locator:
        return self.page.locator(".question:not(.dead) .bubble")

    @property
    def answers(self) -> Locator:
        return self.page.locator(".answer .markdown")

    def expect_answer(self, text: str) -> None:
        expect(self.answers.last).to_have_text(text)

    def expect_end(self, words: str) -> None:
        """Why the answer ended is told below it."""
        expect(self.page.locator(".ending").last).to_contain_text(words)

    def expect_rest(self) -> None:
        """Nothing is being written, sent, or waited for."""
        expect(self.page.locator(".answer[aria-busy=true], .outgoing, .queued")).to_have_count(0)

    def expect_shown(self, held: list[tuple[str, str]], doing: object = None) -> None:
        """The page comes to show this: one whose server was away takes it up again after a while."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while self.shown() != held and time.monotonic() < until:
            self.page.wait_for_timeout(LOOK_MS)
        assert self.shown() == held, doing

    def approval(self, tool: str = "forecast") -> Locator:
        """What asks whether a tool may run."""
        return self.page.get_by_role("region", name=f"Allow {tool}?")

    def shown(self) -> list[tuple[str, str]]:
        """The conversation from top to bottom, as `(role, text)`."""
        read = """() => [...document.querySelectorAll(
            ".question:not(.dead):not(.queued):not(.outgoing) .bubble, .answer")].flatMap(node =>
              node.matches(".bubble") ? [["user", node.textContent]]
                : [["assistant", [...node.querySelectorAll(".markdown")].map(m => m.textContent).join("")]])
            .filter(([role, text]) => role === "user" || text !== "")"""
        return [(str(role), str(text)) for role, text in self.page.evaluate(read)]


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1100, "height": 760}, **options)
    context.set_default_timeout(PATIENCE_MS)
    return context
