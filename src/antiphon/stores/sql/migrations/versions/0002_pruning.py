"""Turns know where their deltas end, and whether they are still there.

Turns that ended before this are found in the log, so that their deltas are pruned as well.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ENDS = sa.text("SELECT conversation_id, seq, data FROM events WHERE type = 'turn_end'")
ENDED = sa.text(
    "UPDATE turns SET end_seq = :seq, unpruned_since = :at"
    " WHERE conversation_id = :conversation_id AND id = :id"
    " AND EXISTS (SELECT 1 FROM attempts WHERE attempts.conversation_id = turns.conversation_id"
    " AND attempts.turn_id = turns.id)"
)


def upgrade() -> None:
    op.add_column("turns", sa.Column("end_seq", sa.BigInteger(), nullable=True))
    op.add_column("turns", sa.Column("unpruned_since", sa.BigInteger(), nullable=True))
    connection = op.get_bind()
    rows = connection.execute(ENDS)
    while some := rows.fetchmany(1000):
        connection.execute(ENDED, [_ended(row) for row in some])
    op.create_index(
        "turns_unpruned",
        "turns",
        ["unpruned_since"],
        unique=False,
        sqlite_where=sa.text("unpruned_since IS NOT NULL"),
        postgresql_where=sa.text("unpruned_since IS NOT NULL"),
    )
    op.create_index(op.f("ix_tombstones_deleted_at"), "tombstones", ["deleted_at"], unique=False)


def _ended(row: sa.Row[tuple[str, int, bytes]]) -> dict[str, object]:
    end = json.loads(row.data)
    return {
        "conversation_id": row.conversation_id,
        "id": end["turn_id"],
        "seq": row.seq,
        "at": end["at"],
    }
