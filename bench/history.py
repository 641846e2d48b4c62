"""A turn in a conversation of 10,000 messages beside one in a conversation of ten, in one SQLite file."""

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from antiphon.bootstrap import make_store, open_service
from antiphon.context.plan import Request, plan_request
from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Message, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.model import wire
from antiphon.model.upstream import AT_ONCE, Pace
from antiphon.service import LOCAL_PRINCIPAL, Ask, Service
from antiphon.settings import Settings
from antiphon.stores.base import Change, Store
from bench.counting import Counts, counting, empty_log, pages_written
from bench.report import Limit, Table, milliseconds

SHORT, LONG = 10, 10_000
TURNS = 20
REST_S = 0.1
"""Before each turn, so that none shares a commit with the one before it, however short it is."""
PLANS = 9
TEXT = "A message of a length that people write, some eighty characters or thereabouts."
PLANNING_MS = 40.0


class Instant:
    """A model that answers at once, always the same."""

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[Sequence[wire.StreamEvent], None]:
        await pace.may_go()
        yield [
            wire.MessageStart(wire.MessageHead("msg", plan.model, {"input_tokens": 10, "output_tokens": 1})),
            wire.BlockStart(0, {"type": "text", "text": ""}),
            wire.BlockDelta(0, {"type": "text_delta", "text": TEXT}),
            wire.BlockStop(0),
            wire.MessageDelta(wire.Ending("end_turn"), {"output_tokens": 20}),
            wire.MessageStop(),
        ]

    async def count_tokens(self, plan: RequestPlan) -> int:
        return len(plan.messages)

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn cost the store.

    Rows are the least of all turns: the first one reads the messages, which are known from then on, and
    upkeep that goes by the clock reads some now and then. The others are medians.
    """

    rows: float
    kibibytes: float
    log_kibibytes: float
    rows_read: float
    took_s: float
    path_s: float
    plan_s: float


def run() -> Iterator[Table]:
    found = asyncio.run(_measure())
    short, long = found[SHORT], found[LONG]
    figures = (
        ("rows written", short.rows, long.rows),
        ("pages written, KiB", short.kibibytes, long.kibibytes),
        ("events appended, KiB", short.log_kibibytes, long.log_kibibytes),
        ("rows read beyond what is sent", short.rows_read, long.rows_read),
    )
    rows = [(what, f"{a:.1f}", f"{b:.1f}", f"{b / a:.2f} ×") for what, a, b in figures]
    for what, a_s, b_s in (
        ("reading the messages", short.path_s, long.path_s),
        ("planning the request, CPU", short.plan_s, long.plan_s),
        ("the whole turn", short.took_s, long.took_s),
    ):
        rows.append((what, milliseconds(a_s), milliseconds(b_s), ""))
    limits = [Limit(f"{what}, against ten messages", b / a, 1.1, "×") for what, a, b in figures]
    limits.append(Limit("planning", long.plan_s * 1e3, PLANNING_MS, "ms"))
    columns = ("one turn", f"{SHORT} messages", f"{LONG:,} messages", "ratio")
    yield Table(title="A turn late in a long conversation, SQLite", columns=columns, rows=rows, limits=limits)


async def _measure() -> dict[int, Turn]:
    """Both conversations lie in one file, so that only their length differs."""
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder, counting() as counts:
        path = Path(folder) / "bench.db"
        settings = Settings(store=f"sqlite:///{path}")
        store = make_store(settings)
        service = await open_service(settings, upstream=Instant(), store=store)
        try:
            lengths = {length: await _conversation(service, store, length) for length in (SHORT, LONG)}
            return {
                length: await _turns(service, store, counts, path, conversation_id)
                for length, conversation_id in lengths.items()
            }
        finally:
            await service.close()


async def _conversation(service: Service, store: Store, length: int) -> str:
    header = await service.create(LOCAL_PRINCIPAL)
    parent: str | None = None
    for start in range(0, length, 500):
        messages = []
        for number in range(start, min(start + 500, length)):
            messages.append(_message(number, parent))
            parent = messages[-1].id
        added = [_added(message) for message in messages]
        await store.append(header.id, Change(events=added, messages=messages))
    return header.id


def _message(number: int, parent_id: str | None) -> Message:
    return Message(
        id=new_id(),
        parent_id=parent_id,
        role="assistant" if number % 2 else "user",
        content=(text_block(TEXT),),
        turn_id="",
    )


def _added(message: Message) -> e.MessageAdd:
    return e.MessageAdd(
        at=0,
        message_id=message.id,
        turn_id=message.turn_id,
        content=message.content,
        parent_id=message.parent_id,
        role=message.role,
    )


async def _turns(service: Service, store: Store, counts: Counts, file: Path, conversation_id: str) -> Turn:
    found = []
    for _ in range(TURNS):
        await asyncio.sleep(REST_S)
        empty_log(file)
        rows, read, begun = counts.rows_written(), counts.rows_read, time.perf_counter()
        accepted = await service.send(LOCAL_PRINCIPAL, conversation_id, Ask(content="And then?"))
        appended = 0
        async with aclosing(service.follow_turn(accepted)) as batches:
            async for batch in batches:
                appended += sum(len(frame.data) for frame in batch)
        took_s = time.perf_counter() - begun
        pages, read = pages_written(file), counts.rows_read - read
        written = counts.rows_written() - rows
        found.append((written, pages * 4.0, appended / 1024, read, took_s))
    path_s, plan_s = await _planning(service, store, conversation_id)
    rows_each, kibibytes, log_kibibytes, read_each, took = zip(*found, strict=True)
    return Turn(
        rows=min(rows_each),
        kibibytes=statistics.median(kibibytes),
        log_kibibytes=statistics.median(log_kibibytes),
        rows_read=min(read_each),
        took_s=statistics.median(took),
        path_s=path_s,
        plan_s=plan_s,
    )


async def _planning(service: Service, store: Store, conversation_id: str) -> tuple[float, float]:
    """Seconds to read the path of messages, and of CPU to plan from it; medians."""
    header = await service.get(LOCAL_PRINCIPAL, conversation_id)
    read, planned = [], []
    for _ in range(PLANS):
        begun = time.perf_counter()
        path = await store.path(conversation_id, header.head)
        read.append(time.perf_counter() - begun)
        gc.collect()  # or a look through all that was just read would fall into the planning now and then
        begun = time.thread_time()
        plan_request(header, path, Request(model="claude-sonnet-5-5"))
        planned.append(time.thread_time() - begun)
    return statistics.median(read), statistics.median(planned)
