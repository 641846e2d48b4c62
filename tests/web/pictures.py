"""Takes the pictures of the page in `docs/images`: `python -m tests.web.pictures`, by `make images`."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from antiphon.model.local.upstream import LocalUpstream
from antiphon.simulator import Fail, Reply, Stall, running
from tests.browsing import chromium
from tests.web.asking import ask
from tests.web.site import SimulatedSite
from tests.web.visitor import Visitor

FOLDER = Path(__file__).parents[2] / "docs" / "images"
DESK = {"width": 1200, "height": 780}
PHONE = {"width": 390, "height": 780}

CACHED = {"cache_read_input_tokens": 4210, "input_tokens": 130}

ANSWER = """A **token bucket** is the usual choice: it allows short bursts, and holds the average.

1. Keep a number of tokens and the time of the last refill.
2. On each request, add what has accrued since, up to the size of the bucket.
3. Take one token, or refuse.

```python
import time


class Bucket:
    def __init__(self, rate: float, size: int) -> None:
        self.rate, self.size = rate, size
        self.tokens, self.at = float(size), time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
```

| | Burst | Memory per client |
|---|---|---|
| Token bucket | yes | two numbers |
| Fixed window | at its edges | one number |
| Sliding log | no | every request |
"""


def _visitor(browser: Browser, site: SimulatedSite, size: dict[str, int], scheme: Any) -> Visitor:
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme=scheme,
        reduced_motion="reduce",
        device_scale_factor=1.5,
    )
    visitor = Visitor(site, context)
    visitor.open()
    expect(visitor.page.get_by_label("Model", exact=True)).to_be_visible()
    return visitor


def _take(visitor: Visitor, name: str) -> None:
    visitor.page.mouse.move(0, 0)
    visitor.page.screenshot(path=FOLDER / f"{name}.png")
    sys.stdout.write(f"{name}.png\n")


def _talk(browser: Browser, site: SimulatedSite) -> None:
    """A conversation, in both themes, at a desk and on a phone."""
    desk = _visitor(browser, site, DESK, "light")
    _take(desk, "empty")
    for question in ("A name for a small river boat", "Explain group commit", "Plan three days in Bergen"):
        desk.say(question)
        desk.expect_rest()
        desk.page.get_by_role("link", name="New conversation").click()
        expect(desk.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    thought = "They want one limiter for one process. A token bucket is simple and needs no clean-up."
    site.simulator.script(Reply(text=ANSWER, thinking=thought, usage=CACHED))
    desk.say("How would you limit requests per client in Python?")
    desk.expect_rest()
    expect(desk.page.locator(".hljs-keyword").first).to_be_visible()
    desk.page.locator(".scroller").evaluate("node => { node.scrollTop = 0; }")
    _take(desk, "conversation")
    phone = _visitor(browser, site, PHONE, "dark")
    phone.open(f"/c/{desk.id}")
    expect(phone.page.locator(".hljs-keyword").first).to_be_visible()
    phone.page.locator(".scroller").evaluate("node => { node.scrollTop = 0; }")
    _take(phone, "phone-dark")
    site.simulator.script(Reply(text=ANSWER, thinking=thought, usage=CACHED, fault=Stall(after=96)))
    desk.page.emulate_media(color_scheme="dark")
    desk.button("Answer again").click()
    expect(desk.answers.get_by_text("Keep a number of tokens")).to_be_visible()
    desk.say("And with several processes?")
    expect(desk.page.get_by_text("Waits for the answer above")).to_be_visible()
    _take(desk, "writing-dark")
    site.simulator.release()
    desk.expect_rest()


def _endings(browser: Browser, site: SimulatedSite) -> None:
    visitor = _visitor(browser, site, DESK, "light")
    site.simulator.script(
        Reply(text="The bell rang twice, and then", stop_reason="max_tokens"), Fail(status=529)
    )
    visitor.say("Begin a story about a lighthouse.")
    visitor.expect_rest()
    visitor.say("Go on, and let it rain.")
    visitor.expect_end("Claude is overloaded")
    _take(visitor, "endings")


def _asked(browser: Browser, site: SimulatedSite) -> None:
    """A tool asks before it runs."""
    visitor = _visitor(browser, site, DESK, "light")
    ask(visitor, site.simulator, "forecast")
    _take(visitor, "approval")


def _sought(browser: Browser, site: SimulatedSite) -> None:
    """Words are looked for in all that was said."""
    visitor = _visitor(browser, site, DESK, "dark")
    visitor.page.get_by_role("searchbox").fill("token bucket")
    visitor.page.locator(".hit").last.click()
    expect(visitor.page.locator(".hljs-keyword").first).to_be_visible()
    expect(visitor.page.locator(".row.aimed")).to_have_count(0)
    _take(visitor, "search-dark")


def _first_run(browser: Browser, site: SimulatedSite) -> None:
    """Without credentials: a small model on this machine answers."""
    local = LocalUpstream()
    visitor = _visitor(browser, site, DESK, "light")
    about = {"model": local.title, "notice": local.describe()}
    visitor.page.route("**/about", lambda route: route.fulfill(json=about))
    visitor.page.route("**/v1/models", lambda route: route.fulfill(json={"models": [], "default": "local"}))
    visitor.page.reload()
    visitor.page.get_by_text("How to connect Claude").click()
    _take(visitor, "first-run")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running() as simulator, chromium() as browser:
        site = SimulatedSite(simulator, Path(folder))
        site.start()
        try:
            _first_run(browser, site)
            _talk(browser, site)
            _endings(browser, site)
            _sought(browser, site)
            _asked(browser, site)
        finally:
            site.stop()


if __name__ == "__main__":
    main()
