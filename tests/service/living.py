"""A conversation held through a real service, on a store that outlives it, with a simulated Claude."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from antiphon.bootstrap import open_service
from antiphon.context.summaries import INSTRUCTION
from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.domain.messages import Message
from antiphon.errors import ToolError
from antiphon.model.client import ClaudeUpstream
from antiphon.service import Answer, Ask, Service
from antiphon.settings import Settings
from antiphon.simulator import RecordedRequest, Simulator
from antiphon.stores.base import Accepted, Store
from antiphon.stores.frames import decode_all
from antiphon.tools.tool import Tool

ME = "me"
PATIENCE_S = 20.0
SCHEMA = {"type": "object", "properties": {"say": {"type": "string"}}, "required": ["say"]}


@dataclass
class Hours:
    """The time, and what a test adds to it."""

    added_s: float = 0.0

    def now(self) -> float:
        return time.time() + self.added_s


async def use(asked: dict[str, Any]) -> str:
    """What it is told to do: break, wait until it is stopped, or say something."""
    match asked["say"]:
        case "break":
            raise ToolError("It broke.")
        case "wait":
            await asyncio.Event().wait()
        case said:
            return f"It says {said}."
    return ""


@dataclass
class Living:
    """`restarted` gives a store on the same data. `prefix` is what the last request that counts sent."""

    simulator: Simulator
    restarted: Callable[[], Store]
    model: str
    clock: Hours = field(default_factory=Hours)
    prefix: list[str] = field(default_factory=list)
    checked: int = 0
    """Requests that were looked at."""
    seen: int = 0
    """The last event that was looked at."""
    service: Service = field(init=False)
    id: str = field(init=False)

    async def begin(self) -> None:
        await self.open()
        self.id = (await self.service.create(ME, system="Be brief.", model=self.model)).id

    async def open(self) -> None:
        tool = Tool(name="f", schema=SCHEMA, call=use, description="Says it.", effect="pure")
        self.store = self.restarted()
        self.service = await open_service(
            Settings(store="memory://", titles="off", max_tokens=2000),
            upstream=ClaudeUpstream(api_key="key", base_url=self.simulator.url),
            store=self.store,
            clock=self.clock,
            tools=[tool],
        )

    async def restart(self) -> None:
        """What runs is left as it is, and taken up by the next process."""
        await self.service.close()
        await self.open()

    # Turns

    async def send(self, text: str | None, **more: Any) -> Accepted:
        return await self.service.send(ME, self.id, Ask(content=text, **more))

    async def answer(self, accepted: Accepted) -> Answer:
        async with asyncio.timeout(PATIENCE_S):
            answer = await self.service.answer(accepted)
        await self.look(answer)
        return answer

    async def until(self, accepted: Accepted, *kinds: str) -> str:
        """Wait for one of these events of a turn, or its end; returns which."""
        async with asyncio.timeout(PATIENCE_S), aclosing(self.service.follow_turn(accepted)) as batches:
            async for batch in batches:
                if came := [frame.type for frame in batch if frame.type in kinds]:
                    return came[-1]
        return e.TurnEnd.type

    async def path(self) -> list[Message]:
        return await self.service.messages(ME, self.id)

    def changed(self) -> None:
        """Something had to change: nothing is expected of the next prefix."""
        self.prefix = []

    # What must hold

    async def look(self, answer: Answer) -> None:
        """Whatever was sent was valid, and began as the request before it unless that had to change."""
        before = self.prefix
        events = decode_all(await self.store.read(self.id, self.seen, limit=100_000))
        self.seen = events[-1][0] if events else self.seen
        if any(isinstance(event, e.ContextCompact) for _, event in events):
            self.changed()
        for request in self._requests():
            assert request.status != 400, (answer.turn.error, request.body)
            if request.path == "/v1/messages" and _is_answer(request):
                now = spelled(request.body)
                assert now[: len(self.prefix)] == self.prefix
                self.prefix = now
        if answer.turn.status in ("failed", "refused"):
            self.prefix = before if self.prefix else []
        await self.whole()

    def _requests(self) -> Sequence[RecordedRequest]:
        new = [request for request in self.simulator.requests if request.number > self.checked]
        self.checked = new[-1].number if new else self.checked
        return new

    async def whole(self) -> None:
        """The log, folded anew, is what the tables hold."""
        header = await self.service.get(ME, self.id)
        shown = fold(decode_all(await self.store.read(self.id, 0, header.last_seq)))
        assert await self.path() == shown.path()


def _is_answer(request: RecordedRequest) -> bool:
    """And no summary: the small model is offered no tools for one, and one on the prefix ends by asking."""
    last = request.body["messages"][-1]["content"][-1]
    return bool(request.body.get("tools")) and last.get("text") != INSTRUCTION


def spelled(body: dict[str, Any]) -> list[str]:
    """The bytes of the prefix, block by block, without marks: what the cache compares."""
    parts = [("tools", tool) for tool in body.get("tools", ())]
    parts += [("system", block) for block in body.get("system", ())]
    parts += [(message["role"], block) for message in body["messages"] for block in message["content"]]
    return [
        json.dumps([part, {key: value for key, value in block.items() if key != "cache_control"}])
        for part, block in parts
    ]
