"""The names of keys, and of the channels for hints.

What a principal has lies under one hash tag, so in one slot: one script can change it together. A script is
given every key that it touches, in the order of `of_principal` and `of_conversation`, and makes up none.

====================== ====== ====================================================================
of a principal
recent                 zset   conversation by the time of its last change (ms)
unfinished             zset   conversation with a lease or a queue by the time when it may be claimed (ms)
names                  hash   `name:<name>` → conversation, `of:<conversation>` → name
expiries               zset   conversation by the time when it expires (ms), if it does
unpruned               zset   `<turn> <first seq> <last seq>` by the time when the turn ended (ms)
said                   zset   `<conversation> <message>`, the newest 2,000, by when it was added (ms)
entries                hash   the ledger: `<conversation> <id>` → request, with the accounts that hold for it
times                  zset   entry by the time when it was opened (ms)
open                   zset   entries that are open, each with 0
spent                  hash   `day:<day>` → cost of that day's requests, `<account>` → spent and held (n$)
files                  hash   `facts:<file>`, `bytes:<file>`, `uses:<file>` → how many conversations refer to
                              it; `of:<conversation>` → the files that it refers to
lapsing                zset   file that is held by the time when its hold lapses (ms); `of:<conversation>` by
                              the time when it expires, if it does and refers to files
of a conversation
state                  hash   header, lease and totals
log                    stream `<seq>-0` → type and JSON of the event
messages               hash   `message:<id>` → seq and JSON, `parent:<id>` → id of its parent
turns                  hash   `turn:<id>` → status, seqs, last message
queue                  zset   queued turns by seq
keys, key_times        hash, zset   idempotency keys, and when they expire (ms)
spent_here             hash   like `spent`, of this conversation alone
approvals              hash   approval → the turn that asks for it, or how it was decided
tombstone              string the last fence's counter, 30 days long
====================== ====== ====================================================================

Beside them, each in the slot of its own name: `{c:<conversation>}:principal`, whose it is; `{all}:schema`;
`{all}:unfinished`, a zset of principals that may have unfinished turns by the time when they last began one;
`{all}:unpruned`, a zset of principals that may have deltas to prune by the time since when that may be;
`{all}:lapsing`, a zset of principals by the time when to look for files that nothing keeps any more (ms);
`{all}:payers`, a set of principals that have entries; and for budgets of the installation `{all}:accounts`, a
hash of what each has spent and holds (n$), `{all}:holds`, a hash of what is held for which entry, and
`{all}:held`, a zset of these entries by the time when to ask what became of them (ms).

The ledger, `entries` to `spent`, is kept when conversations go.
"""

from urllib.parse import quote
from zlib import crc32

SCHEMA = "{all}:schema"
UNFINISHED = "{all}:unfinished"
UNPRUNED = "{all}:unpruned"
LAPSING = "{all}:lapsing"
PAYERS = "{all}:payers"
ACCOUNTS = "{all}:accounts"
HOLDS = "{all}:holds"
HELD = "{all}:held"

CHANNELS = tuple(f"antiphon:{number}" for number in range(64))

LISTS = ("recent", "unfinished", "names", "expiries", "unpruned", "said")
LEDGER = ("entries", "times", "open", "spent")
FILES = ("files", "lapsing")
OF_PRINCIPAL = (*LISTS, *LEDGER, *FILES)
OF_CONVERSATION = (
    "state",
    "log",
    "messages",
    "turns",
    "queue",
    "keys",
    "key_times",
    "spent_here",
    "approvals",
)


def _tag(principal: str) -> str:
    """Quoted, so that a brace in a name cannot end the tag early."""
    return "{p:" + quote(principal, safe="") + "}"


def of_principal(principal: str) -> list[str]:
    return [only(kind, principal) for kind in OF_PRINCIPAL]


def of_conversation(principal: str, conversation_id: str) -> list[str]:
    """All keys that a script on a conversation is given: those of its principal first."""
    tag = _tag(principal)
    mine = [f"{tag}:{kind}:{conversation_id}" for kind in OF_CONVERSATION]
    return [*of_principal(principal), *mine]


def only(kind: str, principal: str) -> str:
    return f"{_tag(principal)}:{kind}"


def one_of(kind: str, principal: str, conversation_id: str) -> str:
    return f"{_tag(principal)}:{kind}:{conversation_id}"


def principal_of(conversation_id: str) -> str:
    """The key that says whose a conversation is."""
    return f"{{c:{conversation_id}}}:principal"


def channel_of(conversation_id: str) -> str:
    return CHANNELS[crc32(conversation_id.encode()) % len(CHANNELS)]
