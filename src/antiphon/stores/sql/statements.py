"""SQL that each turn runs, spelled once: building it anew for each call would cost more than running it.

Both databases understand all of it. Parameters are named as the columns are.
"""

from functools import cache

from sqlalchemy import TextClause, text

from antiphon.stores.sql.tables import conversations

CONVERSATION = text("SELECT * FROM conversations WHERE id = :id")
OWN_CONVERSATION = text("SELECT * FROM conversations WHERE id = :id AND principal = :principal")
NAMED_CONVERSATION = text(
    "SELECT conversations.* FROM conversations JOIN names ON names.conversation_id = conversations.id"
    " WHERE names.principal = :principal AND names.name = :name"
)
EVENTS = text(
    "SELECT seq, type, data FROM events WHERE conversation_id = :conversation_id AND seq > :after"
    " ORDER BY seq LIMIT :limit"
)
FEWER_EVENTS = text(
    "SELECT seq, type, data FROM events WHERE conversation_id = :conversation_id AND seq > :after"
    " AND (type <> 'block_delta' OR seq > :deltas_after) ORDER BY seq LIMIT :limit"
)
EVENT = text("SELECT seq, type, data FROM events WHERE conversation_id = :conversation_id AND seq = :seq")
ADD_EVENT = text(
    "INSERT INTO events (conversation_id, seq, type, data) VALUES (:conversation_id, :seq, :type, :data)"
)
PATH = text(
    "WITH RECURSIVE step (id, parent_id) AS ("
    " SELECT id, parent_id FROM messages WHERE conversation_id = :conversation_id AND id = :id"
    " UNION ALL SELECT messages.id, messages.parent_id FROM step"
    " JOIN messages ON messages.conversation_id = :conversation_id AND messages.id = step.parent_id)"
    " SELECT messages.* FROM step"
    " JOIN messages ON messages.conversation_id = :conversation_id AND messages.id = step.id"
)
_ADD_MESSAGE = (
    "INSERT INTO messages (conversation_id, id, parent_id, role, turn_id, model, seq, content)"
    " VALUES (:conversation_id, :id, :parent_id, :role, :turn_id, :model, :seq, :content)"
    " ON CONFLICT (conversation_id, id) DO "
)
ADD_MESSAGE = text(_ADD_MESSAGE + "NOTHING")
PUT_MESSAGE = text(
    _ADD_MESSAGE + "UPDATE SET parent_id = excluded.parent_id, role = excluded.role,"
    " turn_id = excluded.turn_id, model = excluded.model, seq = excluded.seq, content = excluded.content"
)
MESSAGE = text("SELECT id FROM messages WHERE conversation_id = :conversation_id AND id = :id")
REMOVE_MESSAGE = text("DELETE FROM messages WHERE conversation_id = :conversation_id AND id = :id")
TURN = text("SELECT * FROM turns WHERE conversation_id = :conversation_id AND id = :id")
ADD_TURN = text(
    "INSERT INTO turns (conversation_id, id, seq, message_seq, status)"
    " VALUES (:conversation_id, :id, :seq, :message_seq, :status)"
)
SET_TURN = text(
    "UPDATE turns SET status = :status, last_message_id = :last_message_id, end_seq = :end_seq,"
    " unpruned_since = CASE WHEN status = 'queued' THEN NULL ELSE CAST(:unpruned_since AS BIGINT) END"
    " WHERE conversation_id = :conversation_id AND id = :id"
)
PRUNE = text(
    "DELETE FROM events WHERE conversation_id = :conversation_id AND seq IN (SELECT seq FROM events"
    " WHERE conversation_id = :conversation_id AND seq > :first AND seq < :last AND type = 'block_delta'"
    " ORDER BY seq LIMIT :limit)"
)
PRUNED = text("UPDATE turns SET unpruned_since = NULL WHERE conversation_id = :conversation_id AND id = :id")
DROP_KEYS = text(
    "DELETE FROM keys WHERE (conversation_id, key) IN"
    " (SELECT conversation_id, key FROM keys WHERE expires_at < :now LIMIT :limit)"
    " AND expires_at < :now"  # it may have been claimed anew meanwhile
)
DROP_TOMBSTONES = text(
    "DELETE FROM tombstones WHERE conversation_id IN"
    " (SELECT conversation_id FROM tombstones WHERE deleted_at < :before LIMIT :limit)"
)
QUEUED = text(
    "SELECT id FROM turns WHERE conversation_id = :conversation_id AND status = 'queued' AND id <> :but"
    " ORDER BY seq LIMIT :limit"
)
APPROVAL = text("SELECT * FROM approvals WHERE conversation_id = :conversation_id AND id = :id")
ADD_APPROVAL = text(
    "INSERT INTO approvals (conversation_id, id, turn_id) VALUES (:conversation_id, :id, :turn_id)"
    " ON CONFLICT (conversation_id, id) DO NOTHING"
)
DECIDE = text(
    "UPDATE approvals SET decided = :decided WHERE conversation_id = :conversation_id AND id = :id"
    " AND decided IS NULL"
)
UNDECIDED = text(
    "SELECT id FROM approvals WHERE conversation_id = :conversation_id AND turn_id = :turn_id"
    " AND decided IS NULL LIMIT 1"
)
GO_ON = text("UPDATE turns SET status = 'running' WHERE conversation_id = :conversation_id AND id = :turn_id")
STOP_WAITING = text(
    "UPDATE conversations SET lease_until = 0 WHERE id = :conversation_id AND running = :turn_id"
    " AND lease_owner = :nobody"
)
KEY = text("SELECT * FROM keys WHERE conversation_id = :conversation_id AND key = :key")
PUT_KEY = text(
    "INSERT INTO keys (conversation_id, key, body_hash, turn_id, seq, expires_at)"
    " VALUES (:conversation_id, :key, :body_hash, :turn_id, :seq, :expires_at)"
    " ON CONFLICT (conversation_id, key) DO UPDATE SET body_hash = excluded.body_hash,"
    " turn_id = excluded.turn_id, seq = excluded.seq, expires_at = excluded.expires_at"
)

_FENCE = " AND running = :f_turn AND counter = :f_counter AND lease_owner = :f_owner"
_SPECIAL = {
    "settings_back": "settings_seq = last_seq + :count - :settings_back",
    "compact_back": "compact_seq = last_seq + :count - :compact_back",
}


@cache
def change_conversation(fields: frozenset[str], *, fenced: bool) -> TextClause:
    """Claim `:count` seqs and set `fields`, under the fence or not; returns what `Reached` has.

    `settings_back` is how many events lie between the last one and the one that changed the settings;
    `compact_back` the same of the one that compacted the context.
    """
    unknown = fields - _SPECIAL.keys() - set(conversations.c.keys())
    assert not unknown, unknown
    changes = [_SPECIAL.get(field, f"{field} = :{field}") for field in sorted(fields)]
    return text(
        "UPDATE conversations SET "  # noqa: S608 - column names of our own table
        + ", ".join(["last_seq = last_seq + :count", *changes])
        + " WHERE id = :f_id"
        + (_FENCE if fenced else "")
        + " RETURNING last_seq, principal, updated_at, head"
    )
