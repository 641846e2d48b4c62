"""The ledger: one entry per request, which outlives its conversation; the accounts of budgets; and where a
conversation's context was compacted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTS = (
    "input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "output_tokens",
    "thinking_tokens",
    "web_search_requests",
    "cost_nanodollars",
    "saved_nanodollars",
    "estimate_nanodollars",
    "held_nanodollars",
)


def upgrade() -> None:
    op.add_column(
        "conversations", sa.Column("compact_seq", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_table(
        "ledger",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.Column("prices", sa.LargeBinary(), nullable=False),
        sa.Column("accounts", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("conversation_id", "id"),
    )
    op.create_index("ledger_of_principal", "ledger", ["principal", "at"], unique=False)
    op.create_index("ledger_by_time", "ledger", ["at"], unique=False)
    still_open = sa.text("status = 'open'")
    op.create_index(
        "ledger_open",
        "ledger",
        ["conversation_id"],
        unique=False,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_table(
        "accounts",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("spent_nanodollars", sa.BigInteger(), nullable=False),
        sa.Column("held_nanodollars", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "id"),
    )
    _carry_over()
    op.drop_table("attempts")


def _carry_over() -> None:
    """What was journalled before becomes entries. Their prices were not kept, so none are given."""
    connection = op.get_bind()
    usage = "convert_from(attempts.usage, 'UTF8')::json ->> '{0}'"
    if connection.dialect.name == "sqlite":
        usage = "json_extract(CAST(attempts.usage AS TEXT), '$.{0}')"
    counts = [f"CAST(COALESCE({usage.format(name)}, '0') AS BIGINT)" for name in COUNTS[:7]]
    connection.execute(
        sa.text(
            "INSERT INTO ledger (conversation_id, id, principal, turn_id, purpose, at, model, status,"  # noqa: S608
            f" {', '.join(COUNTS)}, prices, accounts, request_id)"
            " SELECT attempts.conversation_id, turn_id || '/' || step || '/' || attempt, principal, turn_id,"
            " 'answer', at, COALESCE(attempts.model, ''), status,"
            f" {', '.join(counts)}, cost_nanodollars, saved_nanodollars, cost_nanodollars, 0,"
            " :nothing, :none, request_id"
            " FROM attempts JOIN conversations ON conversations.id = attempts.conversation_id"
        ),
        {"nothing": b"{}", "none": b"[]"},
    )
