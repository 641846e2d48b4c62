"""The tables. Every key leads with the conversation or the principal, so that a distributed database can
shard by it. Times are milliseconds since the epoch, leases seconds; frames are bytes, never JSON columns,
which would reorder them.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

SCHEMA = "0007"
"""The newest migration: what this code reads and writes."""

metadata = MetaData()


def _conversation() -> Column[str]:
    return Column(
        "conversation_id", String, ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )


conversations = Table(
    "conversations",
    metadata,
    Column("id", String, primary_key=True),
    Column("principal", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("head", String),
    Column("title", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("model", String, nullable=False),
    Column("options", LargeBinary, nullable=False),
    Column("tools", LargeBinary, nullable=False),
    Column("settings_seq", BigInteger, nullable=False),
    Column("compact_seq", BigInteger, nullable=False, server_default="0"),
    Column("running", String),
    Column("lease_owner", String),
    Column("lease_until", Float(53)),
    Column("counter", BigInteger, nullable=False),
    Index("conversations_recent", "principal", "updated_at", "id"),
    Index(
        "conversations_leased",
        "lease_until",
        sqlite_where=text("running IS NOT NULL"),
        postgresql_where=text("running IS NOT NULL"),
    ),
)

names = Table(
    "names",
    metadata,
    Column("principal", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column(
        "conversation_id",
        String,
        ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
)

events = Table(
    "events",
    metadata,
    _conversation(),
    Column("seq", BigInteger, primary_key=True),
    Column("type", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    _conversation(),
    Column("id", String, primary_key=True),
    Column("parent_id", String),
    Column("role", String, nullable=False),
    Column("turn_id", String, nullable=False),
    Column("model", String),
    Column("seq", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    _conversation(),
    Column("id", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("message_seq", BigInteger),
    Column("status", String, nullable=False),
    Column("last_message_id", String),
    Column("end_seq", BigInteger),
    Column("unpruned_since", BigInteger),
    Index(
        "turns_queued",
        "conversation_id",
        "seq",
        sqlite_where=text("status = 'queued'"),
        postgresql_where=text("status = 'queued'"),
    ),
    Index(
        "turns_unpruned",
        "unpruned_since",
        sqlite_where=text("unpruned_since IS NOT NULL"),
        postgresql_where=text("unpruned_since IS NOT NULL"),
    ),
)
"""`unpruned_since`: when a turn that ran ended; empty while it is open, and once its deltas are gone."""

approvals = Table(
    "approvals",
    metadata,
    _conversation(),
    Column("id", String, primary_key=True),
    Column("turn_id", String, nullable=False),
    Column("decided", LargeBinary),
    Index(
        "approvals_undecided",
        "conversation_id",
        sqlite_where=text("decided IS NULL"),
        postgresql_where=text("decided IS NULL"),
    ),
)
"""`decided`: the decision and its input; empty while a person is asked."""

ledger = Table(
    "ledger",
    metadata,
    Column("conversation_id", String, primary_key=True),  # no foreign key: what was spent stays
    Column("id", String, primary_key=True),
    Column("principal", String, nullable=False),
    Column("turn_id", String),
    Column("purpose", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("model", String, nullable=False),
    Column("status", String, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cache_write_5m_tokens", BigInteger, nullable=False),
    Column("cache_write_1h_tokens", BigInteger, nullable=False),
    Column("cache_read_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("thinking_tokens", BigInteger, nullable=False),
    Column("web_search_requests", BigInteger, nullable=False),
    Column("cost_nanodollars", BigInteger, nullable=False),
    Column("saved_nanodollars", BigInteger, nullable=False),
    Column("estimate_nanodollars", BigInteger, nullable=False),
    Column("held_nanodollars", BigInteger, nullable=False),
    Column("prices", LargeBinary, nullable=False),
    Column("accounts", LargeBinary, nullable=False),
    Column("request_id", String),
    Column("key_id", String),
    Index("ledger_of_principal", "principal", "at"),
    Index("ledger_by_time", "at"),
    Index(
        "ledger_open",
        "conversation_id",
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
)

accounts = Table(
    "accounts",
    metadata,
    Column("owner", String, primary_key=True),  # a conversation, a principal, or nobody: the installation
    Column("id", String, primary_key=True),
    Column("spent_nanodollars", BigInteger, nullable=False),
    Column("held_nanodollars", BigInteger, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("principal", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("facts", LargeBinary, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("held_until", Float(53), nullable=False),
    Index("files_unused", "held_until", sqlite_where=text("uses = 0"), postgresql_where=text("uses = 0")),
)
"""`uses`: how many conversations refer to it."""

file_bytes = Table(
    "file_bytes",
    metadata,
    Column("principal", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    ForeignKeyConstraint(["principal", "id"], ["files.principal", "files.id"], ondelete="CASCADE"),
)
"""Apart, so that a change of `files` does not write them again."""

file_uses = Table(
    "file_uses",
    metadata,
    _conversation(),
    Column("file_id", String, primary_key=True),
)

keys = Table(
    "keys",
    metadata,
    _conversation(),
    Column("key", String, primary_key=True),
    Column("body_hash", String, nullable=False),
    Column("turn_id", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("expires_at", Float(53), nullable=False, index=True),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("conversation_id", String, primary_key=True),
    Column("counter", BigInteger, nullable=False),
    Column("deleted_at", Float(53), nullable=False, index=True),
)
