"""Files from a command line: what goes, what does not, and where an answer comes from."""

import base64
from pathlib import Path
from typing import Any

import pytest

from antiphon.cli.sources import source_lines
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from tests.cli.conftest import Shell
from tests.cli.test_chat import READY, at_the_prompt
from tests.samples import pdf, png


def newest(simulator: Simulator) -> Any:
    return simulator.requests[-1].body["messages"][-1]["content"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "my files"
    folder.mkdir()
    contents = {"a.png": png(), "b.pdf": pdf(2), "c.zip": b"PK\x03\x04" + b"\0" * 40}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {name: str(folder / name) for name in contents}


def test_ask_sends_files_and_shows_sources(shell: Shell, simulator: Simulator, files: dict[str, str]) -> None:
    place = {"type": "page_location", "document_title": "b.pdf", "document_index": 0}
    place |= {"start_page_number": 2, "end_page_number": 3, "cited_text": "It is."}
    simulator.script(Reply(content=({"type": "text", "text": "Blue.", "citations": [place, place]},)))
    done = shell.run("ask", "-a", files["a.png"], "-a", files["b.pdf"], "--cite", "Which colour?")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Blue.\n\nSources:\n1. b.pdf, page 2\n"
    image, document, text = newest(simulator)
    assert base64.b64decode(image["source"]["data"]) == png()
    assert (document["title"], document["citations"]) == ("b.pdf", {"enabled": True})
    assert text["text"] == "Which colour?"


def test_a_file_alone_can_be_asked_about(shell: Shell, simulator: Simulator, files: dict[str, str]) -> None:
    assert shell.run("ask", "--attach", files["a.png"]).returncode == 0
    assert [block["type"] for block in newest(simulator)] == ["image"]
    listed = shell.run("history", "list").stdout
    assert listed.endswith("  a.png\n")
    assert shell.run("history", "show", listed.split()[0]).stdout.startswith("You: [a.png]")


def test_what_cannot_be_sent_is_one_sentence(
    shell: Shell, simulator: Simulator, files: dict[str, str]
) -> None:
    done = shell.run("ask", "-a", files["c.zip"], "What is this?")
    assert (done.returncode, done.stdout) == (2, "")
    assert "c.zip: This is no file that Claude can read" in done.stderr
    done = shell.run("ask", "-a", "nowhere.png", "What is this?")
    assert done.returncode == 2
    assert done.stderr == "nowhere.png cannot be read (No such file or directory). Nothing was sent.\n"
    assert not simulator.requests
    assert shell.run("history", "list").stdout == ""


def test_in_a_chat_files_go_with_the_next_message(
    shell: Shell, simulator: Simulator, files: dict[str, str]
) -> None:
    terminal = at_the_prompt(shell, "-a", files["b.pdf"])
    terminal.types(f"/attach {files['a.png']}")
    terminal.sees("With your next message: b.pdf, a.png.")
    terminal.sees(READY)
    terminal.types(f"/attach {files['c.zip']}")
    terminal.sees("no file that Claude can read")
    terminal.sees(READY)
    terminal.types("What is this?")
    terminal.sees("That was message 1.")
    terminal.sees(READY)
    terminal.types("/attach")
    terminal.sees("Nothing is attached.")
    terminal.sees(READY)
    terminal.types("/quit")
    assert terminal.ends() == 0
    assert [block["type"] for block in newest(simulator)] == ["document", "image", "text"]


def test_an_exported_conversation_brings_its_files_elsewhere(
    shell: Shell, simulator: Simulator, files: dict[str, str], tmp_path: Path
) -> None:
    shell.run("ask", "--session", "s", "-a", files["a.png"], "What is this?")
    document = shell.run("history", "export", "s").stdout
    other = f"sqlite:///{tmp_path / 'other.db'}"
    done = shell.run("history", "import", "--store", other, stdin=document)
    assert (done.returncode, done.stderr) == (0, "")
    again = shell.run("history", "export", "--store", other, done.stdout.strip())
    assert base64.b64encode(png()).decode() in again.stdout


def test_sources_are_told_once_each_in_the_order_of_the_answer() -> None:
    web = {"type": "web_search_result_location", "url": "https://example.com/", "title": "Exa\x1bmple"}
    pages = {"type": "page_location", "document_index": 1, "document_title": None}
    text = {"type": "char_location", "document_index": 0, "document_title": "notes.txt"}
    blocks: list[dict[str, Any]] = [
        {"type": "text", "text": "a", "citations": [web, text]},
        {"type": "text", "text": "b", "citations": None},
        {"type": "text", "text": "c", "citations": [{**pages, "start_page_number": 3, "end_page_number": 6}]},
        {"type": "text", "text": "d", "citations": [text, 5, {"type": "of_the_future"}]},
    ]
    told = list(source_lines(blocks))
    assert told[:2] == ["", "Sources:"]
    assert [line.partition(". ")[2] for line in told[2:]] == [
        "Exa␛mple, https://example.com/",
        "notes.txt",
        "document 2, pages 3-5",
    ]
    assert list(source_lines([{"type": "text", "text": "nothing cited"}])) == []
