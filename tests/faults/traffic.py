"""Clients at work while things die around them: they send, they read, and they note everything.

A sender repeats a message under its key, at any replica, until it is acknowledged; then it waits for the end
of its turn. A reader follows one conversation from its cursor, at any replica, and comes back when it is cut.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2

from antiphon.stores.frames import Frame
from tests.faults.history import Acknowledged, Disturbance, History, Reading, Refusal
from tests.faults.replicas import Replica

PATIENCE_S = 60.0
"""How long anything may take before it counts as lost."""
ASK_S = 3.0
"""How long a client waits for an answer, or for the next event, before it asks another replica."""
LONGEST_PATIENCE_S = 0.8
"""Before a client stops an answer, which takes about half a second."""
PAUSE_S = 0.05
"""Between two tries of a client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much goes on at once. All that is random comes from `seed`."""

    seed: int
    conversations: int = 3
    senders: int = 2
    """Per conversation."""
    readers: int = 2
    leave: float = 0.02
    """How likely a reader leaves after what it has just read, to come back elsewhere."""
    repeat: float = 0.2
    """How likely a client sends once more what was acknowledged, as one does that lost the answer."""
    cancel: float = 0.0
    """How likely a client stops the answer to its message at some moment, by what a reader has seen."""
    tools: tuple[str, ...] = ()
    """What Claude may use in these conversations."""


@dataclass(slots=True)
class _Seen:
    reader: str
    conversation_id: str
    frames: list[Frame] = field(default_factory=list)
    resets: int = 0

    @property
    def cursor(self) -> int:
        return self.frames[-1].seq if self.frames else 0


class Traffic:
    def __init__(self, http: httpx2.AsyncClient, replicas: Sequence[Replica], plan: Plan) -> None:
        self.conversations: list[str] = []
        self.disturbances: list[Disturbance] = []
        self.refusals: list[Refusal] = []
        self._http = http
        self._replicas = replicas
        self._plan = plan
        self._acknowledged: list[Acknowledged] = []
        self._given_up: list[str] = []
        self._seen: list[_Seen] = []
        self._ended: dict[str, asyncio.Event] = {}
        self._moved = asyncio.Event()
        self._leaving = False

    async def begin(self, group: asyncio.TaskGroup) -> None:
        plan = self._plan
        self._senders: list[asyncio.Task[None]] = []
        self._readers: list[asyncio.Task[None]] = []
        for number in range(plan.conversations):
            conversation_id = await self._new_conversation()
            self.conversations.append(conversation_id)
            for reader in range(plan.readers):
                seen = _Seen(f"{number}.{reader}", conversation_id)
                self._seen.append(seen)
                self._readers.append(
                    group.create_task(self._read(seen, Random(f"{plan.seed} reads {seen.reader}")))
                )
            for sender in range(plan.senders):
                name = f"{plan.seed}.{number}.{sender}"
                random = Random(f"{plan.seed} sends {name}")
                self._senders.append(group.create_task(self._send(conversation_id, name, random)))

    async def finish(self) -> None:
        """Let every message be acknowledged and answered, and every reader come to the end."""
        self._leaving = True
        async with asyncio.timeout(2 * PATIENCE_S):
            await asyncio.gather(*self._senders)
            for conversation_id in self.conversations:
                last = await self._last_seq(conversation_id)
                for seen in self._seen:
                    while seen.conversation_id == conversation_id and seen.cursor < last:
                        self._moved.clear()
                        await self._moved.wait()
        for reader in self._readers:
            reader.cancel()

    def stop_at_once(self) -> None:
        for task in (*self._senders, *self._readers):
            task.cancel()

    async def answered(self, turns: int) -> None:
        """Wait until so many more turns than now have ended before a reader's eyes."""
        wanted = self._turns_ended() + turns
        async with asyncio.timeout(PATIENCE_S):
            while self._turns_ended() < wanted:
                self._moved.clear()
                await self._moved.wait()

    async def refused(self, times: int) -> None:
        """Wait until clients were told so many more times than now that the store is unavailable."""
        wanted = len(self.refusals) + times
        async with asyncio.timeout(PATIENCE_S):
            while len(self.refusals) < wanted:
                self._moved.clear()
                await self._moved.wait()

    def history(self) -> History:
        return History(
            acknowledged=tuple(self._acknowledged),
            given_up=tuple(self._given_up),
            refusals=tuple(self.refusals),
            readings=tuple(
                Reading(
                    reader=seen.reader,
                    conversation_id=seen.conversation_id,
                    frames=tuple(seen.frames),
                    resets=seen.resets,
                )
                for seen in self._seen
            ),
            disturbances=tuple(self.disturbances),
        )

    def _turns_ended(self) -> int:
        return sum(event.is_set() for event in self._ended.values())

    # Sending

    async def _new_conversation(self) -> str:
        """By import: only so can a client say which tools a conversation has."""
        create = {"at": 0, "title": "", "tools": self._plan.tools}
        events = [{"seq": 1, "type": "conversation_create", "data": create}]
        document = {"format": "antiphon-conversation-1", "id": "new", "events": events}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = await self._ask("POST", "/v1/conversations/import", Random(0), document)
                if answer is not None and answer.status_code == 201:
                    return str(answer.json()["id"])
                await asyncio.sleep(PAUSE_S)

    async def _send(self, conversation_id: str, name: str, random: Random) -> None:
        number = 0
        while not self._leaving:
            number += 1
            key = f"{name}.{number}"
            try:
                async with asyncio.timeout(PATIENCE_S):
                    turn_id = await self._acknowledge(conversation_id, key, random)
                    if random.random() < self._plan.repeat:
                        await self._acknowledge(conversation_id, key, random)
                    if random.random() < self._plan.cancel:
                        await self._cancel(conversation_id, turn_id, random)
                    await self._end_of(turn_id).wait()
            except TimeoutError:
                self._given_up.append(key)
                return
            await asyncio.sleep(random.uniform(0, 2 * PAUSE_S))

    async def _cancel(self, conversation_id: str, turn_id: str, random: Random) -> None:
        """After a while, by any replica, until one has heard it; what was seen does not change meanwhile."""
        await asyncio.sleep(random.uniform(0, LONGEST_PATIENCE_S))
        reader = random.choice([each for each in self._seen if each.conversation_id == conversation_id])
        body = {"seen_seq": reader.cursor} if random.random() < 0.7 else {}
        while True:
            answer = await self._ask("POST", f"/v1/turns/{turn_id}/cancel", random, body)
            if answer is not None and answer.status_code == 202:
                return
            self._note(answer)
            await asyncio.sleep(PAUSE_S)

    async def say(self, key: str, at: Replica | None = None) -> str:
        """Send a message to the first conversation, by this replica or by any; its turn's id."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._acknowledge(self.conversations[0], key, Random(key), [at] if at else ())

    async def end_of(self, turn_id: str) -> None:
        """Wait until a reader sees it."""
        async with asyncio.timeout(PATIENCE_S):
            await self._end_of(turn_id).wait()

    async def events_seen(self, kind: str, count: int) -> None:
        """Wait until the first reader has seen so many events of this kind."""
        async with asyncio.timeout(PATIENCE_S):
            while sum(frame.type == kind for frame in self._seen[0].frames) < count:
                self._moved.clear()
                await self._moved.wait()

    async def _acknowledge(
        self, conversation_id: str, key: str, random: Random, at: Sequence[Replica] = ()
    ) -> str:
        """Send until it is acknowledged, by any replica or those given; its turn's id."""
        path, text = f"/v1/conversations/{conversation_id}/turns", f"Message {key}, please."
        while True:
            headers = {"Idempotency-Key": key}
            answer = await self._ask("POST", path, random, {"content": text}, headers=headers, at=at)
            if answer is not None and answer.status_code == 202:
                told = answer.json()
                noted = Acknowledged(
                    conversation_id=conversation_id,
                    key=key,
                    text=text,
                    turn_id=told["turn_id"],
                    seq=told["seq"],
                )
                self._acknowledged.append(noted)
                return noted.turn_id
            self._note(answer)
            await asyncio.sleep(PAUSE_S)

    async def _ask(
        self,
        method: str,
        path: str,
        random: Random,
        value: object = None,
        *,
        headers: dict[str, str] | None = None,
        at: Sequence[Replica] = (),
    ) -> httpx2.Response | None:
        """An answer of any replica; None if there was none."""
        url = random.choice(at or self._replicas).url
        try:
            return await self._http.request(method, url + path, json=value, headers=headers)
        except httpx2.TransportError:
            return None

    def _note(self, answer: httpx2.Response | None) -> None:
        if answer is not None:
            problem = str(answer.json().get("type", "")).removeprefix("/problems/")
            self.refusals.append(Refusal(status=answer.status_code, problem=problem))
            self._moved.set()

    def _end_of(self, turn_id: str) -> asyncio.Event:
        return self._ended.setdefault(turn_id, asyncio.Event())

    # Reading

    async def _last_seq(self, conversation_id: str) -> int:
        while True:
            answer = await self._ask("GET", f"/v1/conversations/{conversation_id}", Random(0))
            if answer is not None and answer.status_code == 200 and answer.json()["running"] is None:
                return int(answer.json()["as_of_seq"])
            await asyncio.sleep(PAUSE_S)

    async def _read(self, seen: _Seen, random: Random) -> None:
        path = f"/v1/conversations/{seen.conversation_id}/events"
        while True:
            url = random.choice(self._replicas).url + path
            try:
                await self._read_once(seen, url, random)
            except httpx2.TransportError:
                await asyncio.sleep(PAUSE_S)

    async def _read_once(self, seen: _Seen, url: str, random: Random) -> None:
        """One connection, until it ends or the reader leaves."""
        cursor = {"Last-Event-ID": str(seen.cursor)}
        async with self._http.stream("GET", url, headers=cursor) as response:
            if response.status_code != 200:
                await response.aread()
                self._note(response)
                await asyncio.sleep(PAUSE_S)
                return
            left = b""
            async for piece in response.aiter_bytes():
                *whole, left = (left + piece).split(b"\n\n")
                for text in whole:
                    self._noticed(seen, text)
                if not self._leaving and random.random() < self._plan.leave:
                    return

    def _noticed(self, seen: _Seen, text: bytes) -> None:
        if text.startswith(b":"):
            return
        fields = dict(line.split(b": ", 1) for line in text.split(b"\n"))
        kind = fields[b"event"].decode()
        if kind == "reset":
            seen.resets += 1
            return
        if kind == "notice":
            return
        seen.frames.append(Frame(int(fields[b"id"]), kind, fields[b"data"]))
        if kind == "turn_end":
            event: dict[str, Any] = json.loads(fields[b"data"])
            self._end_of(event["turn_id"]).set()
        self._moved.set()


@asynccontextmanager
async def traffic(replicas: Sequence[Replica], plan: Plan) -> AsyncGenerator[Traffic]:
    """Traffic while the body runs; afterwards every message is answered and every reader has it all."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx2.AsyncClient(timeout=ASK_S, limits=limits, trust_env=False) as http:
        clients = Traffic(http, replicas, plan)
        async with asyncio.TaskGroup() as group:
            await clients.begin(group)
            try:
                yield clients
                await clients.finish()
            finally:
                clients.stop_at_once()
