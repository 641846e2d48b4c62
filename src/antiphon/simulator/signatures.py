"""Thinking blocks are sealed: to what they say, to the model that thought, and to all that stood before them.

A signature holds what was sealed and a hash over it, so any simulator can check what another one signed.
Source: the extended thinking and preserved thinking pages of the API reference.
"""

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from antiphon.simulator.models import Model
from antiphon.simulator.tokens import blocks_of, spelled

KEY = b"the simulator's seal"
HASH_BYTES = 16

THINKING = ("thinking", "redacted_thinking")


class Seal(msgspec.Struct, frozen=True, array_like=True):
    """What a signature says."""

    model: str
    organization: str
    prefix: bytes
    """Hash of tools, system and all earlier blocks but thinking."""
    previous: bytes
    """Hash of the thinking block before this one; empty if there was none."""
    before: int
    """How many thinking blocks stood before this one."""
    size: int
    """Bytes of the thinking, also where only a signature is shown."""


class Place(NamedTuple):
    """A thinking block of a request."""

    message: int
    block: int
    kind: str
    shown: str
    signature: str
    prefix: bytes


def signed(seal: Seal, shown: str) -> str:
    payload = msgspec.msgpack.encode(seal)
    return b64encode(_hash(payload + shown.encode(), KEY) + payload).decode()


@lru_cache(maxsize=4096)
def seal_of(signature: str) -> Seal | None:
    """What a signature says, whether or not it is true of its block; None for one that is not from here."""
    try:
        raw = b64decode(signature, validate=True)
        return msgspec.msgpack.decode(raw[HASH_BYTES:], type=Seal)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


def is_true(signature: str, seal: Seal, shown: str) -> bool:
    """Whether the block still shows what was sealed."""
    return signature == signed(seal, shown)


def fingerprint(signature: str) -> bytes:
    return _hash(signature.encode())


def _hash(data: bytes, key: bytes = b"") -> bytes:
    return hashlib.blake2b(data, digest_size=HASH_BYTES, key=key).digest()


class Prefix:
    """The running hash of a request without its thinking, and the thinking blocks met on the way."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._hash = hashlib.blake2b(digest_size=HASH_BYTES)
        for tool in body.get("tools") or ():
            self.add("tools", tool)
        for block in blocks_of(body.get("system") or ()):
            self.add("system", block)

    def add(self, role: str, block: Mapping[str, Any]) -> None:
        data = spelled(block)
        self._hash.update(b"%b %d " % (role.encode(), len(data)) + data)

    def digest(self) -> bytes:
        return self._hash.copy().digest()


def thinking_places(body: Mapping[str, Any], prefix: Prefix) -> Iterator[Place]:
    """The thinking blocks of the messages; afterwards `prefix` stands at the end of the request."""
    for index, message in enumerate(body["messages"]):
        for number, block in enumerate(blocks_of(message["content"])):
            if block.get("type") in THINKING:
                yield _place(index, number, block, prefix.digest())
            else:
                prefix.add(message["role"], block)


def _place(index: int, number: int, block: Mapping[str, Any], prefix: bytes) -> Place:
    if block["type"] == "thinking":
        shown, signature = str(block.get("thinking", "")), str(block.get("signature", ""))
    else:
        shown, signature = "", str(block.get("data", ""))
    return Place(index, number, block["type"], shown, signature, prefix)


class Verdict(NamedTuple):
    """What the API makes of the thinking blocks of a request."""

    problem: str | None
    """Why the request is refused; None if it is not."""
    dropped: frozenset[tuple[int, int]]
    """Places (message, block) of thinking that the model does not read: another model's, or out of place."""


def judged(body: Mapping[str, Any], model: Model, organization: str) -> Verdict:
    """Whether the thinking blocks stand where they may."""
    dropping = (body.get("thinking") or {}).get("block_binding") or {}
    drops = dropping.get("prefix_mismatch_behavior") == "drop_block"
    dropped: set[tuple[int, int]] = set()
    kept: list[str] = []
    for place in thinking_places(body, Prefix(body)):
        seal = seal_of(place.signature)
        at = f"messages.{place.message}.content.{place.block}"
        if seal is None or not is_true(place.signature, seal, place.shown):
            return Verdict(f"{at}: {INVALID[place.kind]}", frozenset())
        if seal.model != model.id:
            dropped.add((place.message, place.block))
        elif not model.bound or _belongs(place, seal, kept, organization if model.account_bound else None):
            kept.append(place.signature)
        elif drops:
            dropped.add((place.message, place.block))
        else:
            return Verdict(f"{at}: {INVALID[place.kind]}. {BOUND_ELSEWHERE}", frozenset())
    return Verdict(None, frozenset(dropped))


INVALID = {
    "thinking": "Invalid `signature` in `thinking` block",
    "redacted_thinking": "Invalid `data` in `redacted_thinking` block",
}

BOUND_ELSEWHERE = (
    "The block is bound to a different conversation: its model, system, "
    "tools or an earlier message has changed. Remove all thinking blocks from the conversation, or send it "
    "unchanged."
)


def _belongs(place: Place, seal: Seal, kept: list[str], organization: str | None) -> bool:
    """Thinking may be missing at the start, at the end, or everywhere, and never come back."""
    if seal.prefix != place.prefix or (organization is not None and seal.organization != organization):
        return False
    return not kept or (len(kept) <= seal.before and seal.previous == fingerprint(kept[-1]))


class Sealer:
    """Signs the thinking blocks of one answer, in their order."""

    def __init__(self, body: Mapping[str, Any], model: Model, organization: str) -> None:
        self._model = model.id
        self._organization = organization
        self._prefix = Prefix(body)
        dropped = judged(body, model, organization).dropped
        places = list(thinking_places(body, self._prefix))
        self._kept = [each.signature for each in places if (each.message, each.block) not in dropped]

    def add(self, block: Mapping[str, Any]) -> None:
        """A block of the answer that is not thinking."""
        self._prefix.add("assistant", block)

    def sign(self, thinking: str, shown: str) -> str:
        seal = Seal(
            model=self._model,
            organization=self._organization,
            prefix=self._prefix.digest(),
            previous=fingerprint(self._kept[-1]) if self._kept else b"",
            before=len(self._kept),
            size=len(thinking.encode()),
        )
        self._kept.append(signed(seal, shown))
        return self._kept[-1]
