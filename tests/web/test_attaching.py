"""Files that go with a message: chosen, dropped or pasted; sent at once, and referred to by their ids."""

import base64
import json
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import FilePayload, Locator, Route, expect

from tests.web.visitor import Visitor

NOTES: FilePayload = {"name": "notes – €.txt", "mimeType": "text/plain", "buffer": b"Buy milk."}
KINDS = {b"\x89PNG": "image/png", b"%PDF": "application/pdf"}


class Files:
    """Keeps files as the server does, in the place of it; messages go on to it without them."""

    def __init__(self, visitor: Visitor) -> None:
        self.kept: dict[str, bytes] = {}
        self.content: list[list[dict[str, Any]]] = []
        self.refusal: tuple[int, str] | None = None
        visitor.page.route("**/v1/files", self._keep)
        visitor.page.route("**/v1/files/*", self._show)
        visitor.page.route("**/turns", self._hear)

    def _keep(self, route: Route) -> None:
        if self.refusal is not None:
            status, detail = self.refusal
            problem = {"type": "/problems/too-large", "title": "", "status": status, "detail": detail}
            route.fulfill(status=status, json=problem)
            return
        data = route.request.post_data_buffer or b""
        name = unquote(route.request.headers["x-file-name"])
        self.kept[name] = data
        kind = KINDS.get(data[:4], "text/plain")
        told = {"media_type": kind, "size": len(data), "name": name}
        route.fulfill(status=201, json={"file_id": f"id of {name}", **told})

    def _show(self, route: Route) -> None:
        name = unquote(route.request.url.rpartition("/")[2]).removeprefix("id of ")
        route.fulfill(body=self.kept[name], content_type="image/png")

    def _hear(self, route: Route) -> None:
        asked: dict[str, Any] = json.loads(route.request.post_data or "")
        self.content.append(asked["content"])
        texts = [block for block in asked["content"] if block["type"] == "text"]
        route.continue_(post_data=json.dumps({**asked, "content": texts}))


@pytest.fixture
def files(visitor: Visitor) -> Files:
    return Files(visitor)


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
    visitor: Visitor, files: Files, picture: bytes
) -> None:
    text = base64.b64encode(picture).decode()
    choose(visitor, NOTES, {"name": "paper.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
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
    assert files.kept["notes – €.txt"] == b"Buy milk."
    sources = [(block["type"], block.get("title"), block.get("source")) for block in files.content[0]]
    assert sources == [
        ("document", NOTES["name"], {"type": "file", "file_id": "id of notes – €.txt"}),
        ("document", "paper.pdf", {"type": "file", "file_id": "id of paper.pdf"}),
        ("image", None, {"type": "file", "file_id": "id of pasted.png"}),
        ("text", None, None),
    ]


def test_what_is_attached_survives_a_reload_before_and_after_it_is_sent(
    visitor: Visitor, files: Files, picture: bytes
) -> None:
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
    visitor.page.route("**/turns", files._hear)
    visitor.expect_rest()
    assert [block["type"] for block in files.content[-1]] == ["image", "text"]
    assert len(files.kept) == 1


def test_a_file_that_the_server_does_not_take_says_why_and_holds_the_message(
    visitor: Visitor, files: Files
) -> None:
    files.refusal = (413, "The file is larger than 30 MB. Nothing was stored.")
    choose(visitor, NOTES)
    expect(visitor.page.get_by_role("alert")).to_have_text(files.refusal[1])
    visitor.say("Read this.")
    expect(visitor.page.get_by_text("What you wrote stays here.")).to_be_visible()
    expect(visitor.composer).to_have_value("Read this.")
    files.refusal = None
    visitor.button("Send notes – €.txt again").click()
    expect(visitor.page.get_by_role("alert")).to_have_count(0)
    visitor.composer.press("Enter")
    visitor.expect_rest()
    assert [block["type"] for block in files.content[0]] == ["document", "text"]


def test_a_large_photograph_is_made_smaller_before_it_travels(visitor: Visitor, files: Files) -> None:
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
    (data,) = files.kept.values()
    assert data[:3] == b"\xff\xd8\xff", "it is a JPEG now"
    frame = data.index(b"\xff\xc0") + 5
    height, width = (int.from_bytes(data[at : at + 2], "big") for at in (frame, frame + 2))
    assert (width, height) == (2000, 1000)
