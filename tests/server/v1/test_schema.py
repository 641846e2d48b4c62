"""The API keeps to its own OpenAPI document, whatever is sent to it."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode, openapi
from schemathesis.config import SchemathesisConfig

from antiphon.server import create_app
from antiphon.settings import Settings
from tests.server.client import PATIENCE_S, Client
from tests.server.conftest import signed_in
from tests.server.serving import serving
from tests.server.v1.api import Api

EXAMPLES = 12
CHECKS: dict[str, Any] = {
    "negative_data_rejection": {"expected-statuses": ["400", "404", "405", "413", "422"]},
    "positive_data_acceptance": {"enabled": False},
}
"""What fits the document can still be too large, name an unknown model, or be an empty message."""


def operations() -> list[tuple[str, str, GenerationMode]]:
    """Each path and method of the document, with good requests, and bad ones if there can be any."""
    paths: dict[str, dict[str, Any]] = create_app(Settings(store="memory://")).openapi()["paths"]
    return [
        (path, method, mode)
        for path, methods in paths.items()
        for method, operation in methods.items()
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or can_be_wrong(operation)
    ]


def can_be_wrong(operation: dict[str, Any]) -> bool:
    """Any bytes are a file, and any text is a name: what is wrong with them no document can tell."""
    parameters = [p for p in operation.get("parameters", ()) if p["schema"] != {"type": "string"}]
    places = {parameter["in"] for parameter in parameters}
    json = "application/json" in operation.get("requestBody", {}).get("content", {})
    return json or bool(places & {"query", "header"})


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with signed_in(), serving(Settings(store="memory://", queue_max=1_000_000)) as served:
        yield Api(Client(served.url))


@pytest.fixture(scope="module")
def places(api: Api) -> dict[str, str]:
    """A conversation and a turn that are there."""
    conversation = api.conversation()
    return {"conversation_id": conversation, "turn_id": api.asked(conversation)[-1].turn_id}


@pytest.mark.parametrize(("path", "method", "mode"), operations())
def test_whatever_is_sent(
    api: Api, places: dict[str, str], path: str, method: str, mode: GenerationMode
) -> None:
    config = SchemathesisConfig.from_dict({"checks": CHECKS})
    operation = openapi.from_url(f"{api.client.url}/openapi.json", config=config)[path][method]
    there = {name: place for name, place in places.items() if name in path}
    if method == "delete" or path.endswith("/events"):
        there = {}  # one would be gone, the other is answered without end

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.filter_too_much],
    )
    @given(operation.as_strategy(mode, path_parameters=there or None))
    def send(case: Case[Any]) -> None:
        case.call_and_validate(timeout=PATIENCE_S)

    send()
