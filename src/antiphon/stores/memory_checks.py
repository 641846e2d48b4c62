"""What the store in memory looks at before it accepts a turn."""

from antiphon.errors import Busy, Conflict, KeyReused, QueueFull
from antiphon.stores.base import Acceptance, Accepted
from antiphon.stores.memory_rows import Kept


def known_key(kept: Kept, acceptance: Acceptance, now: float) -> Accepted | None:
    """What was said when it came with this key before. Raises KeyReused."""
    known = kept.keys.get(acceptance.key) if acceptance.key is not None else None
    if known is None or known.expires_at < now:
        return None
    if known.body_hash != acceptance.body_hash:
        raise KeyReused(
            "This Idempotency-Key came with another body before. Nothing was changed; use a new key."
        )
    return Accepted(turn_id=known.turn_id, seq=known.seq)


def check_message_id(kept: Kept, acceptance: Acceptance) -> None:
    """Raises Conflict."""
    if acceptance.message is not None and acceptance.message.message_id in kept.messages:
        raise Conflict("This message id is in use in this conversation. Make a new one.")


def check_room(kept: Kept, acceptance: Acceptance) -> None:
    """Raises Busy, QueueFull."""
    if kept.lease is None:
        return
    if acceptance.when_busy == "reject":
        raise Busy("A turn is running in this conversation.", turn_id=kept.lease.turn_id)
    holds = kept.lease.turn_id
    waiting = sum(turn.status == "queued" and other != holds for other, turn in kept.turns.items())
    if waiting >= acceptance.queue_max:
        raise QueueFull("Too many messages wait in this conversation. Nothing was stored; try later.")
