"""Several replicas on one store: each a service of its own, as in processes of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from antiphon.bootstrap import open_service
from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.errors import Busy, StoreUnavailable
from antiphon.model.client import ClaudeUpstream
from antiphon.money.ledger import UsageQuery
from antiphon.service import Ask, Service
from antiphon.settings import Settings
from antiphon.simulator.script import Fail, Reply, Stall
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Accepted, Change, Ended, Lease
from antiphon.stores.frames import Frame, decode_all
from antiphon.stores.sql.sqlite import SqliteDatabase
from antiphon.stores.sql.store import SqlStore
from antiphon.testing.stores.making import a_start, a_turn, lease_of
from antiphon.turns.tries import LOST, LOST_MAX

ME = "me"
OpenService = Callable[..., Awaitable[Service]]


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'antiphon.db'}"


async def test_a_reader_on_another_replica_sees_every_event_as_it_comes(
    open_one: OpenService, simulator: Simulator
) -> None:
    one, two = await open_one(), await open_one()
    header = await one.create(ME)
    simulator.script(Reply(text="one two three four five six", pace=0.1))
    accepted = await one.send(ME, header.id, Ask(content="go"))
    text, batches = "", 0
    async with asyncio.timeout(10):
        async for frames in two.follow_turn(accepted):
            batches += bool(frames)
            for _, event in decode_all(frames):
                if isinstance(event, e.BlockDelta):
                    text += event.delta["text"]
    assert text == "one two three four five six"
    assert batches >= 4


async def test_stop_on_another_replica_stops_the_answer(open_one: OpenService, simulator: Simulator) -> None:
    one, two = await open_one(), await open_one()
    header = await one.create(ME)
    simulator.script(Reply(text="one two three four five six", pace=0.3))
    accepted = await one.send(ME, header.id, Ask(content="go"))
    await simulator.until(lambda seen: len(seen) == 1)
    await two.cancel(ME, accepted.turn_id)
    async with asyncio.timeout(5):
        answer = await two.answer(accepted)
    assert answer.turn.status == "cancelled"
    await simulator.until(lambda seen: seen[-1].client_left)


class Blinking(SqlStore):
    """Gives no events, does not take the end of a turn or say that it did, or has a fault, so many times."""

    failing = refusing = silent = faulty = 0

    async def read(
        self, conversation_id: str, after: int, limit: int = 1000, *, deltas_after: int = 0
    ) -> list[Frame]:
        if self.failing:
            self.failing -= 1
            raise StoreUnavailable("The store cannot be reached.")
        return await super().read(conversation_id, after, limit, deltas_after=deltas_after)

    async def claim(
        self, owner: str, lease_s: float, limit: int = 16, *, only: str | None = None
    ) -> list[Lease]:
        if self.faulty:
            self.faulty -= 1
            raise ZeroDivisionError
        return await super().claim(owner, lease_s, limit, only=only)

    async def end(self, lease: Lease, change: Change, lease_s: float) -> Ended:
        if self.refusing:
            self.refusing -= 1
            raise StoreUnavailable("The store cannot be reached.")
        ended = await super().end(lease, change, lease_s)
        if self.silent:
            self.silent -= 1
            raise StoreUnavailable("The store cannot be reached.")
        return ended


async def test_a_stop_on_another_replica_is_heard_even_if_the_store_cannot_be_read_at_once(
    open_one: OpenService, simulator: Simulator, tmp_path: Path
) -> None:
    store = Blinking(SqliteDatabase(tmp_path / "antiphon.db"))
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    one, two = await open_service(Settings(), upstream=upstream, store=store), await open_one()
    header = await one.create(ME)
    simulator.script(Reply(text="one two three four five six", pace=1.0))
    accepted = await one.send(ME, header.id, Ask(content="go"))
    await simulator.until(lambda seen: len(seen) == 1)
    store.failing = 1
    await two.cancel(ME, accepted.turn_id)
    async with asyncio.timeout(5):
        answer = await two.answer(accepted)
    assert (answer.turn.status, store.failing) == ("cancelled", 0)
    await one.close()


@pytest.mark.parametrize("blink", ["refusing", "silent"])
async def test_an_answer_whose_end_the_store_did_not_take_at_once_is_kept_and_not_asked_for_again(
    simulator: Simulator, tmp_path: Path, blink: str
) -> None:
    store = Blinking(SqliteDatabase(tmp_path / "antiphon.db"))
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    one = await open_service(Settings(lease_s=1), upstream=upstream, store=store)
    header = await one.create(ME)
    simulator.script(Reply(text="first"), Reply(text="second"))
    setattr(store, blink, 2)
    accepted = await one.send(ME, header.id, Ask(content="go"))
    async with asyncio.timeout(8):
        answer = await one.answer(accepted)
        following = await one.answer(await one.send(ME, header.id, Ask(content="go on")))
    assert (answer.text, answer.turn.status, following.text) == ("first", "completed", "second")
    assert len(simulator.requests) == 2
    (row,) = await one.usage(UsageQuery(by=()))
    assert (row.requests, row.unsettled_nanodollars, row.open_nanodollars) == (2, 0, 0)
    await one.close()


async def test_a_waiting_message_can_be_withdrawn_and_is_never_sent(
    open_one: OpenService, simulator: Simulator
) -> None:
    one, two = await open_one(), await open_one()
    header = await one.create(ME)
    simulator.script(Reply(text="slow", delay=0.5))
    first = await one.send(ME, header.id, Ask(content="first"))
    second = await two.send(ME, header.id, Ask(content="second"))
    await two.cancel(ME, second.turn_id)
    async with asyncio.timeout(5):
        assert (await two.answer(second)).turn.status == "cancelled"
        assert (await one.answer(first)).text == "slow"
    assert len(simulator.requests) == 1
    assert len(await one.messages(ME, header.id)) == 2
    assert await one.messages(ME, header.id) == (await one.snapshot(ME, header.id)).path()


async def test_reject_and_interrupt(open_one: OpenService, simulator: Simulator) -> None:
    one = await open_one()
    header = await one.create(ME)
    simulator.script(Reply(text="slow words here", pace=1.0))
    first = await one.send(ME, header.id, Ask(content="first"))
    await simulator.until(lambda seen: len(seen) == 1)
    with pytest.raises(Busy):
        await one.send(ME, header.id, Ask(content="not now", when_busy="reject"))
    urgent = await one.send(ME, header.id, Ask(content="stop, do this", when_busy="interrupt"))
    async with asyncio.timeout(10):
        assert (await one.answer(first)).turn.status == "cancelled"
        assert (await one.answer(urgent)).turn.status == "completed"


async def test_a_replica_that_closes_lets_turns_finish(open_one: OpenService, simulator: Simulator) -> None:
    one, two = await open_one(), await open_one()
    header = await one.create(ME)
    simulator.script(Reply(text="one two three", pace=0.1))
    accepted = await one.send(ME, header.id, Ask(content="go"))
    await simulator.until(lambda seen: len(seen) == 1)
    await one.close(drain_s=5)
    async with asyncio.timeout(5):
        answer = await two.answer(accepted)
    assert (answer.text, answer.turn.attempt) == ("one two three", 1)


async def test_a_replica_that_closes_hands_over_what_it_cannot_finish(
    open_one: OpenService, simulator: Simulator
) -> None:
    one = await open_one(lease_s=30)
    header = await one.create(ME)
    simulator.script(Reply(text="one two three", pace=30), Reply(text="done"))
    first = await one.send(ME, header.id, Ask(content="go"))
    second = await one.send(ME, header.id, Ask(content="and then"))
    await simulator.until(lambda seen: len(seen) == 1)
    await one.close(drain_s=0.1)
    two = await open_one(lease_s=30)
    async with asyncio.timeout(10):
        assert [(await two.answer(turn)).turn.status for turn in (first, second)] == ["completed"] * 2
    assert len(simulator.requests) == 3


async def test_an_attempt_that_was_lost_is_charged_once(open_one: OpenService, simulator: Simulator) -> None:
    one = await open_one(budget_usd="1")
    header = await one.create(ME)
    simulator.script(Reply(text="one two three", pace=5), Reply(text="one two three"))
    accepted = await one.send(ME, header.id, Ask(content="Count."))
    await simulator.until(lambda seen: len(seen) == 1)
    (row,) = await one.usage(UsageQuery(by=()))
    held = row.open_nanodollars
    await one.close()
    two = await open_one(budget_usd="1")
    async with asyncio.timeout(10):
        answer = await two.answer(accepted)
    assert answer.text == "one two three"
    (row,) = await two.usage(UsageQuery(by=()))
    assert (row.requests, row.unsettled_nanodollars, row.open_nanodollars) == (2, held, 0)
    assert row.cost_nanodollars == answer.turn.cost_nanodollars > held
    (standing,) = await two.standings(ME)
    assert standing.left == standing.nanodollars - row.cost_nanodollars


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    """The same one, as a replica has it that does nothing by itself."""
    store = SqlStore(SqliteDatabase(Path(store_url.removeprefix("sqlite:///"))))
    await store.open()
    yield store
    await store.close()


async def left_behind(store: SqlStore, last: Callable[[str], e.Event]) -> Accepted:
    """A turn whose replica died before it began; the log ends with this event of it."""
    header = await store.create(ME, new_id(), e.ConversationCreate(at=1, model="claude-sonnet-5-5"))
    accepted = await store.accept(a_turn(header.id))
    await store.append(header.id, Change(events=[last(accepted.turn_id)]), lease_of(accepted))
    await store.renew([lease_of(accepted)], 0)
    return accepted


async def test_a_summary_that_was_lost_is_charged_once(
    open_one: OpenService, store: SqlStore, simulator: Simulator
) -> None:
    small = "claude-haiku-5-5"
    asked = e.RequestStart(at=1, id=new_id(), purpose="summary", model=small, held_nanodollars=60)
    accepted = await left_behind(store, lambda _: asked)
    service = await open_one(titles="off")
    async with asyncio.timeout(10):
        assert (await service.answer(accepted)).turn.status == "completed"
    rows = {row.key["purpose"]: row for row in await service.usage(UsageQuery(by=("purpose",)))}
    summary = rows["summary"]
    assert (summary.requests, summary.cost_nanodollars, summary.open_nanodollars) == (1, 60, 0)
    assert len(simulator.requests) == rows["answer"].requests == 1


async def test_a_turn_that_was_stopped_before_its_replica_died_is_not_asked_for(
    open_one: OpenService, store: SqlStore, simulator: Simulator
) -> None:
    accepted = await left_behind(store, lambda turn_id: e.CancelRequest(at=2, turn_id=turn_id, seen_seq=0))
    service = await open_one()
    async with asyncio.timeout(10):
        assert (await service.answer(accepted)).turn.status == "cancelled"
    assert not simulator.requests


@pytest.mark.parametrize(("lost", "requests"), [(LOST_MAX - 1, 1), (LOST_MAX, 0)])
async def test_an_answer_that_is_lost_again_and_again_is_not_asked_for_for_ever(
    open_one: OpenService, store: SqlStore, simulator: Simulator, lost: int, requests: int
) -> None:
    """It may be what kills the servers that write it."""
    header = await store.create(ME, new_id(), e.ConversationCreate(at=1, model="claude-sonnet-5-5"))
    acceptance = a_turn(header.id)
    accepted = await store.accept(acceptance)
    begin, step = (opened := a_start(acceptance, 0).change).events
    assert isinstance(step, e.StepStart)
    await store.append(header.id, replace(opened, events=[begin]), lease_of(accepted))
    for attempt in range(1, lost + 1):
        step = replace(step, attempt=attempt, message_id=new_id(), model="claude-sonnet-5-5")
        error = e.AttemptError(at=3, step=0, attempt=attempt, error=LOST)
        change = Change(events=[step, error] if attempt < lost else [step])
        await store.append(header.id, change, lease_of(accepted))
    await store.renew([lease_of(accepted)], 0)
    service = await open_one()
    async with asyncio.timeout(10):
        turn = (await service.answer(accepted)).turn
    assert (turn.status, len(simulator.requests)) == ("failed" if not requests else "completed", requests)
    assert (turn.error and turn.error.title) == (None if requests else "The answer was lost too often")
    (row,) = await service.usage(UsageQuery(by=()))
    assert (row.requests, row.open_nanodollars) == (lost + requests, 0)


async def test_a_fault_in_the_upkeep_does_not_end_it(
    store: SqlStore, simulator: Simulator, tmp_path: Path
) -> None:
    accepted = await left_behind(store, lambda turn_id: e.CancelRequest(at=2, turn_id=turn_id, seen_seq=0))
    faulty = Blinking(SqliteDatabase(tmp_path / "antiphon.db"))
    faulty.faulty = 1
    upstream = ClaudeUpstream(api_key="key", base_url=simulator.url)
    service = await open_service(Settings(), upstream=upstream, store=faulty)
    async with asyncio.timeout(10):
        assert (await service.answer(accepted)).turn.status == "cancelled"
    assert not faulty.faulty
    await service.close()


async def test_a_replica_that_takes_over_knows_what_was_tried(
    open_one: OpenService, simulator: Simulator
) -> None:
    """The first one dies while the fallback answers: it is asked once more, and nobody else."""
    first = await open_one(max_attempts=2, fallback=("claude-haiku-5-5",), lease_s=0.5)
    header = await first.create(ME)
    simulator.script(
        Fail(status=529, for_model="claude-sonnet-5-5"),
        Reply(text="one two three", fault=Stall(at="mid_text", seconds=600), for_model="claude-haiku-5-5"),
        Reply(text="Done.", for_model="claude-haiku-5-5"),
    )
    accepted = await first.send(ME, header.id, Ask(content="go"))
    async with asyncio.timeout(10):
        async for frames in first.follow_turn(accepted):
            if any(frame.type == e.BlockDelta.type for frame in frames):
                break
        await first.close()
        second = await open_one(max_attempts=2, fallback=("claude-haiku-5-5",), lease_s=0.5)
        answer = await second.answer(accepted)
    assert (answer.text, answer.turn.model) == ("Done.", "claude-haiku-5-5")
    assert [request.body["model"] for request in simulator.requests] == [
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
        "claude-haiku-5-5",
    ]
