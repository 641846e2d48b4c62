"""What a connection carries, byte by byte: a body belongs to its request, whatever else the request asks."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from antiphon.settings import Settings
from tests.server.client import PATIENCE_S, Client
from tests.server.conftest import signed_in
from tests.server.serving import serving

H2C = (
    b"Connection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
)
"""What Java's HttpClient sends by default where it is not encrypted."""

WEBSOCKET = b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Client]:
    with signed_in(), serving(Settings(store="memory://")) as server:
        yield Client(server.url)


def talk(server: Client, *pieces: bytes) -> bytes:
    """Send each piece by itself, the last of them with an end; all that comes back."""
    host, _, port = server.authority.partition(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        said = b""
        with suppress(ConnectionError):  # it may close while there is more to send
            for piece in pieces:
                connection.sendall(piece)
        with suppress(ConnectionError):
            while more := connection.recv(65536):
                said += more
    return said


def request(server: Client, method: bytes, path: bytes, body: bytes = b"", more: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return head(server, method, path, b"Content-Type: application/json\r\n" + length + more) + body


def head(server: Client, method: bytes, path: bytes, more: bytes = b"") -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (method, path, server.authority.encode(), more)


def last(server: Client) -> bytes:
    """A request after which the server closes, so that all that it says can be read."""
    return head(server, b"GET", b"/healthz", b"Connection: close\r\n")


def statuses(said: bytes) -> list[int]:
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


def made(said: bytes) -> Any:
    """The JSON of the first answer."""
    return json.JSONDecoder().raw_decode(said[said.index(b"\r\n\r\n") + 4 :].decode())[0]


NAMED = json.dumps({"title": "Mine"}).encode()


@pytest.mark.parametrize("offer", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
@pytest.mark.parametrize("split", [False, True])
def test_who_offers_another_protocol_is_served_in_this_one(server: Client, offer: bytes, split: bool) -> None:
    asked = request(server, b"POST", b"/v1/conversations", NAMED, offer)
    pieces = [asked[:-9], asked[-9:]] if split else [asked]
    said = talk(server, *pieces, last(server))
    assert statuses(said) == [201, 200]
    assert made(said)["title"] == "Mine"


def test_an_offer_with_a_body_in_chunks_is_served_too(server: Client) -> None:
    more = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n" + H2C
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(NAMED), NAMED)
    said = talk(server, head(server, b"POST", b"/v1/conversations", more) + body, last(server))
    assert statuses(said) == [201, 200]
    assert made(said)["title"] == "Mine"


def test_an_offer_byte_by_byte_is_served_too(server: Client) -> None:
    asked = request(server, b"POST", b"/v1/conversations", NAMED, H2C) + last(server)
    assert statuses(talk(server, *(asked[n : n + 1] for n in range(len(asked))))) == [201, 200]


def test_many_offers_at_once_are_served_in_order(server: Client) -> None:
    offers = [
        request(server, b"POST", b"/v1/conversations", NAMED, H2C),
        head(server, b"GET", b"/healthz", H2C),
    ]
    assert statuses(talk(server, b"".join([*offers, *offers, last(server)]))) == [201, 200, 201, 200, 200]


def test_an_offer_may_be_the_last_request(server: Client) -> None:
    offer = H2C.replace(b"Upgrade, ", b"close, Upgrade, ")
    said = talk(server, request(server, b"POST", b"/v1/conversations", NAMED, offer))
    assert (statuses(said), made(said)["title"]) == ([201], "Mine")


@pytest.mark.parametrize("offer", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
@pytest.mark.parametrize("split", [False, True])
def test_a_body_is_never_taken_for_a_request(server: Client, offer: bytes, split: bool) -> None:
    kept = made(talk(server, request(server, b"POST", b"/v1/conversations", NAMED, b"Connection: close\r\n")))
    hidden = head(server, b"DELETE", b"/v1/conversations/" + kept["id"].encode())
    outer = request(server, b"POST", b"/v1/conversations", hidden, offer)
    at = len(outer) - len(hidden)
    pieces = [outer[:at], outer[at:]] if split else [outer]
    assert statuses(talk(server, *pieces, last(server))) == [400, 200]
    assert server.get(f"/v1/conversations/{kept['id']}").status == 200


@pytest.mark.parametrize("target", [b"example.org:443", b"http://example.org/"])
def test_nothing_that_follows_a_tunnel_is_taken_for_a_request(server: Client, target: bytes) -> None:
    said = talk(server, head(server, b"CONNECT", target) + last(server))
    assert statuses(said) == [400]


# Headers


def padded(server: Client, size: int, more: bytes = b"") -> bytes:
    return head(server, b"GET", b"/healthz", b"X-Much: %b\r\n" % (b"a" * size) + more)


def test_headers_may_be_long(server: Client) -> None:
    said = talk(server, padded(server, 60_000), padded(server, 60_000), last(server))
    assert statuses(said) == [200, 200, 200]


@pytest.mark.parametrize("more", [b"", H2C])
def test_headers_that_are_too_long_are_refused(server: Client, more: bytes) -> None:
    said = talk(server, padded(server, 66_000, more))
    assert statuses(said) == [431]
    assert made(said)["type"] == "/problems/headers-too-large"


def test_many_headers_are_too_long_together(server: Client) -> None:
    assert statuses(talk(server, head(server, b"GET", b"/healthz", b"X-A: b\r\n" * 9_000))) == [431]


def test_a_header_without_an_end_is_refused_while_it_comes(server: Client) -> None:
    """All of it is read but for its end, which never comes."""
    begun = padded(server, 10)[:-4]
    said = talk(server, begun, *[b"a" * 1000] * 400)
    assert statuses(said) in ([431], [])  # whoever still sends may not hear why it was closed


def test_what_ends_a_body_in_chunks_has_an_end_too(server: Client) -> None:
    more = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    begun = head(server, b"POST", b"/v1/conversations", more) + b"2\r\n{}\r\n0\r\nX-Much: "
    assert 200 not in statuses(talk(server, begun, *[b"a" * 1000] * 400))


def test_bodies_are_no_headers(server: Client) -> None:
    body = json.dumps({"title": "Mine", "system": "x" * 300_000}).encode()
    asked = request(server, b"POST", b"/v1/conversations", body)
    pieces = [asked[at : at + 50_000] for at in range(0, len(asked), 50_000)]
    assert statuses(talk(server, *pieces, asked + padded(server, 60_000) + last(server))) == [
        201,
        201,
        200,
        200,
    ]
