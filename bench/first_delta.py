"""Time to the first text, one reader: what each server adds to a direct connection to the same upstream.

Antiphon commits before it shows: the accepted message with the request that goes out, and the first text; a
new conversation is one more. So the disk's own time for a synced write stands beside it.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

from bench.clients import chat_request, claude_request, new_conversation, read_answer, turn_request
from bench.load import Load
from bench.report import Limit, Table, milliseconds, quantile
from bench.servers import antiphon, bare_app, canned_upstream
from bench.stores import store

LOAD = Load(5, 5)
ROUNDS, WARM_UP = 100, 10
CONVERSATIONS = 10
DIRECT, CHAT, NEW = "direct", "Antiphon, SQLite, POST /chat/stream", "the same, a new conversation"
AT_MOST_MS = 5.0

Ask = Callable[[int], Awaitable[float]]


def run() -> Iterator[Table]:
    with ExitStack() as stack:
        address = stack.enter_context(store("SQLite"))
        upstream = stack.enter_context(canned_upstream())
        ours = stack.enter_context(antiphon(upstream, address))
        light = stack.enter_context(antiphon(upstream, "memory://"))
        bare = stack.enter_context(bare_app(upstream))
        file = stack.enter_context(tempfile.TemporaryFile())

        async def measure() -> dict[str, list[float]]:
            conversations = [await new_conversation(ours.port) for _ in range(CONVERSATIONS)]
            ways: dict[str, Ask] = {
                DIRECT: lambda _: _first(upstream.port, claude_request(LOAD)),
                "one synced write to this disk": lambda _: _synced_write(file),
                CHAT: lambda n: _first(ours.port, chat_request(f"s-{n % CONVERSATIONS}", LOAD)),
                NEW: lambda n: _first(ours.port, chat_request(f"new-{n}", LOAD)),
                "Antiphon, SQLite, POST /v1/…/turns": lambda n: _first(
                    ours.port, turn_request(conversations[n % CONVERSATIONS], LOAD)
                ),
                "Antiphon, memory, POST /chat/stream": lambda n: _first(
                    light.port, chat_request(f"s-{n % CONVERSATIONS}", LOAD)
                ),
                "FastAPI and the SDK": lambda n: _first(
                    bare.port, chat_request(f"s-{n % CONVERSATIONS}", LOAD)
                ),
            }
            return await _interleaved(ways)

        yield _table(asyncio.run(measure()))


async def _interleaved(ways: dict[str, Ask]) -> dict[str, list[float]]:
    """All take turns, so that what disturbs one disturbs all."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(WARM_UP + ROUNDS):
        for name, ask in ways.items():
            found[name].append(await ask(number))
    return {name: times[WARM_UP:] for name, times in found.items()}


async def _first(port: int, asked: bytes) -> float:
    read = await read_answer(port, asked)
    if not read.done or not read.first_s:
        raise ValueError("an answer was incomplete")
    return read.first_s


async def _synced_write(file: BinaryIO) -> float:
    begun = time.perf_counter()
    file.write(bytes(4096))
    file.flush()
    os.fsync(file.fileno())
    return time.perf_counter() - begun


def _table(found: dict[str, list[float]]) -> Table:
    direct = quantile(found[DIRECT], 0.5)
    rows = [
        (
            name,
            milliseconds(quantile(times, 0.5)),
            milliseconds(quantile(times, 0.95)),
            "" if name == DIRECT else f"{(quantile(times, 0.5) - direct) * 1e3:+.1f} ms",
        )
        for name, times in found.items()
    ]
    added = (quantile(found[CHAT], 0.5) - direct) * 1e3
    return Table(
        title=f"Time to the first text, one reader, {ROUNDS} times",
        columns=("", "p50", "p95", "p50 over direct"),
        rows=rows,
        limits=[Limit("POST /chat/stream over direct, p50", added, AT_MOST_MS, "ms")],
    )
