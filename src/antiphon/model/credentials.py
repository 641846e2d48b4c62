"""Signing in to Claude, by the Claude SDK's own rules; nothing here touches the network."""

import os
import re

import anthropic
import httpx2

from antiphon.errors import ConfigurationError, MissingCredentials
from antiphon.model.failures import presentable

PORT_MAX = 65_535

_SIGNED_IN = re.compile(r"(?is)^((?:https?:|[a-z][a-z0-9+.-]*:(?=/))?/*).*@")
"""A scheme, if there is one, and all up to the last @: a password may hold whatever ends a host elsewhere."""

_HOW = "set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN), pass api_key, or sign in with an Anthropic profile"


def signed_in_client(
    *, api_key: str | None = None, base_url: str | None = None, timeout: httpx2.Timeout | None = None
) -> anthropic.AsyncAnthropic:
    """A client that holds credentials and no connection: copy it with an HTTP client to send requests.

    The SDK looks at the argument, then at ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN, ANTHROPIC_PROFILE, the
    variables of workload identity, and the active profile on disk.

    Raises:
        MissingCredentials: none of them is there, or the profile that is chosen cannot be read.
        ConfigurationError: the base URL is not one.
    """
    try:
        client = anthropic.AsyncAnthropic(
            api_key=api_key or None,
            base_url=base_url or None,
            max_retries=0,
            timeout=timeout,
            http_client=httpx2.AsyncClient(transport=httpx2.AsyncBaseTransport()),
        )
    except anthropic.AnthropicError as error:
        why = presentable(str(error))
        raise MissingCredentials(f"The credentials for Claude cannot be read ({why}): {_HOW}.") from error
    except httpx2.InvalidURL as error:
        raise ConfigurationError(_no_url(base_url or os.environ.get("ANTHROPIC_BASE_URL", ""))) from error
    if not signs_in(client):
        raise MissingCredentials(f"There are no credentials for Claude: {_HOW}.")
    if not _is_address(client.base_url):
        raise ConfigurationError(_no_url(str(client.base_url)))
    return client


def has_credentials(*, api_key: str | None = None) -> bool:
    """Whether requests to Claude could be signed in; whether Claude accepts them, only a request can tell."""
    try:
        signed_in_client(api_key=api_key)
    except MissingCredentials:
        return False
    return True


def signs_in(client: anthropic.AsyncAnthropic) -> bool:
    """Whether the client has something to sign a request with; custom headers count."""
    if client.api_key or client.auth_token or client.credentials is not None:
        return True
    headers = {name.lower() for name, value in client.default_headers.items() if value}
    return not headers.isdisjoint({"authorization", "x-api-key"})


def _is_address(url: httpx2.URL) -> bool:
    return url.scheme in {"http", "https"} and bool(url.host) and (url.port or 0) <= PORT_MAX


def _no_url(address: str) -> str:
    shown = presentable(_SIGNED_IN.sub(r"\1", address))
    return (
        f"The address of Claude's API, “{shown}”, is not an http or https URL: "
        "correct base_url or ANTHROPIC_BASE_URL."
    )
