from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from antiphon.bootstrap import open_service
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Service
from antiphon.settings import Settings
from antiphon.simulator.server import Simulator
from antiphon.tools.offering import Offered

OpenService = Callable[..., Awaitable[Service]]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture(params=["memory", "sqlite"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'antiphon.db'}"


@pytest.fixture
async def open_one(simulator: Simulator, store_url: str) -> AsyncIterator[OpenService]:
    """Opens services on one store, each as a replica of its own; `drop` and `close` them, or it does."""
    opened: list[Service] = []

    async def open_one(tools: Sequence[Offered] = (), **settings: Any) -> Service:
        upstream = ClaudeUpstream(api_key="key", base_url=simulator.url, stall_s=settings.get("stall_s", 60))
        service = await open_service(Settings(store=store_url, **settings), upstream=upstream, tools=tools)
        opened.append(service)
        return service

    yield open_one
    for service in opened:
        await service.close()


@pytest.fixture
async def service(open_one: OpenService) -> Service:
    return await open_one()
