"""The scripts: each change of the store is one of them, so that it happens as a whole or not at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from antiphon.stores.redis.rows import Given, pack_given

Argument: TypeAlias = str | bytes | int


@dataclass(frozen=True, slots=True)
class Command:
    """What is sent to a server. `key` says to which node of a cluster."""

    args: tuple[Argument, ...]
    key: str
    unabridged: tuple[Argument, ...] = ()
    """Of a script: the same with its whole text, for a server that does not know it yet."""


@dataclass(frozen=True, slots=True)
class Script:
    text: str
    sha: str

    def on(self, keys: Sequence[str], *arguments: Argument) -> Command:
        rest = (len(keys), *keys, *arguments)
        return Command(("EVALSHA", self.sha, *rest), keys[0], ("EVAL", self.text, *rest))

    def given(self, keys: Sequence[str], given: Given, *more: Argument) -> Command:
        return self.on(keys, pack_given(given), *more)


@cache
def script(name: str, *parts: str) -> Script:
    """The script `lua/<name>.lua`, after the parts that it builds on."""
    folder = files("antiphon.stores.redis") / "lua"
    text = "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in (*parts, name))
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def on_conversation(name: str) -> Script:
    return script(name, "fence", "conversation")


def changing(name: str) -> Script:
    """A script that commits events."""
    return script(name, "fence", "conversation", "amounts", "ledger", "commit")
