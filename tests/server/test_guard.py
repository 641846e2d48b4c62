"""The server is used under its own names and by its own pages; others are turned away on every route."""

import http.client
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route

from antiphon.server import create_app
from antiphon.settings import Settings
from antiphon.simulator import Simulator
from tests.server.client import Answer, Client
from tests.server.conftest import Serve, signed_in
from tests.server.histories import asked
from tests.server.serving import serving


def every_route() -> list[tuple[str, str]]:
    """Method and path of all that the application answers, a name in place of each parameter."""
    return sorted(set(walk(create_app(Settings(store="memory://")).routes)))


def walk(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/app.js"
        elif isinstance(route, APIRoute | Route):
            for method in route.methods or ():
                yield method, route.path.replace("{session_id}", "s")
        else:
            yield from walk(route.original_router.routes)  # type: ignore[attr-defined]  # FastAPI's own


ROUTES = every_route()


def test_the_walk_sees_every_route() -> None:
    seen = set(ROUTES)
    assert seen >= {
        ("POST", "/chat"),
        ("POST", "/chat/stream"),
        ("DELETE", "/session/s"),
        ("GET", "/"),
        ("GET", "/about"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/openapi.json"),
        ("GET", "/static/app.js"),
    }


@pytest.fixture(scope="module")
def claude() -> Iterator[Simulator]:
    with signed_in() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def server(claude: Simulator) -> Iterator[Client]:
    settings = Settings(
        store="memory://",
        allowed_hosts=("Chat.Example", "other.example:8443"),
        cors_origins=("https://app.example", "http://localhost:3000/"),
    )
    with serving(settings) as server:
        yield Client(server.url)


def send(client: Client, method: str, path: str, **headers: str) -> Answer:
    body = b'{"session_id": "s", "message": "Hello."}' if method == "POST" else None
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request(method, path, body, {"Content-Type": "application/json", **given})


# Host

FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "evil.example@localhost",
    "127.0.0.1.evil.example",
    "127.0.0.2",
    "[::2]",
    "0.0.0.0",
    "localhost:port",
    "localhost:8000:8000",
    "",
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_another_name_is_misdirected_on_every_route(server: Client, method: str, path: str) -> None:
    answer = send(server, method, path, Host="evil.example")
    assert answer.status == 421
    assert method == "HEAD" or answer.problem == "misdirected"


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_name_that_is_not_the_servers_is_misdirected(server: Client, host: str) -> None:
    assert send(server, "POST", "/chat", Host=host).problem == "misdirected"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "127.0.0.1:65535", "[::1]", "[::1]:80", "chat.example", "other.example:1"],
)
def test_its_own_names_are_good_at_any_port(server: Client, host: str) -> None:
    assert send(server, "GET", "/healthz", Host=host).status == 200


def test_a_request_for_nobody_or_for_two_is_misdirected(server: Client) -> None:
    assert raw(server, ()) == 421
    assert raw(server, ("localhost", "localhost")) == 421
    assert raw(server, ("localhost",)) == 200


def raw(client: Client, hosts: tuple[str, ...]) -> int:
    connection = http.client.HTTPConnection(client.authority, timeout=10)
    connection.putrequest("GET", "/healthz", skip_host=True)
    for host in hosts:
        connection.putheader("Host", host)
    connection.endheaders()
    with connection.getresponse() as response:
        connection.close()
        return response.status


def test_bound_to_every_address_any_address_will_do_but_no_name(serve: Serve) -> None:
    client = serve(host="0.0.0.0")
    assert send(client, "GET", "/healthz", Host="192.168.7.7:8000").status == 200
    assert send(client, "GET", "/healthz", Host="[fe80::1]").status == 200
    assert send(client, "GET", "/healthz", Host="evil.example").status == 421


# Origin

FOREIGN_ORIGINS = (
    "https://evil.example",
    "null",
    "",
    "http://localhost",
    "http://localhost:1",
    "https://app.example.evil.example",
    "https://app.example:444",
    "http://app.example",
    "file://",
    "chrome-extension://abcdef",
    "http://user@localhost",
    "nonsense",
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_page_of_another_site_is_turned_away_on_every_route(
    server: Client, claude: Simulator, method: str, path: str
) -> None:
    claude.forget()
    answer = send(server, method, path, Origin="https://evil.example")
    assert answer.status == 403
    assert method == "HEAD" or answer.problem == "forbidden-origin"
    assert "access-control-allow-origin" not in answer.headers
    assert not asked(claude)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_an_origin_that_is_not_the_servers_is_forbidden(server: Client, origin: str) -> None:
    assert send(server, "POST", "/chat", Origin=origin, Host="127.0.0.1:8000").problem == "forbidden-origin"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://localhost", "localhost"),
        ("http://localhost", "localhost:80"),
        ("https://chat.example", "chat.example"),
        ("https://chat.example", "chat.example:443"),
        ("HTTPS://CHAT.EXAMPLE", "chat.example"),
    ],
)
def test_its_own_pages_may_use_it(server: Client, origin: str, host: str) -> None:
    assert send(server, "GET", "/about", Origin=origin, Host=host).status == 200


# CORS


@pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:3000"])
def test_pages_that_are_allowed_may_read_what_they_get(server: Client, origin: str) -> None:
    for answer in (
        send(server, "POST", "/chat", Origin=origin),
        send(server, "POST", "/chat/stream", Origin=origin),
        server.request("POST", "/chat", b"x" * 2_000_000, {"Origin": origin}),
        send(server, "GET", "/nothing", Origin=origin),
    ):
        assert answer.headers["access-control-allow-origin"] == origin
        assert "origin" in answer.headers["vary"].lower()


def preflight(client: Client, origin: str, method: str = "POST") -> Answer:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type, idempotency-key",
    }
    return client.request("OPTIONS", "/chat", None, headers)


def test_a_browser_may_ask_first(server: Client) -> None:
    allowed = preflight(server, "https://app.example")
    assert allowed.status == 200
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "POST" in allowed.headers["access-control-allow-methods"]
    assert "idempotency-key" in allowed.headers["access-control-allow-headers"].lower()
    assert preflight(server, "https://app.example", "DELETE").status == 200
    assert preflight(server, "https://app.example", "TRACE").status == 400
    assert preflight(server, "https://evil.example").problem == "forbidden-origin"


def test_without_the_setting_no_other_page_is_allowed(client: Client) -> None:
    assert preflight(client, "https://app.example").problem == "forbidden-origin"
    assert "access-control-allow-origin" not in send(client, "GET", "/about", Origin=client.url).headers
