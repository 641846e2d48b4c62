"""Files that go with a message: chosen, dropped or pasted; sent at once, and referred to by their ids."""

import base64
from typing import Any

from playwright.sync_api import FilePayload, Locator, expect

from antiphon.simulator import Simulator
from tests.samples import pdf
from tests.server.client import Client
from tests.server.histories import asked
from tests.web.visitor import Visitor

NOTES: FilePayload = {"name": "notes – €.txt", "mimeType": "text/plain", "buffer": b"Buy milk."}
PAPER: FilePayload = {"name": "paper.pdf", "mimeType": "application/pdf", "buffer": pdf()}


def told(simulator: Simulator) -> list[tuple[str, str | None, bytes]]:
    """What Claude was sent last: of each block its type, its title, and what is in it."""
    content: list[dict[str, Any]] = asked(simulator)[-1].body["messages"][-1]["content"]
    return [(block["type"], block.get("title"), _inside(block)) for block in content]


def _inside(block: dict[str, Any]) -> bytes:
    if block["type"] == "text":
        return str(block["text"]).encode()
    source = block["source"]
    data = str(source["data"])
    return base64.b64decode(data) if source["type"] == "base64" else data.encode()


def chips(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("list", name="Attached files").get_by_role("listitem")


def choose(visitor: Visitor, *chosen: FilePayload) -> None:
    visitor.page.locator("input[type=file][multiple]").set_input_files(chosen)


GIVE = """([kind, base64, name]) => {
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/png" }));
  const target = document.querySelector(".composer textarea");
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
}"""


def test_chosen_dropped_and_pasted_files_go_with_the_message(
    visitor: Visitor, simulator: Simulator, picture: bytes
) -> None:
    text = base64.b64encode(picture).decode()
    choose(visitor, NOTES, PAPER)
    expect(chips(visitor)).to_have_count(2)
    visitor.page.evaluate(GIVE, ["drop", text, "dropped.png"])
    expect(chips(visitor)).to_have_count(3)
    visitor.page.evaluate(GIVE, ["paste", text, "pasted.png"])
    expect(chips(visitor).locator("img")).to_have_count(2)
    expect(chips(visitor).get_by_role("progressbar")).to_have_count(0)
    visitor.button("Remove dropped.png").click()
    visitor.say("What are these?")
    visitor.expect_rest()
    expect(chips(visitor)).to_have_count(0)
    assert told(simulator) == [
        ("document", NOTES["name"], NOTES["buffer"]),
        ("document", PAPER["name"], PAPER["buffer"]),
        ("image", None, picture),
        ("text", None, b"What are these?"),
    ]


def test_what_is_attached_survives_a_reload_before_and_after_it_is_sent(
    visitor: Visitor, simulator: Simulator, picture: bytes
) -> None:
    kept: list[str] = []
    visitor.page.on("request", lambda request: kept.append(request.url) if request.method == "POST" else None)
    choose(visitor, {"name": "dot.png", "mimeType": "image/png", "buffer": picture})
    expect(chips(visitor).locator("img")).to_be_visible()
    visitor.page.reload()
    expect(chips(visitor).locator("img")).to_be_visible()
    visitor.page.route("**/turns", lambda route: route.abort())
    visitor.say("What is this?")
    expect(visitor.page.get_by_text("It is kept here until the server has it.")).to_be_visible()
    visitor.page.wait_for_url("**/c/*")
    visitor.page.reload()
    expect(visitor.page.locator(".outgoing img")).to_be_visible()
    assert "base64" not in visitor.page.evaluate("JSON.stringify(localStorage)")
    visitor.page.unroute("**/turns")
    visitor.expect_rest()
    assert told(simulator) == [("image", None, picture), ("text", None, b"What is this?")]
    assert sum(url.endswith("/v1/files") for url in kept) == 1


def test_a_file_that_the_server_does_not_take_says_why_and_holds_the_message(
    visitor: Visitor, simulator: Simulator
) -> None:
    choose(visitor, NOTES, {"name": "paper.pdf", "mimeType": "application/pdf", "buffer": pdf()[:-20]})
    expect(visitor.page.get_by_role("alert")).to_contain_text("cut off")
    visitor.say("Read this.")
    expect(visitor.page.get_by_text("What you wrote stays here.")).to_be_visible()
    expect(visitor.composer).to_have_value("Read this.")
    visitor.button("Remove paper.pdf").click()
    visitor.composer.press("Enter")
    visitor.expect_rest()
    assert told(simulator)[0] == ("document", NOTES["name"], NOTES["buffer"])


def test_a_file_that_did_not_arrive_can_be_sent_again(visitor: Visitor, simulator: Simulator) -> None:
    # That a request is lost on its way is nothing that a server does.
    visitor.page.route("**/v1/files", lambda route: route.abort(), times=1)
    choose(visitor, NOTES)
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    visitor.button("Send notes – €.txt again").click()
    expect(visitor.page.get_by_role("alert")).to_have_count(0)
    expect(chips(visitor).get_by_role("progressbar")).to_have_count(0)
    visitor.say("Read this.")
    visitor.expect_rest()
    assert [kind for kind, _, _ in told(simulator)] == ["document", "text"]


def test_a_large_photograph_is_made_smaller_before_it_travels(visitor: Visitor) -> None:
    draw = """async () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [3000, 1500];
      const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/png"));
      const data = new DataTransfer();
      data.items.add(new File([blob], "photo.png", { type: "image/png" }));
      document.querySelector(".composer textarea").dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }"""
    visitor.page.evaluate(draw)
    expect(chips(visitor).get_by_role("progressbar")).to_have_count(0)
    source = chips(visitor).locator("img").get_attribute("src")
    assert source is not None
    data = Client(visitor.site.url).get(source).body
    assert data[:3] == b"\xff\xd8\xff", "it is a JPEG now"
    frame = data.index(b"\xff\xc0") + 5
    height, width = (int.from_bytes(data[at : at + 2], "big") for at in (frame, frame + 2))
    assert (width, height) == (2000, 1000)
