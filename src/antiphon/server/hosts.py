"""Who a request says it is for (`Host`), and which page sends it (`Origin`): pure rules.

A page of another site can make a browser send requests here, and by DNS rebinding even under a name that
points to this machine. So a request is taken only under the server's own names, and from its own pages.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from antiphon.settings import Settings

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
ANY_ORIGIN = "*"

_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s:@/\[\]]+)(?::(?P<port>\d{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Authority:
    """`name:port`, as in a Host header; an IPv6 address stands in brackets."""

    name: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The names this server answers to, whatever the port, and the pages of others that may use it."""

    hosts: frozenset[str]
    any_address: bool
    """Any IP address will do: bound to all of them, it cannot list them, and rebinding needs a name."""
    origins: frozenset[str]


def names_of(settings: Settings) -> Names:
    named = (authority(bracketed(name)) for name in (settings.host, *settings.allowed_hosts))
    return Names(
        hosts=frozenset({*LOOPBACK_NAMES, *(each.name for each in named if each)}),
        any_address=settings.host in WILDCARDS,
        origins=frozenset(_normal(settings.cors_origins)),
    )


def authority(text: str) -> Authority | None:
    """None if it is not one."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    port = match["port"]
    return Authority(match["name"].lower(), int(port) if port else None)


def bracketed(host: str) -> str:
    """A host as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and _is_address(host) else host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def is_ours(host: Authority, names: Names) -> bool:
    return host.name in names.hosts or (names.any_address and _is_address(host.name.strip("[]")))


def is_foreign(origin: str, host: Authority, origins: Collection[str]) -> bool:
    """Whether a page of this origin may not use a server that was asked for as `host`."""
    if ANY_ORIGIN in origins or origin.lower() in origins:
        return False
    scheme, _, rest = origin.partition("://")
    page = authority(rest)
    if page is None or scheme.lower() not in _DEFAULT_PORTS:
        return True
    usual = _DEFAULT_PORTS[scheme.lower()]
    return (page.name, page.port or usual) != (host.name, host.port or usual)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _normal(origins: Iterable[str]) -> Iterable[str]:
    """As browsers spell them: lower case, no path."""
    for origin in origins:
        parts = urlsplit(origin)
        yield f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else origin.lower()
