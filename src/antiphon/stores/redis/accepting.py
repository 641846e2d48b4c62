"""What the script `accept` is given, and what it says."""

from typing import Any

from antiphon.domain.events import CancelRequest, Event
from antiphon.errors import Busy, Conflict, KeyReused, QueueFull, StoreUnavailable
from antiphon.stores.base import Acceptance, Accepted, Change, Lease, Start
from antiphon.stores.projection import message_of, no_file
from antiphon.stores.redis.access import no_conversation
from antiphon.stores.redis.rows import change_row, frames_of, header_of, message_row, pack_events
from antiphon.stores.redis.unfinished import ACCEPTED_MS

KEY_LIFETIME_MS = 24 * 3600 * 1000


def acceptance_row(acceptance: Acceptance) -> dict[str, Any]:
    message = acceptance.message
    events: list[Event] = [message] if message is not None else []
    return {
        "turn_id": acceptance.queue.turn_id,
        "message": message_row(message_of(message)) if message is not None else None,
        "change": change_row(Change(events=[*events, acceptance.queue]), acceptance.queue.turn_id),
        "key": acceptance.key,
        "key_ms": KEY_LIFETIME_MS,
        "body_hash": acceptance.body_hash,
        "when_busy": acceptance.when_busy,
        "queue_max": acceptance.queue_max,
        "owner": acceptance.owner,
        "lease_ms": round(acceptance.lease_s * 1000),
        "noted_ms": ACCEPTED_MS,
        "start": _start_row(acceptance.start, acceptance.queue.turn_id),
    }


def _start_row(start: Start | None, turn_id: str) -> dict[str, Any] | None:
    if start is None:
        return None
    return {"last_seq": start.last_seq, "change": change_row(start.change, turn_id)}


def cancel_row(acceptance: Acceptance, running: str, seen_seq: int) -> dict[str, Any]:
    """The request that asks the running turn to stop; only the script knows which one runs."""
    cancel = CancelRequest(at=acceptance.queue.at, turn_id=running, seen_seq=seen_seq)
    return {"turn_id": running, "event": pack_events([cancel])[0]}


def accepted_of(
    acceptance: Acceptance,
    principal: str,
    row: dict[str, Any],
    cancel: dict[str, Any] | None,
    reply: list[Any],
) -> Accepted:
    """Raises NotFound, KeyReused, Conflict, Busy, QueueFull, StoreUnavailable."""
    turn_id = acceptance.queue.turn_id
    match reply:
        case [b"accepted", seq, counter, cancels, begun, state]:
            events = row["change"]["events"]
            if cancels and cancel is not None:
                events = [cancel["event"], *events]
            if begun:
                events = [*events, *row["start"]["change"]["events"]]
            header = header_of(principal, acceptance.conversation_id, state)
            lease = Lease(header.id, turn_id, counter, acceptance.owner) if counter else None
            frames = frames_of(events, header.last_seq)
            return Accepted(
                turn_id=turn_id, seq=seq, lease=lease, frames=frames, header=header, begun=bool(begun)
            )
        case [b"known", known, seq]:
            return Accepted(turn_id=known.decode(), seq=seq)
        case [b"reused"]:
            raise KeyReused(
                "This Idempotency-Key came with another body before. Nothing was changed; use a new key."
            )
        case [b"conflict"]:
            raise Conflict("This message id is in use in this conversation. Make a new one.")
        case [b"busy", running]:
            raise Busy("A turn is running in this conversation.", turn_id=running.decode())
        case [b"full"]:
            raise QueueFull("Too many messages wait in this conversation. Nothing was stored; try later.")
        case [b"stale"]:
            raise StoreUnavailable(
                f"The clocks of the Redis nodes differ by more than {ACCEPTED_MS // 1000} s, or a node is "
                "overloaded. Nothing was stored; try again, and set the clocks by one source of time."
            )
        case _:
            raise no_file() if reply == [b"fileless"] else no_conversation()
