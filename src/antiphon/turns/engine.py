"""The engine of a replica: it runs the turns whose lease it holds, each in a task of its own."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from antiphon.domain.ids import new_id
from antiphon.errors import AntiphonError, FenceLost, StoreError
from antiphon.stores.base import Acceptance, Accepted, Change, Lease, TurnRecord
from antiphon.stores.frames import Frame
from antiphon.turns.runner import Abandoned, Parts, TurnRunner

log = structlog.get_logger()

SWEEP_S = 2.0
TICK_S = 15.0


class Engine:
    """Start it before use. `close` stops its turns; another replica, or the next start, goes on with them."""

    def __init__(self, parts: Parts) -> None:
        self.owner = new_id()
        self._parts = parts
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._runners: dict[str, tuple[Lease, TurnRunner]] = {}
        self._upkeep: list[asyncio.Task[None]] = []
        self._closed = False

    async def start(self) -> None:
        for chore in (self._parts.flusher.run(), self._heartbeat(), self._sweep(), self._ticks()):
            self._upkeep.append(asyncio.create_task(chore))

    async def close(self) -> None:
        """Idempotent."""
        if self._closed:
            return
        self._closed = True
        for _, runner in self._runners.values():
            runner.abandon()
        tasks = [*self._turns.values(), *self._upkeep]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._parts.upstream.close()
        await self._parts.store.close()

    async def accept(self, acceptance: Acceptance) -> Accepted:
        """Accept a turn, and run it here if its conversation is free. Raises what the store's accept does."""
        accepted = await self._parts.store.accept(acceptance)
        self._heard(acceptance.conversation_id, accepted.frames)
        if accepted.lease is not None:
            self._run(accepted.lease, _record(acceptance, accepted))
        return accepted

    async def append(self, conversation_id: str, change: Change) -> Sequence[Frame]:
        """Append events from outside a turn and tell the followers."""
        frames = await self._parts.store.append(conversation_id, change)
        self._heard(conversation_id, frames)
        return frames

    def cancel(self, turn_id: str, seen_seq: int) -> None:
        """Stop a turn that runs here; one that runs elsewhere hears of it from the log."""
        if (running := self._runners.get(turn_id)) is not None:
            running[1].cancel(seen_seq)

    def abandon(self, turn_id: str) -> None:
        """Stop a turn whose conversation is gone."""
        if (running := self._runners.get(turn_id)) is not None:
            running[1].abandon()

    def _heard(self, conversation_id: str, frames: Sequence[Frame]) -> None:
        self._parts.hub.publish(conversation_id, frames)

    def _run(self, lease: Lease, record: TurnRecord | None = None) -> None:
        task = asyncio.create_task(self._run_turns(lease, record), name=f"turns of {lease.conversation_id}")
        self._turns[lease.conversation_id] = task
        task.add_done_callback(lambda done: self._finished(lease.conversation_id, done))

    def _finished(self, conversation_id: str, task: asyncio.Task[None]) -> None:
        if self._turns.get(conversation_id) is task:
            del self._turns[conversation_id]

    async def _run_turns(self, lease: Lease, record: TurnRecord | None) -> None:
        """A turn, and those that were queued behind it meanwhile."""
        following = await self._run_turn(lease, record)
        while following is not None:
            following = await self._run_turn(following)

    async def _run_turn(self, lease: Lease, record: TurnRecord | None = None) -> Lease | None:
        runner = TurnRunner(self._parts, lease, record)
        self._runners[lease.turn_id] = (lease, runner)
        try:
            return await runner.run()
        except (FenceLost, Abandoned):
            log.info("turn_left", turn_id=lease.turn_id)
        except AntiphonError as error:
            log.warning("turn_waits_for_store", turn_id=lease.turn_id, error=error.name)
        except Exception:
            log.exception("turn_fault", turn_id=lease.turn_id)
        finally:
            self._runners.pop(lease.turn_id, None)
        return None

    # Upkeep

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(self._parts.lease_s / 3)
            leases = [lease for lease, _ in self._runners.values()]
            if not leases:
                continue
            with suppress(StoreError):
                for lost in await self._parts.store.renew(leases, self._parts.lease_s):
                    self.abandon(lost.turn_id)

    async def _sweep(self) -> None:
        while True:
            with suppress(StoreError):
                for lease in await self._parts.store.claim(self.owner, self._parts.lease_s):
                    self._run(lease)
            await asyncio.sleep(min(SWEEP_S, self._parts.lease_s))

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._parts.hub.tick()


def _record(acceptance: Acceptance, accepted: Accepted) -> TurnRecord | None:
    """What the store would say of a turn that was just accepted."""
    if accepted.header is None:
        return None
    return TurnRecord(
        id=accepted.turn_id,
        status="queued",
        seq=accepted.seq,
        header=accepted.header,
        queue=acceptance.queue,
        message=acceptance.message,
    )
