"""The plain page's files, and what the server says of itself. The built page is tested in `tests/web`."""

import pytest

from antiphon.server.about import about, local_model
from antiphon.server.page import PLAIN
from antiphon.settings import Settings
from tests.server.client import Client
from tests.server.conftest import Serve

FILES = ("/", "/static/app.js", "/static/style.css")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve(page=PLAIN)


@pytest.mark.parametrize("path", FILES)
def test_the_page_runs_and_loads_nothing_but_itself(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert b"http://" not in answer.body
    assert b"https://" not in answer.body
    assert b"innerHTML" not in answer.body


def test_nothing_is_inline(client: Client) -> None:
    page = client.get("/").body
    assert b"<style" not in page
    assert b"style=" not in page
    assert b"onclick" not in page
    assert page.count(b"<script") == page.count(b"</script>") == page.count(b'<script src="/static/') == 1


def test_a_browser_need_not_load_again_what_it_has(client: Client) -> None:
    first = client.get("/static/app.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.request("GET", "/static/app.js", None, {"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_the_page_says_who_answers(serve: Serve) -> None:
    assert serve().get("/about").json == {"model": "claude-sonnet-5-5", "notice": ""}


def test_the_local_model_says_what_it_is() -> None:
    settings = Settings(store="memory://", model="local")
    said = about(settings, local_model(settings))
    assert said.model == "SmolLM2 135M"
    assert "toy" in said.notice


def test_the_api_describes_itself(client: Client) -> None:
    described = client.get("/openapi.json").json
    assert described["paths"].keys() >= {"/chat", "/chat/stream", "/session/{session_id}"}
    chat = described["paths"]["/chat"]["post"]
    schema = chat["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["session_id", "message"]
    assert schema["additionalProperties"] is False
    assert [parameter["name"] for parameter in chat["parameters"]] == ["Idempotency-Key"]
    assert chat["responses"].keys() == {"200", "default"}
    stream = described["paths"]["/chat/stream"]["post"]
    assert stream["responses"]["200"]["content"].keys() == {"text/event-stream"}


def test_the_server_does_not_name_its_parts(client: Client) -> None:
    assert "server" not in client.get("/healthz").headers
