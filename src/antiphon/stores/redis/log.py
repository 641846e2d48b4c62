"""The log, and what is projected from it."""

from collections import defaultdict
from collections.abc import Sequence

from antiphon.domain.conversations import PlacedMessage, Totals
from antiphon.domain.events import Event
from antiphon.errors import FenceLost, NotFound, StoreUnavailable
from antiphon.stores.base import Change, Lease
from antiphon.stores.frames import Frame
from antiphon.stores.projection import no_file
from antiphon.stores.redis.access import no_conversation
from antiphon.stores.redis.keys import channel_of, one_of
from antiphon.stores.redis.paying import Paying, Reply
from antiphon.stores.redis.rows import (
    TOTALS,
    change_row,
    frames_of,
    lease_row,
    pack_events,
    placed_messages,
    stored_frames,
    totals_of,
)
from antiphon.stores.redis.scripts import Command, changing, on_conversation, script

PATH_PAGE = 1000
"""Messages read by one script: about a millisecond, in which the server does nothing else."""


class RedisLog(Paying):
    async def read(
        self, conversation_id: str, after: int, limit: int = 1000, *, deltas_after: int = 0
    ) -> list[Frame]:
        principal = await self._principal(conversation_id)
        if principal is None:
            return []
        packed = await self._run(
            on_conversation("read"),
            principal,
            conversation_id,
            after=after,
            limit=limit,
            deltas_after=deltas_after,
        )
        return stored_frames(packed)

    async def last_seqs(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        principals = await self._principals.of(conversation_ids)
        by_principal: defaultdict[str, list[str]] = defaultdict(list)
        for conversation_id, principal in principals.items():
            by_principal[principal].append(conversation_id)
        replies = await self._server.run_all(
            [
                script("seqs").on([one_of("state", principal, key) for key in ids])
                for principal, ids in by_principal.items()
            ]
        )
        return {
            conversation_id: seq
            for ids, seqs in zip(by_principal.values(), replies, strict=True)
            for conversation_id, seq in zip(ids, seqs, strict=True)
            if seq
        }

    async def path(self, conversation_id: str, message_id: str | None) -> list[PlacedMessage]:
        if message_id is None:
            return []
        principal = await self._known_principal(conversation_id)
        found: list[PlacedMessage] = []
        while message_id:
            reply = await self._run(
                on_conversation("path"), principal, conversation_id, message_id=message_id, limit=PATH_PAGE
            )
            if reply[0] == b"missing":
                raise NotFound("There is no such message in this conversation.")
            _, following, packed = reply
            found += placed_messages(packed)
            message_id = following.decode()
        found.reverse()
        return found

    async def totals(self, conversation_id: str) -> Totals:
        key = one_of("state", await self._known_principal(conversation_id), conversation_id)
        values = await self._server.run(Command(("HMGET", key, *TOTALS), key))
        if values[0] is None:
            raise no_conversation()
        return totals_of(values)

    async def append(self, conversation_id: str, change: Change, lease: Lease | None = None) -> list[Frame]:
        principal = await self._principal(conversation_id)
        if principal is None:
            raise lost() if lease else no_conversation()
        row = change_row(change, lease.turn_id if lease else None)
        held = lease_row(lease) if lease else None

        async def run() -> Reply:
            reply: Reply = await self._run(
                changing("append"), principal, conversation_id, change=row, lease=held
            )
            return reply

        reply = await self._paying(principal, conversation_id, (change, row), run, _is_done)
        match reply:
            case [b"done", last_seq, costs]:
                await self._installation.pay(costs)
                return frames_of(row["events"], last_seq)
            case [b"lost"]:
                raise lost()
            case [b"fileless"]:
                raise no_file()
            case _:
                raise no_conversation()

    async def flush(self, batch: Sequence[tuple[Lease, Sequence[Event]]]) -> list[list[Frame] | None]:
        """A node that cannot be reached loses the turns that lie there, and no others.

        Raises:
            StoreUnavailable: no node can be reached.
        """
        principals = await self._principals.of([lease.conversation_id for lease, _ in batch])
        by_principal: defaultdict[str, list[int]] = defaultdict(list)
        for place, (lease, _) in enumerate(batch):
            if lease.conversation_id in principals:
                by_principal[principals[lease.conversation_id]].append(place)
        packed = [pack_events(events) for _, events in batch]
        commands = [
            _flush(principal, [(batch[place][0], packed[place]) for place in places])
            for principal, places in by_principal.items()
        ]
        replies = await self._server.try_all(commands)
        failures = [reply for reply in replies if isinstance(reply, StoreUnavailable)]
        if failures and len(failures) == len(replies):
            raise failures[0]
        results: list[list[Frame] | None] = [None] * len(batch)
        for places, reply in zip(by_principal.values(), replies, strict=True):
            if not isinstance(reply, StoreUnavailable):
                for place, last_seq in zip(places, reply, strict=True):
                    results[place] = frames_of(packed[place], last_seq) if last_seq else None
        return results


def _is_done(reply: Reply) -> bool:
    return bool(reply[0] == b"done")


def _flush(principal: str, turns: Sequence[tuple[Lease, Sequence[tuple[str, str]]]]) -> Command:
    keys = [one_of(kind, principal, lease.conversation_id) for lease, _ in turns for kind in ("state", "log")]
    given = [
        {
            "id": lease.conversation_id,
            "channel": channel_of(lease.conversation_id),
            "lease": lease_row(lease),
            "events": events,
        }
        for lease, events in turns
    ]
    return script("flush", "fence").given(keys, given)


def lost() -> FenceLost:
    return FenceLost("Another replica runs this turn now; nothing was written here.")
