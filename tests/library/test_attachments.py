"""Files that a program sends along."""

import base64
from pathlib import Path
from typing import Any

import pytest

from antiphon import AsyncChat, Chat, InvalidRequest, TooLarge
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from tests.marks import unmarked
from tests.samples import gif, pdf, png, png_that_says

PLACE = {
    "type": "page_location",
    "cited_text": "It is blue.",
    "document_index": 0,
    "document_title": "a.pdf",
    "start_page_number": 2,
    "end_page_number": 3,
}


def newest(simulator: Simulator) -> list[dict[str, Any]]:
    """What the last request says, without the marks of the cache."""
    content: list[dict[str, Any]] = unmarked(simulator.requests[-1].body["messages"])[-1]["content"]
    return content


def kinds(simulator: Simulator) -> list[tuple[str, str, str]]:
    """What was sent: the kind of each block, how its source is given, and of which type it is."""
    told = ((block, block.get("source", {})) for block in newest(simulator))
    return [(block["type"], source.get("type", ""), source.get("media_type", "")) for block, source in told]


def test_files_go_before_the_words(simulator: Simulator, tmp_path: Path) -> None:
    image, document = tmp_path / "a.png", tmp_path / "b.pdf"
    image.write_bytes(png())
    document.write_bytes(pdf(2))
    with Chat() as chat:
        chat.send("What is this?", attachments=[str(image), document, gif(), "Grüße".encode()])
        assert kinds(simulator) == [
            ("image", "base64", "image/png"),
            ("document", "base64", "application/pdf"),
            ("image", "base64", "image/gif"),
            ("document", "text", "text/plain"),
            ("text", "", ""),
        ]
        assert newest(simulator)[1]["title"] == "b.pdf"
        assert base64.b64decode(newest(simulator)[1]["source"]["data"]) == pdf(2)
        assert chat.history()[0]["content"][0]["source"]["type"] == "file"
        "".join(chat.stream("", attachments=[png(shade=9)]))
        assert kinds(simulator) == [("image", "base64", "image/png")]


async def test_without_threads_too(simulator: Simulator) -> None:
    async with AsyncChat() as chat:
        await chat.send("What is this?", [png()])
        assert kinds(simulator)[0] == ("image", "base64", "image/png")
        pieces = [text async for text in chat.stream("And this?", [pdf()])]
        assert pieces
        assert kinds(simulator)[0] == ("document", "base64", "application/pdf")


@pytest.mark.parametrize("where", ["memory://", "sqlite"])
def test_a_conversation_in_a_database_has_its_files_in_the_next_program(
    simulator: Simulator, tmp_path: Path, where: str
) -> None:
    store = "memory://" if where == "memory://" else f"sqlite:///{tmp_path / 'a.db'}"
    with Chat(store=store, session_id="s") as chat:
        chat.send("What is this?", [png(70, 50)])
        first = unmarked(simulator.requests[-1].body["messages"])
        if where == "memory://":
            chat.send("And now?")
    if where == "sqlite":
        with Chat(store=store, session_id="s") as chat:
            chat.send("And now?")
    assert unmarked(simulator.requests[-1].body["messages"])[:1] == first


def test_what_cannot_be_attached_is_told_before_anything_is_sent(
    simulator: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04" + b"\0" * 40)
    (tmp_path / "b.png").write_bytes(png_that_says(9000, 9))
    with Chat() as chat:
        for wrong, words in (
            (tmp_path / "missing.png", "missing.png cannot be read"),
            (tmp_path, "cannot be read"),
            ("\0", "cannot be read"),
            (tmp_path / "a.zip", "a.zip: This is no file that Claude can read"),
            (b"", "empty"),
        ):
            with pytest.raises(InvalidRequest, match=words):
                chat.send("What is this?", [png(), wrong])
        with pytest.raises(TooLarge, match=r"b\.png: This image has 9,000 x 9 pixels"):
            chat.send("What is this?", [tmp_path / "b.png"])
        with pytest.raises(InvalidRequest, match="more than 20 images"):
            chat.send("What are these?", [png(2001, 1, shade) for shade in range(21)])
        assert chat.history() == []
    assert not simulator.requests


def test_places_that_claude_cites_are_kept_and_sent_back(simulator: Simulator) -> None:
    said = {"type": "text", "text": "It is blue.", "citations": [PLACE]}
    simulator.script(Reply(content=(said,)), Reply(text="Yes."))
    with Chat() as chat:
        reply = chat.send("Which colour?", [pdf(3)], citations=True)
        assert newest(simulator)[0]["citations"] == {"enabled": True}
        assert reply.blocks == (said,)
        chat.send("Sure?")
    assert unmarked(simulator.requests[-1].body["messages"])[1]["content"] == [said]


def test_one_cited_document_means_that_all_are(simulator: Simulator) -> None:
    """The Messages API takes no mixture."""
    with Chat() as chat:
        chat.send("One", [pdf(1)])
        chat.send("Two", [pdf(2)], citations=True)
        cited = [
            block["citations"]
            for message in simulator.requests[-1].body["messages"]
            for block in message["content"]
            if block["type"] == "document"
        ]
    assert cited == [{"enabled": True}] * 2
