"""Messages can be found by their text; those that are there already are indexed too.

What is made here is the database's own kind of index, and no table that the code describes elsewhere.
"""

import msgspec
import sqlalchemy as sa
from alembic import op

from antiphon.domain.messages import Message
from antiphon.stores.sql import search

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE searchable (
 {} conversation_id VARCHAR NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
 message_id VARCHAR NOT NULL, principal VARCHAR NOT NULL, at BIGINT NOT NULL, {} (conversation_id, message_id)
)
"""
SQLITE = [
    TABLE.format("id INTEGER PRIMARY KEY,", "UNIQUE"),
    "CREATE VIRTUAL TABLE searchable_words USING fts5(words, tokenize='ascii', detail='none')",
    """
    CREATE TRIGGER searchable_gone AFTER DELETE ON searchable
    BEGIN DELETE FROM searchable_words WHERE rowid = old.id; END
    """,
]
POSTGRESQL = [
    TABLE.format("words TSVECTOR NOT NULL,", "PRIMARY KEY"),
    "CREATE INDEX searchable_words ON searchable USING gin (words)",
]
MESSAGES = sa.text(
    "SELECT messages.*, conversations.principal, conversations.updated_at FROM messages"
    " JOIN conversations ON conversations.id = messages.conversation_id"
)


def upgrade() -> None:
    connection = op.get_bind()
    for statement in POSTGRESQL if connection.dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
    rows = connection.execute(MESSAGES)
    while some := rows.fetchmany(1000):
        for row in some:
            content = tuple(msgspec.json.decode(row.content))
            message = Message(id=row.id, parent_id=None, role=row.role, content=content, turn_id=row.turn_id)
            search.put(connection, row.conversation_id, row.principal, row.updated_at, message)
