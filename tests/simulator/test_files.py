"""Uploads, and what a request makes of them."""

import base64
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic

from antiphon.simulator import Simulator

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj <</Type /Page>> endobj 2 0 obj <</Type /Page>> endobj"
EVERY_BYTE = bytes(range(256)) + b"\r\n\r\n--\r\r\n\n"


def asking(block: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": [block, {"type": "text", "text": "What is this?"}]}],
    }


def shown(kind: str, file_id: str) -> dict[str, Any]:
    return {"type": kind, "source": {"type": "file", "file_id": file_id}}


async def test_a_file_is_kept_listed_and_deleted(client: AsyncAnthropic) -> None:
    file = await client.files.upload(file=("folder/notes.txt", EVERY_BYTE, "text/plain"))
    assert (file.filename, file.mime_type, file.size_bytes) == ("notes.txt", "text/plain", len(EVERY_BYTE))
    assert (file.expires_at, file.downloadable) == (None, False)
    assert await client.files.retrieve_metadata(file.id) == file
    assert [each.id async for each in client.files.list()] == [file.id]
    assert (await client.files.delete(file.id)).type == "file_deleted"
    with pytest.raises(anthropic.NotFoundError):
        await client.files.retrieve_metadata(file.id)


async def test_files_come_in_pages_the_newest_first(client: AsyncAnthropic) -> None:
    for number in range(5):
        await client.files.upload(file=(f"{number}.txt", b"x"))
    names = [each.filename async for each in client.files.list(limit=2)]
    assert names == ["4.txt", "3.txt", "2.txt", "1.txt", "0.txt"]
    first = await client.files.list(limit=2)
    some = await client.files.list(ids=[first.data[0].id, "file_unknown"])
    assert [each.filename for each in some.data] == ["4.txt"]


async def test_what_was_uploaded_cannot_be_downloaded(client: AsyncAnthropic) -> None:
    file = await client.files.upload(file=("a.txt", b"x"))
    with pytest.raises(anthropic.BadRequestError) as raised:
        await client.files.download(file.id)
    assert raised.value.error_code == "file_not_downloadable"


async def test_a_file_expires(simulator: Simulator, client: AsyncAnthropic) -> None:
    file = await client.files.upload(file=("a.txt", b"x"), expires_in_seconds=3600)
    assert file.expires_at is not None
    assert (file.expires_at - file.created_at).total_seconds() == 3600
    simulator.advance(3600)
    with pytest.raises(anthropic.NotFoundError) as raised:
        await client.messages.create(**asking(shown("document", file.id)))
    assert raised.value.error_code == "file_expired"
    assert (await client.files.list()).data == []


async def test_nobody_sees_the_files_of_another_organization(
    simulator: Simulator, client: AsyncAnthropic
) -> None:
    file = await client.files.upload(file=("a.txt", b"x"))
    other = client.with_options(api_key="another")
    assert (await other.files.list()).data == []
    with pytest.raises(anthropic.NotFoundError):
        await other.messages.create(**asking(shown("document", file.id)))


@pytest.mark.parametrize(
    ("name", "data", "kind", "source"),
    [
        (
            "a.txt",
            b"Some text.",
            "document",
            {"type": "text", "media_type": "text/plain", "data": "Some text."},
        ),
        (
            "a.pdf",
            PDF,
            "document",
            {
                "type": "base64",
                "media_type": "application/pdf",
                "data": base64.b64encode(PDF).decode(),
            },
        ),
        (
            "a.png",
            PIXEL,
            "image",
            {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PIXEL).decode()},
        ),
    ],
)
async def test_a_file_in_a_request_costs_what_its_content_costs(
    client: AsyncAnthropic, name: str, data: bytes, kind: str, source: dict[str, Any]
) -> None:
    file = await client.files.upload(file=(name, data))
    by_id = await client.messages.create(**asking(shown(kind, file.id)))
    in_place = await client.messages.create(**asking({"type": kind, "source": source}))
    counted = asking(shown(kind, file.id))
    counted.pop("max_tokens")
    assert by_id.usage.input_tokens == in_place.usage.input_tokens
    assert (await client.messages.count_tokens(**counted)).input_tokens == by_id.usage.input_tokens


async def test_the_request_is_remembered_with_the_id_alone(
    simulator: Simulator, client: AsyncAnthropic
) -> None:
    file = await client.files.upload(file=("a.txt", b"Some text."))
    body = asking(shown("document", file.id))
    await client.messages.create(**body)
    assert simulator.requests[-1].body == body


async def test_a_file_must_fit_its_block(client: AsyncAnthropic) -> None:
    picture = await client.files.upload(file=("a.png", PIXEL))
    with pytest.raises(anthropic.BadRequestError, match="image/png"):
        await client.messages.create(**asking(shown("document", picture.id)))


async def test_a_file_for_code_must_be_there(client: AsyncAnthropic) -> None:
    file = await client.files.upload(file=("a.csv", b"1,2"))
    await client.messages.create(**asking({"type": "container_upload", "file_id": file.id}))
    with pytest.raises(anthropic.NotFoundError):
        await client.messages.create(**asking({"type": "container_upload", "file_id": "file_unknown"}))


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"data": {"file": "no file"}}, "multipart"),
        ({"files": {"other": ("a", b"x")}}, "file: Field required"),
        ({"files": {"file": ("a", b"")}}, "empty"),
        ({"files": {"file": ("a" * 300, b"x")}}, "255 characters"),
        ({"files": {"file": ("a", b"x")}, "data": {"expires_in_seconds": "60"}}, "3600"),
    ],
)
async def test_an_upload_that_cannot_be_kept_is_refused(
    http: httpx2.AsyncClient, form: dict[str, Any], problem: str
) -> None:
    answer = await http.post("/v1/files", **form)
    assert answer.status_code == 400
    assert problem in answer.json()["error"]["message"]


async def test_there_is_nothing_else_behind_files(http: httpx2.AsyncClient) -> None:
    assert (await http.put("/v1/files/file_1")).status_code == 404
