"""The day, told where it cannot break a prefix: in the first message of each day, and there for good.

The day of a message is that of its turn, whose id holds the time (UUIDv7). So it is the same whenever the
message is sent again, and a message's own bytes depend on nothing after it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from antiphon.context.sendable import is_asking
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.ids import conversation_of
from antiphon.domain.messages import text_block

LAST = 253_402_300_799_000
"""Milliseconds of the last second that a date can tell, the end of the year 9999."""


def dated(path: Sequence[PlacedMessage]) -> list[PlacedMessage]:
    """The path with "Today is …" before a person's words wherever a new day (UTC) begins."""
    told: list[PlacedMessage] = []
    day: date | None = None
    for placed in path:
        today = day_of(placed.message.turn_id) if is_asking(placed) else None
        if today is not None and today != day:
            day = today
            content = (text_block(f"Today is {today:%A}, {today.isoformat()}."), *placed.message.content)
            told.append(replace(placed, message=replace(placed.message, content=content)))
        else:
            told.append(placed)
    return told


def day_of(turn_id: str) -> date | None:
    """The UTC day on which the turn was accepted; None if its id does not hold a time."""
    milliseconds = turn_time(turn_id)
    if milliseconds is None or milliseconds > LAST:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date()


def turn_time(turn_id: str) -> int | None:
    """When the turn was accepted, in milliseconds since the epoch; None if its id does not hold a time."""
    if conversation_of(turn_id) is None:
        return None
    own = turn_id.rpartition(".")[2]
    return int(own[:8] + own[9:13], 16)
