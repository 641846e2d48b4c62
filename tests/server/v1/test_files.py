"""Attaching files: kept, referred to, sent to Claude as they are, and never a way to run something here."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from antiphon.simulator import Simulator
from tests.samples import jpeg, pdf, png, png_that_says
from tests.server.client import Answer
from tests.server.conftest import Serve
from tests.server.v1.api import Api

CLAUDES_OWN = "file_011CNha8iCJcU1wXNR6q4V8w"


def upload(api: Api, data: bytes, name: str = "", **headers: str) -> Answer:
    named = {"X-File-Name": quote(name)} if name else {}
    given = {"Content-Type": "application/octet-stream", **named, **headers}
    return api.client.request("POST", "/v1/files", data, given)


def uploaded(api: Api, data: bytes, name: str = "") -> Any:
    answer = upload(api, data, name)
    assert answer.status == 201, answer.body
    return answer.json


def a_file(kind: str, file: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "source": {"type": "file", "file_id": file["file_id"]}, **more}


def sent(simulator: Simulator, turn: int = -1) -> Any:
    """The content of the newest message of a request."""
    return simulator.requests[turn].body["messages"][-1]["content"]


def test_a_file_is_told_what_it_is_by_its_bytes(kept_api: Api) -> None:
    told = uploaded(kept_api, png(70, 50), "Übersicht 1.jpeg")
    assert told == {
        "file_id": told["file_id"],
        "media_type": "image/png",
        "size": len(png(70, 50)),
        "name": "Übersicht 1.jpeg",
        "sha256": told["sha256"],
        "width": 70,
        "height": 50,
    }
    assert uploaded(kept_api, pdf(3), "a.png")["pages"] == 3
    assert uploaded(kept_api, "Grüße".encode())["media_type"] == "text/plain"


def test_the_same_bytes_are_one_file(kept_api: Api) -> None:
    first, again = uploaded(kept_api, png(), "a.png"), uploaded(kept_api, png(), "b.png")
    assert again == {**first, "name": "b.png"}


def test_files_come_back_and_cannot_run_anything(kept_api: Api) -> None:
    script = b"<html><script>alert(1)</script></html>"
    for data, kind, how in (
        (png(), "image/png", "inline"),
        (pdf(), "application/pdf", "attachment"),
        (script, "text/plain; charset=utf-8", "attachment"),
    ):
        told = uploaded(kept_api, data, 'x"; filename=y.html\n.html')
        answer = kept_api.client.get(f"/v1/files/{told['file_id']}")
        assert answer.status == 200
        assert answer.body == data
        assert answer.headers["content-type"] == kind
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        named = "x%22%3B%20filename%3Dy.html.html"
        assert answer.headers["content-disposition"] == f"{how}; filename*=UTF-8''{named}"


def test_a_copy_that_is_still_the_same_is_not_sent_again(api: Api) -> None:
    path = f"/v1/files/{uploaded(api, png())['file_id']}"
    tag = api.client.get(path).headers["etag"]
    answer = api.client.request("GET", path, headers={"If-None-Match": tag})
    assert (answer.status, answer.body) == (304, b"")


def test_what_is_no_file_here_is_not_found(api: Api) -> None:
    for file_id in (CLAUDES_OWN, "f-" + "0" * 40, "x", "..%2Fsecret"):
        assert api.client.get(f"/v1/files/{file_id}").problem == "not-found"


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 422, "empty"),
        (b"\x7fELF" + b"\0" * 90, 422, "PNG, JPEG, GIF and WebP images, PDF, and text"),
        (png()[:-20], 422, "cut off"),
        (pdf()[:-20], 422, "cut off"),
        (pdf(more=b"/Encrypt 9 0 R "), 422, "locked"),
        (png_that_says(50_000, 50_000), 413, "8,000"),
        (pdf(601), 413, "601 pages"),
    ],
)
def test_what_claude_cannot_read_is_refused_and_not_kept(
    api: Api, data: bytes, status: int, words: str
) -> None:
    answer = upload(api, data)
    assert answer.status == status
    assert words in answer.json["detail"]
    assert answer.problem == {413: "too-large", 422: "invalid-request"}[status]


def test_a_file_beyond_the_limit_is_refused_as_it_comes(serve: Serve) -> None:
    api = Api(serve(max_file=1000))
    assert upload(api, b"a" * 5096).status == 201
    assert upload(api, b"a" * 5097).problem == "too-large"
    pieces = (b"a" * 500 for _ in range(12))
    answer = api.client.request("POST", "/v1/files", pieces)
    assert answer.problem == "too-large"
    assert "ANTIPHON_MAX_FILE" in answer.json["detail"]


def test_a_page_of_another_site_cannot_upload(api: Api) -> None:
    assert upload(api, png(), Origin="https://evil.example").problem == "forbidden-origin"


def test_claude_gets_the_bytes_and_the_log_only_a_reference(kept_api: Api, simulator: Simulator) -> None:
    image, document, notes = (
        uploaded(kept_api, data, name)
        for data, name in ((jpeg(), "a.jpg"), (pdf(2), "b.pdf"), (b"Notes.", "c.txt"))
    )
    conversation = kept_api.conversation()
    kept_api.asked(
        conversation,
        [
            a_file("image", image),
            a_file("document", document, title="b.pdf"),
            a_file("document", notes, title="c.txt"),
            {"type": "text", "text": "What is this?"},
        ],
    )
    first = sent(simulator)
    assert [block["type"] for block in first] == ["image", "document", "document", "text"]
    assert first[0]["source"] == {
        "type": "base64",
        "media_type": "image/jpeg",
        "data": base64.b64encode(jpeg()).decode(),
    }
    assert base64.b64decode(first[1]["source"]["data"]) == pdf(2)
    assert first[1]["title"] == "b.pdf"
    assert first[2]["source"] == {"type": "text", "media_type": "text/plain", "data": "Notes."}
    log = kept_api.client.get(f"/v1/conversations/{conversation}/export").json["events"]
    assert base64.b64encode(pdf(2)).decode() not in json.dumps(log)
    (added,) = [event["data"] for event in log if event["type"] == "message_add"]
    assert added["content"][1]["source"] == {
        "type": "file",
        "file_id": document["file_id"],
        "media_type": "application/pdf",
        "bytes": len(pdf(2)),
        "name": "b.pdf",
        "pages": 2,
    }


def test_a_file_is_sent_again_byte_for_byte_so_that_the_cache_holds(api: Api, simulator: Simulator) -> None:
    conversation = api.conversation()
    image = uploaded(api, png(2000, 1400))
    text = {"type": "text", "text": "What is this? " * 400}
    api.asked(conversation, [a_file("image", image), text])
    events = api.asked(conversation, "And now?")
    (usage,) = [event.data["usage"] for event in events if event.type == "step_end"][-1:]
    assert usage["cache_read_tokens"] > 3000
    first, second = (seen.body["messages"][0]["content"] for seen in simulator.requests)
    assert first[0] == second[0]


def test_bytes_within_a_message_become_a_file(kept_api: Api, simulator: Simulator) -> None:
    conversation = kept_api.conversation()
    data = base64.b64encode(png(9, 9)).decode()
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": data}}
    kept_api.asked(conversation, [block, {"type": "text", "text": "?"}])
    assert sent(simulator)[0]["source"] == {"type": "base64", "media_type": "image/png", "data": data}
    state = kept_api.snapshot(conversation)["state"]
    (asked,) = [message for message in state["messages"].values() if message["role"] == "user"]
    source = asked["content"][0]["source"]
    assert source["file_id"] == uploaded(kept_api, png(9, 9))["file_id"]
    assert data not in json.dumps(state)


def refused_contents(api: Api) -> dict[str, Any]:
    image, document = uploaded(api, png()), uploaded(api, pdf())
    foreign = {"type": "image", "source": {"type": "file", "file_id": CLAUDES_OWN}}
    return {
        "an id of Claude's own": foreign,
        "the same within a document": {
            "type": "document",
            "source": {"type": "content", "content": [{"type": "text", "text": "x"}, foreign]},
        },
        "no id": {"type": "image", "source": {"type": "file"}},
        "an image as a document": a_file("document", image),
        "a document as an image": a_file("image", document),
        "text as an image": {"type": "image", "source": {"type": "text", "data": "x"}},
        "no base64": {"type": "image", "source": {"type": "base64", "data": "§"}},
        "no image": {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
        "no source": {"type": "image", "source": {}},
    }


def test_what_cannot_be_attached_is_refused_with_its_message(api: Api, simulator: Simulator) -> None:
    conversation = api.conversation()
    for case, block in refused_contents(api).items():
        answer = api.send(conversation, [block, {"type": "text", "text": "?"}])
        assert (answer.status, answer.problem) == (422, "invalid-request"), case
    gone = {"file_id": "f-" + "0" * 40}
    assert api.send(conversation, [a_file("image", gone)]).problem == "not-found"
    assert not simulator.requests
    assert api.snapshot(conversation)["as_of_seq"] == 1


def test_what_a_client_says_of_its_file_does_not_count(api: Api) -> None:
    conversation = api.conversation()
    block = a_file("image", uploaded(api, png(70, 50)), title="of no use to Claude")
    block["source"] |= {"media_type": "application/pdf", "bytes": -1, "width": 10**9, "cache": "x"}
    api.asked(conversation, [block, {"type": "text", "text": "?"}])
    state = api.snapshot(conversation)["state"]
    (asked,) = [message for message in state["messages"].values() if message["role"] == "user"]
    source = asked["content"][0]["source"]
    assert (source["media_type"], source["width"]) == ("image/png", 70)
    assert asked["content"][0].keys() == {"type", "source"}
    assert source.keys() == {"type", "file_id", "media_type", "bytes", "width", "height"}


def test_with_its_conversation_a_file_goes_and_with_another_it_stays(kept_api: Api) -> None:
    shared, own = uploaded(kept_api, png(shade=1)), uploaded(kept_api, png(shade=2))
    one, other = kept_api.conversation(), kept_api.conversation()
    kept_api.asked(one, [a_file("image", shared), a_file("image", own), {"type": "text", "text": "?"}])
    kept_api.asked(other, [a_file("image", shared), {"type": "text", "text": "?"}])
    kept_api.client.request("DELETE", f"/v1/conversations/{one}")

    def found(file: Any) -> int:
        return kept_api.client.get(f"/v1/files/{file['file_id']}").status

    assert found(own) == 404
    assert found(shared) == 200
    kept_api.client.request("DELETE", f"/v1/conversations/{other}")
    assert found(shared) == 404


def test_an_exported_conversation_brings_its_files(api: Api, serve: Serve, simulator: Simulator) -> None:
    conversation = api.conversation()
    file = uploaded(api, png(70, 50), "a.png")
    api.asked(conversation, [a_file("image", file), {"type": "text", "text": "What is this?"}])
    document = api.client.get(f"/v1/conversations/{conversation}/export").json
    there = Api(serve())
    copy = there.client.post("/v1/conversations/import", document)
    assert copy.status == 201
    assert there.client.get(f"/v1/files/{file['file_id']}").body == png(70, 50)
    there.asked(copy.json["id"], "And now?")
    block = simulator.requests[-1].body["messages"][0]["content"][0]
    assert base64.b64decode(block["source"]["data"]) == png(70, 50)


def test_a_hostile_document_brings_no_file_that_is_not_in_it(api: Api) -> None:
    conversation = api.conversation()
    api.asked(conversation, [a_file("image", uploaded(api, png())), {"type": "text", "text": "?"}])
    document = api.client.get(f"/v1/conversations/{conversation}/export").json
    spelled = json.dumps(document)
    own = document["files"][0]["file_id"]
    for wrong in (
        {**document, "files": []},
        json.loads(spelled.replace(own, CLAUDES_OWN, 1)),
        {**document, "files": [{**document["files"][0], "data": "AAAA"}]},
        {**document, "files": [{**document["files"][0], "data": 5}]},
        {**document, "files": [{}]},
    ):
        answer = api.client.post("/v1/conversations/import", wrong)
        assert answer.problem == "invalid-request", answer.body


def test_a_pdf_is_counted_by_claude_where_a_budget_is_in_force(serve: Serve, simulator: Simulator) -> None:
    """Nothing else bounds what it costs; an image is bounded by its pixels."""
    api = Api(serve(budget_usd=1))
    conversation = api.conversation()
    api.asked(conversation, [a_file("image", uploaded(api, png(2800, 28))), {"type": "text", "text": "?"}])
    assert [seen.path for seen in simulator.requests] == ["/v1/messages"]
    events = api.asked(
        conversation, [a_file("document", uploaded(api, pdf(40))), {"type": "text", "text": "?"}]
    )
    assert [event.data["status"] for event in events if event.type == "turn_end"] == ["completed"] * 2
    assert [seen.path for seen in simulator.requests][1:] == ["/v1/messages/count_tokens", "/v1/messages"]


def test_the_same_request_is_the_same_turn_whatever_the_file_is_called_by_now(api: Api) -> None:
    conversation = api.conversation()
    block = a_file("image", uploaded(api, png(), "old.png"))
    first = api.send(conversation, [block], key="k")
    uploaded(api, png(), "new.png")
    assert api.send(conversation, [block], key="k").json == first.json
