"""Conversations: made, listed, read, changed, moved elsewhere, and removed."""

import json
from typing import Any

import pytest

from antiphon.simulator import Reply, Simulator
from tests.server.client import Answer
from tests.server.conftest import Serve
from tests.server.v1.api import Api, until_writing

NOBODY = "01900000-0000-7000-8000-000000000000"


def test_one_is_made_without_a_word(api: Api) -> None:
    answer = api.client.request("POST", "/v1/conversations")
    assert (answer.status, answer.json["as_of_seq"], answer.json["head"]) == (201, 1, None)
    assert api.snapshot(answer.json["id"]).items() >= answer.json.items()


def test_one_is_made_with_everything(api: Api) -> None:
    given = {"title": "T", "system": "S", "model": "claude-haiku-5-5", "options": {"max_tokens": 7}}
    assert api.snapshot(api.conversation(**given)).items() >= given.items()


@pytest.mark.parametrize(
    "body", [{"model": "no-such-model"}, {"options": {"top_k": 1}}, {"name": "n"}, {"title": 1}, []]
)
def test_what_does_not_fit_is_refused(api: Api, conversation: str, body: Any) -> None:
    made = api.client.post("/v1/conversations", body)
    assert (made.status, made.problem) == (422, "invalid-request")
    assert made.json["errors"]
    changed = change(api, conversation, body)
    assert (changed.status, changed.problem) == (422, "invalid-request")


def test_changes_count_from_the_next_turn_on(api: Api, conversation: str, simulator: Simulator) -> None:
    answer = change(api, conversation, {"title": "New", "system": "Be brief."})
    assert (answer.status, answer.json["title"], answer.json["as_of_seq"]) == (200, "New", 3)
    api.asked(conversation)
    assert "Be brief." in str(simulator.requests[-1].body["system"])
    assert change(api, conversation, {}).json["title"] == "New"


def test_the_list_has_the_one_that_changed_last_first(api: Api) -> None:
    made = [api.conversation(title=f"{number}") for number in range(5)]
    api.asked(made[2])
    listed: list[str] = []
    cursor = ""
    while True:
        page = api.client.get(f"/v1/conversations?limit=2{cursor}").json
        listed += [conversation["id"] for conversation in page["conversations"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert sorted(listed) == sorted(made)
    assert listed[0] == made[2]


@pytest.mark.parametrize("query", ["cursor=x", "cursor=1.x", f"cursor=-1.{NOBODY}", "limit=0", "limit=x"])
def test_a_page_is_asked_for_as_it_was_given(api: Api, query: str) -> None:
    answer = api.client.get(f"/v1/conversations?{query}")
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert answer.json["errors"][0]["parameter"] == query.partition("=")[0]


def test_another_branch_can_be_shown(api: Api, conversation: str, simulator: Simulator) -> None:
    api.asked(conversation, "One.")
    first = api.snapshot(conversation)["head"]
    api.asked(conversation, "Two.", parent_id=None)
    assert put_head(api, conversation, first).json["head"] == first
    assert api.shown(conversation)[0] == "One."
    assert put_head(api, conversation, None).json["head"] is None
    simulator.script(Reply(text="one two", pace=60.0))
    turn_id = api.sent(conversation)
    with api.events(conversation) as events:
        until_writing(events)
    busy = put_head(api, conversation, first)
    assert (busy.status, busy.problem, busy.json["turn_id"]) == (409, "busy", turn_id)


def test_there_is_no_head_that_is_no_message(api: Api, conversation: str) -> None:
    assert put_head(api, conversation, NOBODY).problem == "not-found"
    assert put_head(api, conversation, "head").problem == "invalid-request"


def test_an_exported_conversation_can_be_read_in(api: Api, conversation: str) -> None:
    api.asked(conversation, "One.")
    api.asked(conversation, "Two.")
    document = api.client.get(f"/v1/conversations/{conversation}/export").json
    answer = api.client.post("/v1/conversations/import", document)
    assert answer.status == 201
    copy = answer.json["id"]
    assert copy != conversation
    assert api.shown(copy) == api.shown(conversation)
    api.asked(copy, "Three.")
    assert api.shown(copy)[-2] == "Three."


def test_an_export_may_be_larger_than_a_message(serve: Serve) -> None:
    api = Api(serve(max_import=2_000_000))
    conversation = api.conversation()
    for _ in range(3):
        api.asked(conversation, "x" * 500_000, parent_id=None)
    document = api.client.get(f"/v1/conversations/{conversation}/export").json
    answer = api.client.post("/v1/conversations/import", document)
    assert answer.status == 201
    assert len(api.shown(answer.json["id"])[0]) == 500_000
    api.asked(conversation, "x" * 500_000, parent_id=None)
    document = api.client.get(f"/v1/conversations/{conversation}/export").json
    answer = api.client.post("/v1/conversations/import", document)
    assert (answer.status, answer.problem) == (413, "too-large")
    assert "ANTIPHON_MAX_IMPORT" in answer.json["detail"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format": "other", "id": NOBODY, "events": []},
        {"format": "antiphon-conversation-1", "id": NOBODY, "events": []},
        {
            "format": "antiphon-conversation-1",
            "id": NOBODY,
            "events": [{"type": "conversation_create", "data": {"at": 1, "v": 99}}],
        },
    ],
)
def test_nothing_else_can(api: Api, document: Any) -> None:
    answer = api.client.post("/v1/conversations/import", document)
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert api.client.get("/v1/conversations").json["conversations"] == []


def document_of(api: Api, conversation: str) -> Any:
    """An exported conversation, in which something was said."""
    api.asked(conversation, "One.")
    return api.client.get(f"/v1/conversations/{conversation}/export").json


def data_of(document: Any, kind: str) -> Any:
    """Of the first event of this type."""
    return next(event["data"] for event in document["events"] if event["type"] == kind)


def assert_refused(api: Api, conversation: str, document: Any) -> None:
    answer = api.client.post("/v1/conversations/import", document)
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert [one["id"] for one in api.client.get("/v1/conversations").json["conversations"]] == [conversation]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": None},
        {"type": "text", "text": 1},
        {"type": ["text"], "text": "One."},
        {"type": None, "text": "One."},
        {"type": "thinking", "thinking": 1},
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": {}}]},
        {"type": "tool_result", "tool_use_id": "t", "content": ["One."]},
        "One.",
    ],
)
def test_a_block_that_cannot_be_read_is_refused(api: Api, conversation: str, block: Any) -> None:
    document = document_of(api, conversation)
    data_of(document, "message_add")["content"] = [block]
    assert_refused(api, conversation, document)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text"},
        {"text": "One."},
        {"type": "x_result", "content": [{"type": 1, "text": 1}, "One.", None]},
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "x", "content": [1]}]},
    ],
)
@pytest.mark.parametrize("place", ["message_add", "block_start"])
def test_a_block_that_nobody_here_reads_is_taken_as_it_is(
    api: Api, conversation: str, place: str, block: Any
) -> None:
    document = document_of(api, conversation)
    data_of(document, place).update({"content": [block]} if place == "message_add" else {"block": block})
    copy = api.client.post("/v1/conversations/import", document)
    assert copy.status == 201
    again = api.client.get(f"/v1/conversations/{copy.json['id']}/export").json
    said = data_of(again, place)
    assert (said["content"][0] if place == "message_add" else said["block"]) == block
    assert api.asked(copy.json["id"], "And now?")[-1].data["status"] == "completed"


@pytest.mark.parametrize("place", ["block_start", "block_end", "turn_end"])
def test_an_answer_that_cannot_be_read_is_refused(api: Api, conversation: str, place: str) -> None:
    document = document_of(api, conversation)
    data = data_of(document, place)
    wrong = {"type": "text", "text": 5}
    data.update({"kept": {"steps": 0, "blocks": [wrong]}} if place == "turn_end" else {"block": wrong})
    assert_refused(api, conversation, document)


@pytest.mark.parametrize("number", [-1, 2**53, 2**63, 10**30])
@pytest.mark.parametrize(
    ("kind", "name"),
    [("conversation_create", "at"), ("message_add", "at"), ("turn_end", "at"), ("step_start", "step")],
)
def test_a_number_that_no_store_can_hold_is_refused(
    api: Api, conversation: str, kind: str, name: str, number: int
) -> None:
    document = document_of(api, conversation)
    data_of(document, kind)[name] = number
    assert_refused(api, conversation, document)


def test_a_number_within_what_was_used_is_checked_too(api: Api, conversation: str) -> None:
    document = document_of(api, conversation)
    data_of(document, "step_end")["usage"]["input_tokens"] = 10**30
    assert_refused(api, conversation, document)


def test_what_was_saved_may_be_less_than_nothing(api: Api, conversation: str) -> None:
    """A prefix that was written to the cache and never read has cost more than it would have without."""
    document = document_of(api, conversation)
    data_of(document, "step_end")["saved_nanodollars"] = -1000
    assert api.client.post("/v1/conversations/import", document).status == 201


@pytest.mark.parametrize("name", [NOBODY, "head", ""])
def test_a_head_that_is_no_message_cannot_be_read_in(api: Api, conversation: str, name: str) -> None:
    document = document_of(api, conversation)
    document["events"].append({"seq": 99, "type": "head_move", "data": {"at": 1, "message_id": name}})
    assert_refused(api, conversation, document)


def test_a_step_that_is_no_message_cannot_be_read_in(api: Api, conversation: str) -> None:
    document = document_of(api, conversation)
    document["events"] = [event for event in document["events"] if event["type"] != "step_end"]
    end = data_of(document, "turn_end")
    end["head"] = data_of(document, "message_add")["message_id"]
    assert_refused(api, conversation, document)


def test_a_message_that_answers_itself_cannot_be_read_in(api: Api, conversation: str) -> None:
    document = document_of(api, conversation)
    data_of(document, "turn_start")["parent_id"] = data_of(document, "turn_start")["message_id"]
    assert_refused(api, conversation, document)


def test_what_was_sent_as_deep_as_can_be_comes_back(api: Api, conversation: str) -> None:
    levels = 200 - 4
    nest = json.loads('{"a":' * levels + "[]" + "}" * levels)
    source = {"type": "text", "media_type": "text/plain", "data": "One."}
    block = {"type": "document", "source": source, "citations": nest}
    sent = api.client.post(
        f"/v1/conversations/{conversation}/turns", {"content": [block]}, **{"Idempotency-Key": "deep"}
    )
    assert sent.status == 202
    exported = api.client.get(f"/v1/conversations/{conversation}/export")
    assert exported.status == 200
    answer = api.client.post("/v1/conversations/import", exported.json)
    assert answer.status == 201
    assert api.client.get(f"/v1/conversations/{answer.json['id']}").status == 200


@pytest.mark.parametrize("levels", [300, 480, 900])
def test_what_is_deeper_than_can_be_sent_cannot_be_read_in(api: Api, conversation: str, levels: int) -> None:
    document = json.dumps(document_of(api, conversation))
    nest = "[" * levels + "]" * levels
    deep = document.replace('"options": {}', f'"options": {{"a": {nest}}}', 1)
    assert deep != document
    answer = api.client.request(
        "POST", "/v1/conversations/import", deep.encode(), {"Content-Type": "application/json"}
    )
    assert (answer.status, answer.problem) == (422, "invalid-request")
    assert "levels" in answer.json["detail"]


def test_a_deleted_one_is_gone(kept_api: Api) -> None:
    conversation = kept_api.conversation()
    turn_id = kept_api.asked(conversation)[-1].turn_id
    client, path = kept_api.client, f"/v1/conversations/{conversation}"
    assert client.request("DELETE", path).status == 204
    gone = [
        client.request("DELETE", path),
        client.get(path),
        client.get(f"{path}/export"),
        client.get(f"{path}/events"),
        kept_api.send(conversation),
        kept_api.cancel(turn_id),
        change(kept_api, conversation, {"title": "x"}),
        put_head(kept_api, conversation, None),
    ]
    assert {(answer.status, answer.problem) for answer in gone} == {(404, "not-found")}
    assert client.get("/v1/conversations").json["conversations"] == []


def test_the_models_are_told(api: Api) -> None:
    told = api.client.get("/v1/models").json
    assert told["default"] in {model["id"] for model in told["models"]}


def change(api: Api, conversation: str, body: object) -> Answer:
    return with_json(api, "PATCH", f"/v1/conversations/{conversation}", body)


def put_head(api: Api, conversation: str, message_id: str | None) -> Answer:
    return with_json(api, "PUT", f"/v1/conversations/{conversation}/head", {"message_id": message_id})


def with_json(api: Api, method: str, path: str, body: object) -> Answer:
    return api.client.request(method, path, json.dumps(body).encode(), {"Content-Type": "application/json"})
