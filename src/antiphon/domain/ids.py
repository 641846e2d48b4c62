"""Ids: UUIDv7 (RFC 9562), so that they sort by time; those of turns and approvals contain that of their
conversation.
"""

import re
import secrets
import time

from antiphon.errors import InvalidRequest

SESSION_NAME = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ID = re.compile(_UUID)
_TURN_ID = re.compile(f"({_UUID})\\.{_UUID}")

_VERSION_7 = (0x7 << 76) | (0x2 << 62)
"""Version and variant, where RFC 9562 has them; all bits below the time that are not theirs are random."""
_RANDOM = (1 << 80) - 1 - ((0xF << 76) | (0x3 << 62))


def new_id() -> str:
    """A UUIDv7 in its canonical form: 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | (secrets.randbits(80) & _RANDOM) | _VERSION_7
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def new_turn_id(conversation_id: str) -> str:
    return f"{conversation_id}.{new_id()}"


def new_approval_id(conversation_id: str) -> str:
    return f"{conversation_id}.{new_id()}"


def conversation_of(turn_id: str) -> str | None:
    """The conversation that a turn's or an approval's id names, or None if it is not such an id."""
    match = _TURN_ID.fullmatch(turn_id)
    return match.group(1) if match else None


def check_session_name(name: str) -> str:
    """Return `name`, or raise InvalidRequest with the rule it breaks."""
    if SESSION_NAME.fullmatch(name) is None:
        raise InvalidRequest("session_id must be 1 to 128 characters of A-Z a-z 0-9 . _ : -")
    return name
