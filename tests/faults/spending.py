"""Many clients on one small budget: each repeats what was refused until nobody else's money is in flight."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2
import msgspec

from antiphon.money.dollars import nanodollars
from antiphon.simulator.script import (
    Fail,
    HangUp,
    Outcome,
    Reply,
    Reset,
    Stall,
    StreamError,
    Truncate,
)
from tests.faults.replicas import Pair, Replica
from tests.faults.traffic import PATIENCE_S

MODEL = "claude-opus-5-5"
MAX_TOKENS = 200
ANSWER = Reply(deltas=8, delta_chars=95)
"""Nearly as long as it may be, so that what is held is nearly what is spent: about 0.004 USD."""
PAUSE_S = 0.1

FAULTS: Sequence[Outcome] = (
    Fail(status=500),
    Fail(status=529),
    Reply(deltas=8, delta_chars=95, fault=HangUp(after=6)),
    Reply(deltas=8, delta_chars=95, fault=Reset(after=4)),
    Reply(deltas=8, delta_chars=95, fault=Truncate(after=7)),
    Reply(deltas=8, delta_chars=95, fault=StreamError(after=6)),
    Reply(deltas=8, delta_chars=95, fault=Stall(after=6)),
)


def environment(budget: str) -> dict[str, str]:
    return {
        "ANTIPHON_BUDGET_USD": budget,
        "ANTIPHON_MODEL": MODEL,
        "ANTIPHON_MAX_TOKENS": str(MAX_TOKENS),
    }


@dataclass(frozen=True)
class Size:
    clients: int
    requests: int
    """Of all clients together."""


@dataclass(frozen=True)
class Trouble:
    """Which share of the answers breaks, and of the turns is stopped: they are charged what was held."""

    faulty: float
    cancelled: float


NONE, SOME = Trouble(faulty=0, cancelled=0), Trouble(faulty=0.1, cancelled=0.05)


@dataclass
class Race:
    """So many requests, shared out among clients. `statuses` counts how their turns ended."""

    http: httpx2.AsyncClient
    replicas: Sequence[Replica]
    seed: int
    cancelled: float
    statuses: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    settled: int = 0
    """How many requests ended otherwise than by a refusal: each may have made room."""
    kills: int = 0
    _in_flight: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self, size: Size) -> None:
        async with asyncio.TaskGroup() as group:
            for client in range(size.clients):
                group.create_task(self._client(client, size.requests // size.clients))

    async def until_settled(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.settled >= count)

    async def _client(self, client: int, requests: int) -> None:
        for number in range(requests):
            random = Random(f"{self.seed} {client} {number}")
            tries = 0
            while not await self._try(f"{self.seed}.{client}.{number}.{tries}", random):
                tries += 1

    async def _try(self, key: str, random: Random) -> bool:
        """Whether the request is over: answered, failed, or refused while nothing was in flight."""
        before = self.settled
        self._in_flight += 1
        try:
            status = await self._ask(key, random)
        finally:
            self._in_flight -= 1
        async with self._changed:
            if status != "over_budget":
                self.settled += 1
                self.statuses[status] = self.statuses.get(status, 0) + 1
            else:
                self.refused += 1
            self._changed.notify_all()
            if status != "over_budget":
                return True
            await self._changed.wait_for(lambda: self.settled > before or self._in_flight == 0)
            return self.settled == before

    async def _ask(self, key: str, random: Random) -> str:
        """How the turn ended, asking any replica with one key until one of them says."""
        cancel = random.random() < self.cancelled
        conversation: str | None = None
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(httpx2.TransportError):
                    url = random.choice(self.replicas).url
                    conversation = conversation or await self._conversation(url)
                    status = await self._turn(url, conversation, key, cancel) if conversation else None
                    if status is not None:
                        return status
                await asyncio.sleep(PAUSE_S)

    async def _conversation(self, url: str) -> str | None:
        made = await self.http.post(f"{url}/v1/conversations", json={})
        return str(made.json()["id"]) if made.status_code == 201 else None

    async def _turn(self, url: str, conversation: str, key: str, cancel: bool) -> str | None:
        headers = {"Idempotency-Key": key, "Accept": "text/event-stream"}
        path = f"{url}/v1/conversations/{conversation}/turns"
        async with self.http.stream("POST", path, json={"content": key}, headers=headers) as told:
            if told.status_code == 402:
                return "over_budget"
            if told.status_code != 200:
                return None
            kind, turn_id = "", ""
            async for line in told.aiter_lines():
                field_name, _, value = line.partition(": ")
                if field_name == "event":
                    kind = value
                elif field_name == "data":
                    event: dict[str, Any] = json.loads(value)
                    turn_id = event.get("turn_id") or turn_id
                    if kind == "block_delta" and cancel:
                        cancel = False
                        await self.http.post(f"{url}/v1/turns/{turn_id}/cancel", json={})
                    if kind == "turn_end":
                        return str(event["status"])
        return None


@dataclass(frozen=True)
class Spent:
    """Nano-dollars, by the ledger and by the bill of who was asked; what became of the requests."""

    ledger: int
    still_open: int
    at_bound: int
    """The part of the ledger that is charged at what was held, because no usage came."""
    bill: int
    billed: int
    statuses: dict[str, int]
    refused: int
    kills: int


def paced(outcome: Outcome, pace: float) -> Outcome:
    return msgspec.structs.replace(outcome, pace=pace) if isinstance(outcome, Reply) else outcome


async def spend(
    pair: Pair,
    size: Size,
    *,
    seed: int,
    trouble: Trouble = SOME,
    pace: float = 0.02,
    meanwhile: Callable[[Race], Coroutine[None, None, None]] | None = None,
) -> Spent:
    """Let clients race for the budget that the replicas have; `meanwhile` goes on until they are done."""
    random = Random(f"{seed} faults")
    pair.claude.forget()
    script = [
        random.choice(FAULTS) if random.random() < trouble.faulty else ANSWER
        for _ in range(3 * size.requests)
    ]
    pair.claude.script(*(paced(outcome, pace) for outcome in script))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx2.AsyncClient(timeout=PATIENCE_S, limits=limits, trust_env=False) as http:
        race = Race(http, pair.replicas, seed, trouble.cancelled)
        disturbing = asyncio.create_task(meanwhile(race)) if meanwhile is not None else None
        try:
            await race.run(size)
        finally:
            if disturbing is not None:
                disturbing.cancel()
                with suppress(asyncio.CancelledError):
                    await disturbing
        told = (await http.get(f"{pair.replicas[0].url}/v1/usage")).json()["total"]
    return Spent(
        ledger=nanodollars(told["cost_usd"]),
        still_open=nanodollars(told["open_usd"]),
        at_bound=nanodollars(told["unsettled_usd"]),
        bill=pair.claude.bill.nano_dollars,
        billed=pair.claude.bill.requests,
        statuses=race.statuses,
        refused=race.refused,
        kills=race.kills,
    )
