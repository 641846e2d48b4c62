"""The built page's files: what they may do, how they are kept, and that they know the API as it is."""

import json
import subprocess
from pathlib import Path

import pytest

from antiphon.server import create_app
from antiphon.server.page import BUILT
from antiphon.settings import Settings
from tests.server.client import Client
from tests.web.site import Site

WEB = Path(__file__).parents[2] / "web"


@pytest.fixture
def client(site: Site) -> Client:
    return Client(site.url)


def test_the_page_may_run_and_load_nothing_but_itself(client: Client) -> None:
    for path in ("/", "/c/01a203e4-f45d-75fb-a607-56006653dabb"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert b"http" not in answer.body
        assert b"<style" not in answer.body
        assert answer.body.count(b"<script") == answer.body.count(b'src="/static/assets/')


def test_a_browser_keeps_what_never_changes_and_asks_for_the_rest(client: Client) -> None:
    page = client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    script = page.body.decode().partition('src="')[2].partition('"')[0]
    assert client.get(script).headers["cache-control"] == "public, max-age=31536000, immutable"


def test_no_file_holds_a_source_map_or_a_path_of_the_machine_that_built_it() -> None:
    for path in BUILT.rglob("*"):
        if path.is_file():
            assert path.suffix in (".html", ".js", ".css")
            assert str(WEB.parent) not in path.read_text()


def test_the_types_of_the_api_are_those_of_the_server(tmp_path: Path) -> None:
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(create_app(Settings(store="memory://")).openapi()))
    made = tmp_path / "schema.ts"
    generate = WEB / "node_modules" / ".bin" / "openapi-typescript"
    subprocess.run([generate, described, "-o", made], check=True, capture_output=True, timeout=60)
    assert made.read_text() == (WEB / "src" / "api" / "schema.ts").read_text(), "run `make api-types`"
