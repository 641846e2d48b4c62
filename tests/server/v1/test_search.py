"""Searching what was said, over HTTP."""

from urllib.parse import quote

from tests.server.v1.api import Api


def test_messages_are_found_by_their_words(api: Api) -> None:
    ids = []
    for text in ("Where are the lighthouses of Brittany?", "How tall are lighthouses?"):
        conversation = api.conversation()
        api.asked(conversation, text)
        ids.append(conversation)
    page = api.client.get("/v1/conversations?query=lighthouses&limit=1").json
    assert [each["id"] for each in page["conversations"]] == ids[1:]
    (hit,) = page["hits"]
    start, end = hit["marks"][0]
    assert hit["snippet"][start:end].lower() == "lighthouses"
    rest = api.client.get(f"/v1/conversations?query=lighthouses&cursor={page['cursor']}").json
    assert {each["id"] for each in rest["conversations"]} == set(ids)
    assert api.client.get(f"/v1/conversations?query={quote('lighthouse submarines')}").json["hits"] == []


def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    assert api.client.get("/v1/conversations?query=a&cursor=nonsense").status == 422
