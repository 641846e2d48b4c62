"""Messages of SQLite that are not in its index for search yet."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE searchable_soon (
 conversation_id VARCHAR NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
 message_id VARCHAR NOT NULL, principal VARCHAR NOT NULL, at BIGINT NOT NULL,
 PRIMARY KEY (conversation_id, message_id)
) WITHOUT ROWID
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(TABLE)
