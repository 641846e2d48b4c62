"""The page in Chromium: typing while an answer streams into a long chat, and a longer one's first paint."""

import json
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from bench.processes import Measured
from bench.servers import antiphon, simulator
from tests.browsing import chromium
from tests.web.histories import ANSWER, long_conversation

CHARS_PER_S = 3_000
PACE_S = 0.01
CHARS = 24_000
KEYS = 80
KEY_GAP_MS = 80
PAINTS = 5
SETTLED_MS = 1_000
"""For the long chat to be there and quiet before it is watched."""

WATCH = """() => {
  window.seen = { tasks: [], keys: [] };
  new PerformanceObserver(list => seen.tasks.push(...list.getEntries().map(e => e.duration)))
    .observe({ type: "longtask" });
  new PerformanceObserver(list => seen.keys.push(...list.getEntries()
    .filter(e => e.name === "keydown").map(e => e.duration)))
    .observe({ type: "event", durationThreshold: 16 });
}"""
"""Event Timing: from the key to the next paint, in steps of 8 ms; what took less than 16 ms is not told."""

PAINTED = """() => new Promise(resolve => {
  const look = () => document.querySelector(".answer .markdown")
    ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look);
  look();
})"""


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        simulator(CHARS // 30, 30, PACE_S) as upstream,
        antiphon(upstream, f"sqlite:///{Path(folder) / 'bench.db'}", ANTIPHON_MAX_BODY="64MB") as server,
        chromium() as browser,
    ):
        _typing(browser, server, upstream)
        _first_paint(browser, server)


def _typing(browser: Browser, server: Measured, upstream: Measured) -> None:
    text = "\n\n".join(ANSWER.format(n=n) for n in range(CHARS // len(ANSWER) + 1))[:CHARS]
    delta = round(CHARS_PER_S * PACE_S)
    _post(
        f"{upstream.url}/simulator/script",
        [{"kind": "reply", "text": text, "delta_chars": delta, "pace": PACE_S}],
    )
    page = _opened(browser, server, messages=300)
    page.wait_for_timeout(SETTLED_MS)
    page.evaluate(WATCH)
    page.get_by_label("Your message").fill("Write a lot.")
    page.keyboard.press("Enter")
    page.locator(".answer[aria-busy=true] .markdown").wait_for()
    page.get_by_label("Your message").focus()
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable")
    before, began = _thread_s(metrics), time.monotonic()
    pressed = 0
    while pressed < KEYS and page.locator(".answer[aria-busy=true]").count():
        page.keyboard.press("a")
        pressed += 1
        page.wait_for_timeout(KEY_GAP_MS)
    busy = (_thread_s(metrics) - before) / (time.monotonic() - began)
    seen = page.evaluate("seen")
    keys = sorted([*seen["keys"], *[16.0] * (pressed - len(seen["keys"]))])
    tasks = [task for task in seen["tasks"] if task > 100]
    print(f"{CHARS_PER_S} characters/s into a chat of 300 messages, {pressed} keys pressed meanwhile:")
    print(f"  main thread: {busy:.0%} of its core")
    print(f"  long tasks > 100 ms: {len(tasks)}; > 50 ms: {len(seen['tasks'])}")
    print(f"  key to paint, p50 {statistics.median(keys):.0f} ms, p95 {keys[int(0.95 * len(keys))]:.0f} ms")
    page.context.close()


def _thread_s(metrics: CDPSession) -> float:
    """CPU seconds of the page's main thread so far."""
    values = {each["name"]: each["value"] for each in metrics.send("Performance.getMetrics")["metrics"]}
    return float(values["ThreadTime"])


def _first_paint(browser: Browser, server: Measured) -> None:
    page = _opened(browser, server, messages=1000)
    paints, answers = [], []
    for _ in range(PAINTS):
        page.reload(wait_until="commit")
        paints.append(float(page.evaluate(PAINTED)))
        answers.append(float(page.evaluate(SNAPSHOT)))
    print("first paint of a chat of 1,000 messages, from the start of loading the page:")
    print(f"  median {statistics.median(paints):.0f} ms; the server took {statistics.median(answers):.0f}")
    page.context.close()


SNAPSHOT = """() => performance.getEntriesByType("resource")
  .filter(e => /conversations\\/[0-9a-f-]+$/.test(e.name)).map(e => e.responseStart - e.requestStart)[0]"""


def _opened(browser: Browser, server: Measured, messages: int) -> Page:
    made = _post(f"{server.url}/v1/conversations/import", long_conversation(messages))
    page = browser.new_context(viewport={"width": 1100, "height": 800}).new_page()
    page.goto(f"{server.url}/c/{made['id']}")
    page.get_by_text(f"Question {messages // 2}", exact=True).wait_for()
    return page


def _post(url: str, value: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


if __name__ == "__main__":
    main()
