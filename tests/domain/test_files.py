"""Ids of files, their names, and references to them within blocks."""

from typing import Any

from antiphon.domain.files import (
    Media,
    block_of,
    file_ids,
    file_of,
    is_file_id,
    plain_name,
    with_files,
)
from tests.samples import pdf, png

IMAGE = Media(media_type="image/png", width=3, height=2)
PDF = Media(media_type="application/pdf", pages=1)


def test_the_same_bytes_of_one_principal_are_one_file_and_of_two_are_two() -> None:
    one, again = file_of("zoe", png(), IMAGE, "a.png"), file_of("zoe", png(), IMAGE, "b.png")
    assert one.facts.id == again.facts.id
    assert file_of("max", png(), IMAGE).facts.id != one.facts.id
    assert file_of("zoe", png(shade=9), IMAGE).facts.id != one.facts.id


def test_an_id_tells_neither_the_principal_nor_the_content() -> None:
    facts = file_of("zoe@example.com", png(), IMAGE).facts
    assert is_file_id(facts.id)
    assert "zoe" not in facts.id
    assert facts.id[2:] not in facts.sha256
    assert facts.sha256[:8] not in facts.id


def test_ids_of_the_provider_are_none_of_ours() -> None:
    for other in ("file_011CNha8iCJcU1wXNR6q4V8w", "", "f-", "f-" + "A" * 40, "f-" + "0" * 41):
        assert not is_file_id(other)


def test_a_name_is_the_last_part_of_a_path_and_plain() -> None:
    assert plain_name("../../etc/passwd") == "passwd"
    assert plain_name("C:\\Users\\zoe\\a b.png") == "a b.png"
    assert plain_name("x\r\nSet-Cookie: a\x00\u202e.pdf") == "xSet-Cookie: a.pdf"
    assert len(plain_name("é" * 1000)) == 200


def test_references_are_found_and_changed_wherever_they_stand() -> None:
    image, document = (
        block_of(file_of("p", data, media, "n").facts) for data, media in ((png(), IMAGE), (pdf(), PDF))
    )
    text: dict[str, Any] = {"type": "text", "text": "x"}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [text, image]}
    within = {"type": "document", "source": {"type": "content", "content": [image, text]}}
    said = {"type": "tool_result", "tool_use_id": "t", "content": "words"}
    blocks = [text, document, result, within, said]
    ids = [image["source"]["file_id"], document["source"]["file_id"]]
    assert list(file_ids(blocks)) == [ids[1], ids[0], ids[0]]
    changed = [with_files(block, lambda found: {"type": found["type"], "seen": True}) for block in blocks]
    assert changed[0] is text
    assert changed[4] is said
    assert changed[1] == {"type": "document", "seen": True}
    assert changed[2]["content"] == [text, {"type": "image", "seen": True}]
    assert changed[3]["source"]["content"] == [{"type": "image", "seen": True}, text]
    assert list(file_ids(changed)) == []
