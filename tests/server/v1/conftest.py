"""A server whose `/v1` is asked."""

import pytest

from tests.server.client import Client
from tests.server.v1.api import Api


@pytest.fixture
def api(client: Client) -> Api:
    """On a store in memory."""
    return Api(client)


@pytest.fixture
def kept_api(kept_client: Client) -> Api:
    """On each kind of store."""
    return Api(kept_client)


@pytest.fixture
def conversation(api: Api) -> str:
    return api.conversation()
