"""Removing what nobody needs any more, a bounded number of rows at a time."""

from sqlalchemy import select

from antiphon.stores.sql import statements as sql
from antiphon.stores.sql.database import Connection
from antiphon.stores.sql.tables import turns

PRUNED_TURNS = 100
"""How many turns one call prunes at most: each costs two statements, also where it has no deltas."""

TOMBSTONE_S = 30 * 24 * 3600


def prune(connection: Connection, before: int, limit: int, now: float) -> bool:
    """Remove up to `limit` deltas, of the turns that ended first; whether there may be more.

    Turns that another replica prunes just now are left to it. Idempotency keys that have expired go with
    them, and tombstones that are old enough.
    """
    connection.execute(sql.DROP_KEYS, {"now": now, "limit": limit})
    connection.execute(sql.DROP_TOMBSTONES, {"before": now - TOMBSTONE_S, "limit": limit})
    query = (
        select(turns.c.conversation_id, turns.c.id, turns.c.seq, turns.c.end_seq)
        .where(turns.c.unpruned_since < before)
        .order_by(turns.c.unpruned_since)
        .limit(PRUNED_TURNS)
        .with_for_update(skip_locked=True, key_share=True)
    )
    rows = connection.execute(query).all()
    for row in rows:
        turn = {"conversation_id": row.conversation_id, "id": row.id}
        place = {"conversation_id": row.conversation_id, "first": row.seq, "last": row.end_seq}
        limit -= connection.execute(sql.PRUNE, {**place, "limit": limit}).rowcount
        if limit <= 0:
            return True
        connection.execute(sql.PRUNED, turn)
    return len(rows) == PRUNED_TURNS
