"""Files that messages refer to."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("held_until", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("principal", "id"),
    )
    unused = sa.text("uses = 0")
    op.create_index(
        "files_unused",
        "files",
        ["held_until"],
        unique=False,
        sqlite_where=unused,
        postgresql_where=unused,
    )
    op.create_table(
        "file_bytes",
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "id"),
        sa.ForeignKeyConstraint(["principal", "id"], ["files.principal", "files.id"], ondelete="CASCADE"),
    )
    op.create_table(
        "file_uses",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "file_id"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    )
