"""The engine of a replica: it runs the turns whose lease it holds, each in a task of its own."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace

import structlog

from antiphon.domain.conversations import Header
from antiphon.domain.events import ApprovalResolve, CancelRequest
from antiphon.domain.ids import new_id
from antiphon.errors import AntiphonError, FenceLost, OverBudget, StoreError, StoreUnavailable
from antiphon.stores.base import Acceptance, Accepted, Change, Lease, Start, TurnRecord
from antiphon.stores.frames import Frame, decode
from antiphon.turns.aftermath import Aftermath
from antiphon.turns.interruption import Abandoned
from antiphon.turns.outgoing import Outgoing
from antiphon.turns.parts import Parts
from antiphon.turns.planning import Begun, Planned, plan_start, record_of
from antiphon.turns.pruning import drop_files, prune_deltas
from antiphon.turns.runner import TurnRunner, Waits

log = structlog.get_logger()

SWEEP_S = 2.0
TICK_S = 7.5
"""Between two looks for followers who were given nothing: none waits longer than twice as long for a sign."""
LOOK_S = 1.0
PRUNE_S = 60.0


class Engine:
    """Start it before use. `close` stops its turns; another replica, or the next start, goes on with them."""

    def __init__(self, parts: Parts, *, takes_over: bool = True) -> None:
        self.owner = new_id()
        self._parts = parts
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._runners: dict[str, tuple[Lease, TurnRunner]] = {}
        self._renewed: dict[Lease, float] = {}
        """When each lease was last asked for, successfully: it cannot lapse before that and its length."""
        self._upkeep: list[asyncio.Task[None]] = []
        self._claiming: set[asyncio.Task[None]] = set()
        self._accepting: set[asyncio.Task[Accepted]] = set()
        self._closed = False
        self._left = False
        self._aftermath = Aftermath(parts, self.append)
        self._takes_over = takes_over

    async def start(self) -> None:
        chores = (
            self._parts.flusher.run,
            self._heartbeat,
            self._sweep,
            self._ticks,
            self._listen,
            self._look,
            self._prune,
        )
        self._upkeep = [asyncio.create_task(_kept_up(chore)) for chore in chores]

    async def close(self, drain_s: float = 0.0) -> None:
        """Let running turns finish for up to `drain_s` seconds, then hand over the rest. Idempotent."""
        if self._closed:
            return
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(drain_s):
                while under_way := [*self._accepting, *self._turns.values()]:
                    await asyncio.wait(under_way)
        self._left = True
        await asyncio.gather(*self._accepting, *self._claiming, return_exceptions=True)
        leases = list(self._renewed)  # also of turns that have not come to run yet
        for _, runner in self._runners.values():
            runner.abandon()
        tasks = [*self._turns.values(), *self._upkeep]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._aftermath.close()
        with suppress(StoreError):
            if leases:
                await self._parts.store.renew(leases, 0)
        self._parts.hub.close()
        await self._parts.toolbox.close()
        await self._parts.upstream.close()
        await self._parts.store.close()

    async def accept(self, acceptance: Acceptance, header: Header) -> Accepted:
        """Accept a turn, and run it here if its conversation is free. Raises what the store's accept does.

        `header` is the conversation's, just read: if nothing runs in it, what the turn begins with is
        committed together with its acceptance. Whoever asks may leave once that has begun: what is accepted
        then is run.
        """
        self._aftermath.forget(acceptance.conversation_id)
        planned = await self._planned(acceptance, header)
        if self._left:
            raise StoreUnavailable("Antiphon is being shut down here. Nothing was stored; try again.")
        task = asyncio.create_task(self._accept(acceptance, header, planned))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
        return await asyncio.shield(task)

    async def _accept(self, acceptance: Acceptance, header: Header, planned: Planned | None) -> Accepted:
        """In a task of its own: nobody may stop it between the commit and what that announces."""
        start = Start(last_seq=header.last_seq, change=planned.change) if planned else None
        asked, request = time.monotonic(), self._outgoing(planned)
        try:
            accepted = await self._accepted(acceptance, start, request)
        except BaseException:
            if request is not None:
                request.drop()
            raise
        await self._send(accepted, request)
        begun = self._begun(accepted, planned, request)
        self._heard(acceptance.conversation_id, accepted.frames)
        if accepted.lease is not None and accepted.header is not None:
            record = record_of(acceptance, accepted.header, accepted.seq)
            self._run(accepted.lease, asked, record, begun)
        if accepted.lease is None and acceptance.when_busy == "interrupt":
            await self._go_on(acceptance.conversation_id)
        return accepted

    async def _accepted(
        self, acceptance: Acceptance, start: Start | None, request: Outgoing | None
    ) -> Accepted:
        """While the store writes, the request that this announces is made ready."""
        meanwhile = request.make_ready if request is not None else None
        try:
            return await self._parts.store.accept(replace(acceptance, start=start), meanwhile)
        except OverBudget:  # a closer count may find room: that is for the turn to find out
            return await self._parts.store.accept(acceptance)

    def _outgoing(self, planned: Planned | None) -> Outgoing | None:
        """The request that goes out once it is announced."""
        if planned is None:
            return None
        return Outgoing(self._parts.upstream, self._parts.flusher, planned.plan)

    async def _send(self, accepted: Accepted, request: Outgoing | None) -> None:
        """Before all else: what is to be done here is done while Claude reads."""
        if request is not None and accepted.begun:
            await request.send()
        elif request is not None:
            request.drop()

    def _begun(self, accepted: Accepted, planned: Planned | None, request: Outgoing | None) -> Begun | None:
        """What the turn begins with. None if it was not accepted with it."""
        if planned is None or request is None or not accepted.begun:
            return None
        ground = planned.ground
        conversation_id, last_seq = ground.progress.header.id, accepted.frames[-1].seq
        step = planned.step(last_seq)
        step.writing.sent = True
        self._parts.standings.note_sent(conversation_id, self._parts.now(), ground.request.lifetime)
        self._parts.paths.learn(conversation_id, planned.change, last_seq)
        return Begun(step, ground, request)

    async def _planned(self, acceptance: Acceptance, header: Header) -> Planned | None:
        """What cannot be planned is accepted all the same: its turn says why when it starts."""
        try:
            return await plan_start(self._parts, acceptance, header)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - the turn meets it again, and ends by it
            log.info("turn_not_planned", turn_id=acceptance.queue.turn_id, error=type(error).__name__)
            return None

    async def append(self, conversation_id: str, change: Change) -> Sequence[Frame]:
        """Append events from outside a turn and tell the followers."""
        frames = await self._parts.store.append(conversation_id, change)
        self._heard(conversation_id, frames)
        return frames

    async def resolve(self, conversation_id: str, decision: ApprovalResolve) -> None:
        """Decide on an approval; its turn goes on here if nothing else is to be decided.

        Raises what the store's resolve does.
        """
        frames = await self._parts.store.resolve(conversation_id, decision)
        self._heard(conversation_id, frames)
        if frames:
            await self._go_on(conversation_id)

    async def stop(self, conversation_id: str, change: Change) -> None:
        """Append what asks a turn to stop. One that waits for approvals ends here."""
        await self.append(conversation_id, change)
        await self._go_on(conversation_id)

    async def _go_on(self, conversation_id: str) -> None:
        """Take over this conversation's turn if nobody holds it and it need not wait; or a sweep will.

        Whoever asks for it may leave: a lease that was taken is used.
        """
        if self._closed:
            return
        task = asyncio.create_task(self._claim_one(conversation_id))
        self._claiming.add(task)
        task.add_done_callback(self._claiming.discard)
        await asyncio.shield(task)

    async def _claim_one(self, conversation_id: str) -> None:
        asked = time.monotonic()
        with suppress(StoreError):
            for lease in await self._parts.store.claim(self.owner, self._parts.lease_s, only=conversation_id):
                self._run(lease, asked)

    async def withdraw(self, conversation_id: str, turn_id: str, change: Change) -> bool:
        """End a turn that waits. False if it does not wait any more."""
        frames = await self._parts.store.withdraw(conversation_id, turn_id, change)
        self._heard(conversation_id, frames or ())
        return frames is not None

    def abandon(self, turn_id: str) -> None:
        """Stop a turn whose conversation is gone."""
        if (running := self._runners.get(turn_id)) is not None:
            running[1].abandon()

    def _lose(self, lease: Lease) -> None:
        """Stop what runs under this lease; the same turn may run here under a newer one by now."""
        running = self._runners.get(lease.turn_id)
        if running is not None and running[0] == lease:
            running[1].lose()

    def _heard(self, conversation_id: str, frames: Sequence[Frame]) -> None:
        """Tell followers, and the turn that runs here; one that runs elsewhere hears of it from the log."""
        self._parts.hub.publish(conversation_id, frames)
        for event in (decode(frame) for frame in frames if frame.type == CancelRequest.type):
            if isinstance(event, CancelRequest) and (running := self._runners.get(event.turn_id)):
                running[1].cancel(event.seen_seq)

    def _run(
        self, lease: Lease, asked: float, record: TurnRecord | None = None, begun: Begun | None = None
    ) -> None:
        self._renewed[lease] = asked
        earlier = self._turns.get(lease.conversation_id)
        runner = TurnRunner(self._parts, lease, record, begun)
        if begun is not None:
            runner.listen(begun.step.first_seq)
        task = asyncio.create_task(
            self._run_turns(lease, runner, earlier), name=f"turns of {lease.conversation_id}"
        )
        self._turns[lease.conversation_id] = task
        task.add_done_callback(lambda done: self._finished(lease.conversation_id, done, runner))

    def _finished(self, conversation_id: str, task: asyncio.Task[None], runner: TurnRunner) -> None:
        runner.leave()
        if self._turns.get(conversation_id) is task:
            del self._turns[conversation_id]

    async def _run_turns(self, lease: Lease, runner: TurnRunner, earlier: asyncio.Task[None] | None) -> None:
        """A turn, and those that were queued behind it meanwhile.

        If its lease had lapsed here, unnoticed, what still ran under that one (`earlier`) leaves first.
        """
        if earlier is not None:
            for held, left in self._runners.values():
                if held.conversation_id == lease.conversation_id:
                    left.lose()
            await asyncio.gather(earlier, return_exceptions=True)
        following = await self._run_turn(lease, runner)
        while following is not None and not self._closed:
            following = await self._run_turn(following, TurnRunner(self._parts, following))
        if following is not None:
            with suppress(StoreError):
                await self._parts.store.renew([following], 0)

    async def _run_turn(self, lease: Lease, runner: TurnRunner) -> Lease | None:
        self._runners[lease.turn_id] = (lease, runner)
        try:
            if (following := await runner.run()) is not None:
                self._renewed[following] = self._renewed[lease]
            if runner.answered is not None and self._takes_over and not self._closed:
                self._aftermath.follow(runner.answered)
        except FenceLost:
            unrenewed_s = round(time.monotonic() - self._renewed[lease], 3)
            log.warning("lease_lost", turn_id=lease.turn_id, counter=lease.counter, unrenewed_s=unrenewed_s)
        except Waits:
            return None
        except Abandoned:
            log.info("turn_left", turn_id=lease.turn_id)
        except AntiphonError as error:
            log.warning("turn_waits_for_store", turn_id=lease.turn_id, error=error.name)
        except Exception:
            log.exception("turn_fault", turn_id=lease.turn_id)
        else:
            return following
        finally:
            self._runners.pop(lease.turn_id, None)
            self._renewed.pop(lease, None)
        return None

    # Upkeep

    async def _heartbeat(self) -> None:
        """Each lease is asked for anew when a third of it has passed, at the latest; few at a time."""
        while True:
            await asyncio.sleep(self._parts.lease_s / 12)
            asked = time.monotonic()
            due = asked - self._parts.lease_s / 4
            leases = [lease for lease, _ in self._runners.values() if self._renewed[lease] <= due]
            if not leases:
                continue
            with suppress(StoreError):
                lost = await self._parts.store.renew(leases, self._parts.lease_s)
                self._renewed |= dict.fromkeys(self._renewed.keys() & set(leases) - set(lost), asked)
                for lease in lost:
                    self._lose(lease)

    async def _sweep(self) -> None:
        while self._takes_over and not self._closed:
            with suppress(StoreError):
                asked = time.monotonic()
                while leases := await self._parts.store.claim(self.owner, self._parts.lease_s):
                    for lease in leases:
                        self._run(lease, asked)
                    asked = time.monotonic()
            await asyncio.sleep(min(SWEEP_S, self._parts.lease_s))

    async def _listen(self) -> None:
        """Hints of other processes' commits."""
        while True:
            try:
                async with aclosing(self._parts.store.hints()) as hints:
                    async for hint in hints:
                        if hint is None:
                            await self._look_at(self._parts.hub.followed())
                        else:
                            await self._parts.flusher.settled()  # it may be of a commit of one's own
                            self._parts.hub.hint(hint.conversation_id, hint.seq)
            except StoreError:
                await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        """Hints may be lost, and of what was deleted there are none."""
        while True:
            await asyncio.sleep(LOOK_S)
            with suppress(StoreError):
                await self._look_at(self._parts.hub.quiet())

    async def _look_at(self, followed: Sequence[str]) -> None:
        """How far others have come, and what they have deleted: one query for all."""
        hub = self._parts.hub
        if followed:
            reached = await self._parts.store.last_seqs(followed)
            await self._parts.flusher.settled()  # or what is being committed here would look like others'
            for conversation_id in followed:
                if (seq := reached.get(conversation_id)) is None:
                    hub.vanish(conversation_id)
                else:
                    hub.hint(conversation_id, seq)

    async def _prune(self) -> None:
        while self._takes_over:
            await asyncio.sleep(PRUNE_S)
            with suppress(StoreError):
                await prune_deltas(self._parts.store, self._parts.clock, self._parts.keep_deltas_s)
                await drop_files(self._parts.store)

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._parts.hub.tick()


async def _kept_up(chore: Callable[[], Coroutine[None, None, None]]) -> None:
    """A fault in this program does not end it: without it, no answer here would go on."""
    while True:
        try:
            return await chore()
        except Exception:
            log.exception("upkeep_fault", chore=chore.__name__)
        await asyncio.sleep(LOOK_S)
