"""Turns: accept, end, withdraw, wait, resolve, renew, claim."""

from collections.abc import Callable, Sequence
from typing import Any

from antiphon.domain.events import ApprovalResolve, MessageAdd, TurnQueue
from antiphon.errors import NotFound, StoreUnavailable
from antiphon.stores.base import Acceptance, Accepted, Change, Ended, Lease, TurnRecord
from antiphon.stores.frames import Frame, decode
from antiphon.stores.projection import check_decision, decided_as
from antiphon.stores.redis.accepting import acceptance_row, accepted_of, cancel_row
from antiphon.stores.redis.keys import of_principal
from antiphon.stores.redis.log import lost
from antiphon.stores.redis.paying import Paying, Reply
from antiphon.stores.redis.rows import change_row, frames_of, header_of, lease_row, turn_of
from antiphon.stores.redis.scripts import Command, changing, on_conversation
from antiphon.stores.redis.unfinished import Noted


class RedisTurns(Paying):
    async def accept(self, acceptance: Acceptance, meanwhile: Callable[[], None] | None = None) -> Accepted:
        if meanwhile is not None:
            meanwhile()
        principal = await self._known_principal(acceptance.conversation_id)
        row = acceptance_row(acceptance)
        start = (acceptance.start.change, row["start"]["change"]) if acceptance.start else None
        cancel: dict[str, Any] | None = None

        async def run() -> Reply:
            nonlocal cancel
            reply, cancel = await self._accept(principal, acceptance, row)
            return reply

        reply = await self._paying(principal, acceptance.conversation_id, start, run, _has_begun)
        return accepted_of(acceptance, principal, row, cancel, reply)

    async def _accept(
        self, principal: str, acceptance: Acceptance, row: dict[str, Any]
    ) -> tuple[Reply, dict[str, Any] | None]:
        """What the script says, and the request to cancel that was given to it."""
        noted = await self._unfinished.note(principal)
        anew, cancel = False, None
        while True:
            reply = await self._run(
                changing("accept"), principal, acceptance.conversation_id, **row, noted=noted, cancel=cancel
            )
            match reply:
                case [b"interrupts", running, seen_seq]:
                    cancel = cancel_row(acceptance, running.decode(), seen_seq)
                case [b"stale"] if not anew:
                    noted, anew = await self._unfinished.note(principal, anew=True), True
                case _:
                    return reply, cancel

    async def known(self, acceptance: Acceptance) -> Accepted | None:
        if acceptance.key is None:
            return None
        principal = await self._known_principal(acceptance.conversation_id)
        row = {"key": acceptance.key, "body_hash": acceptance.body_hash}
        reply = await self._run(on_conversation("known"), principal, acceptance.conversation_id, **row)
        return None if reply[0] == b"new" else accepted_of(acceptance, principal, {}, None, reply)

    async def turn(self, conversation_id: str, turn_id: str) -> TurnRecord:
        principal = await self._known_principal(conversation_id)
        reply = await self._run(on_conversation("turn"), principal, conversation_id, turn_id=turn_id)
        if reply[0] == b"missing":
            raise _no_turn()
        _, packed, queue_data, message_data, state = reply
        status, seq, last_message_id = turn_of(packed)
        queue = decode(Frame(seq, TurnQueue.type, queue_data))
        message = decode(Frame(seq - 1, MessageAdd.type, message_data)) if message_data else None
        assert isinstance(queue, TurnQueue)
        assert message is None or isinstance(message, MessageAdd)
        return TurnRecord(
            id=turn_id,
            status=status,
            seq=seq,
            header=header_of(principal, conversation_id, state),
            queue=queue,
            message=message,
            last_message_id=last_message_id,
        )

    async def end(self, lease: Lease, change: Change, lease_s: float) -> Ended:
        principal = await self._principal(lease.conversation_id)
        if principal is None:
            raise lost()
        row = change_row(change, lease.turn_id)
        reply = await self._run(
            changing("end"),
            principal,
            lease.conversation_id,
            change=row,
            lease=lease_row(lease),
            lease_ms=_milliseconds(lease_s),
        )
        if reply[0] == b"lost":
            raise lost()
        _, last_seq, waiting, counter, costs = reply
        await self._installation.pay(costs)
        following = Lease(lease.conversation_id, waiting.decode(), counter, lease.owner) if waiting else None
        return Ended(frames=frames_of(row["events"], last_seq), next=following)

    async def withdraw(self, conversation_id: str, turn_id: str, change: Change) -> list[Frame] | None:
        principal = await self._known_principal(conversation_id)
        row = change_row(change, turn_id)
        reply = await self._run(changing("withdraw"), principal, conversation_id, turn_id=turn_id, change=row)
        match reply:
            case [b"done", last_seq]:
                return frames_of(row["events"], last_seq)
            case [b"gone"]:
                return None
            case _:
                raise _no_turn()

    async def wait(self, lease: Lease, change: Change, wait_s: float, last_seq: int) -> list[Frame] | None:
        principal = await self._principal(lease.conversation_id)
        if principal is None:
            raise lost()
        row = change_row(change, lease.turn_id)
        reply = await self._run(
            changing("wait"),
            principal,
            lease.conversation_id,
            change=row,
            lease=lease_row(lease),
            wait_ms=_milliseconds(wait_s),
            last_seq=last_seq,
        )
        match reply:
            case [b"waits", seq]:
                return frames_of(row["events"], seq)
            case [b"grown"]:
                return None
            case _:
                raise lost()

    async def resolve(self, conversation_id: str, decision: ApprovalResolve) -> list[Frame]:
        principal = await self._known_principal(conversation_id)
        row = change_row(Change(events=[decision]), None)
        reply = await self._run(
            changing("resolve"),
            principal,
            conversation_id,
            change=row,
            approval_id=decision.approval_id,
            decided=decided_as(decision).decode(),
        )
        match reply:
            case [b"done", last_seq]:
                return frames_of(row["events"], last_seq)
            case [b"decided", before]:
                check_decision(before, decision, waits=False)
                return []
            case [b"late"]:
                check_decision(None, decision, waits=False)
                return []
            case _:
                raise NotFound("There is no such approval.")

    async def renew(self, leases: Sequence[Lease], lease_s: float) -> list[Lease]:
        principals = await self._principals.of([lease.conversation_id for lease in leases])
        known = [lease for lease in leases if lease.conversation_id in principals]
        commands = [
            self._on(
                on_conversation("renew"),
                principals[lease.conversation_id],
                lease.conversation_id,
                lease=lease_row(lease),
                lease_ms=_milliseconds(lease_s),
            )
            for lease in known
        ]
        replies = await self._server.run_all(commands)
        renewed = {lease for lease, reply in zip(known, replies, strict=True) if reply}
        return [lease for lease in leases if lease not in renewed]

    async def claim(
        self, owner: str, lease_s: float, limit: int = 16, *, only: str | None = None
    ) -> list[Lease]:
        """Conversations on a node that cannot be reached are left for the next time."""
        if only is None:
            await self._pay_overdue()
            due = (await self._due(limit))[:limit]
        else:
            principal = await self._principal(only)
            due = [(principal, only)] if principal is not None else []
        commands = [
            self._on(
                on_conversation("claim"),
                principal,
                conversation_id,
                owner=owner,
                lease_ms=_milliseconds(lease_s),
            )
            for principal, conversation_id in due
        ]
        claimed = []
        for (_, conversation_id), reply in zip(due, await self._server.try_all(commands), strict=True):
            match reply:
                case [b"claimed", turn_id, counter, recovered]:
                    turn = turn_id.decode()
                    claimed.append(Lease(conversation_id, turn, counter, owner, recovered=bool(recovered)))
                case _:  # another was faster, or its node is away
                    pass
        return claimed

    async def _due(self, limit: int) -> list[tuple[str, str]]:
        """Conversations that may be claimed now, each after its principal."""
        noted = await self._unfinished.noted()
        looks = await self._server.try_all([_look(note.principal, limit) for note in noted])
        done: list[Noted] = []
        due: list[tuple[str, str]] = []
        for note, look in zip(noted, looks, strict=True):
            if isinstance(look, StoreUnavailable):
                continue
            unfinished, ids = look
            due += [(note.principal, conversation_id.decode()) for conversation_id in ids]
            if note.old and not unfinished:
                done.append(note)
        if done:
            await self._unfinished.drop(done)
        return due


def _has_begun(reply: Reply) -> bool:
    return bool(reply[0] == b"accepted" and reply[4])


def _look(principal: str, limit: int) -> Command:
    return on_conversation("due").given(of_principal(principal), {"limit": limit})


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _no_turn() -> NotFound:
    return NotFound("There is no such turn.")
