"""Asking in these tests: one person, one conversation, a turn at a time."""

import asyncio
from typing import Any

from antiphon.domain.conversations import Header
from antiphon.domain.messages import text_of
from antiphon.service import Answer, Ask, Service
from antiphon.simulator.server import Simulator

ME = "me"


async def ask(service: Service, header: Header, text: str, **more: Any) -> Answer:
    accepted = await service.send(ME, header.id, Ask(content=text, **more))
    async with asyncio.timeout(10):
        return await service.answer(accepted)


async def shown(service: Service, header: Header) -> list[tuple[str, str]]:
    """The history as a person reads it; on the way, the tables must equal the refolded log."""
    messages = await service.messages(ME, header.id)
    assert messages == (await service.snapshot(ME, header.id)).path()
    return [(message.role, text_of(message.content)) for message in messages]


def sent(simulator: Simulator, request: int = -1) -> list[tuple[str, str]]:
    body = simulator.requests[request].body
    return [(message["role"], text_of(message["content"])) for message in body["messages"]]
