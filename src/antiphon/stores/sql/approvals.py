"""Transactions on turns that wait for approvals, and on what is decided of these."""

from typing import Any

from antiphon.domain.events import ApprovalResolve
from antiphon.errors import FenceLost, NotFound
from antiphon.stores.base import NOBODY, Change, Lease
from antiphon.stores.frames import Frame
from antiphon.stores.projection import check_decision, decided_as
from antiphon.stores.sql import log
from antiphon.stores.sql import statements as sql
from antiphon.stores.sql.database import Connection


def wait(
    connection: Connection, lease: Lease, change: Change, until: float, last_seq: int
) -> list[Frame] | None:
    """Write what is asked for, and let go of the lease. `until` is in seconds by the database's clock."""
    row = connection.execute(sql.CONVERSATION, {"id": lease.conversation_id}).first()
    if row is None or (row.running, row.counter, row.lease_owner) != (
        lease.turn_id,
        lease.counter,
        lease.owner,
    ):
        raise FenceLost("Another replica runs this turn now; nothing was written here.")
    if row.last_seq != last_seq:
        return None
    released: dict[str, Any] = {"lease_owner": NOBODY, "lease_until": until}
    return log.append(connection, lease.conversation_id, change, lease, also=released)


def resolve(
    connection: Connection, conversation_id: str, decision: ApprovalResolve, now: float
) -> list[Frame]:
    place = {"conversation_id": conversation_id, "id": decision.approval_id}
    approval = connection.execute(sql.APPROVAL, place).first()
    conversation = connection.execute(sql.CONVERSATION, {"id": conversation_id}).first()
    if approval is None or conversation is None:
        raise NotFound("There is no such approval.")
    waits = (conversation.running, conversation.lease_owner) == (approval.turn_id, NOBODY)
    if not check_decision(approval.decided, decision, waits=waits and conversation.lease_until > now):
        return []
    frames = log.append(connection, conversation_id, Change(events=[decision]), None)
    connection.execute(sql.DECIDE, {**place, "decided": decided_as(decision)})
    turn = {"conversation_id": conversation_id, "turn_id": approval.turn_id}
    if connection.execute(sql.UNDECIDED, turn).first() is None:
        connection.execute(sql.GO_ON, turn)
        log.stop_waiting(connection, conversation_id, approval.turn_id)
    return frames
