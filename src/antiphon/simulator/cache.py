"""The prompt cache: what of a request is read, what is written, and what it must be charged for.

It has no clock: every call says when it is, in seconds. It needs no server either, so a study can replay its
requests through it::

    cache = PrefixCache()
    spent = sum(cost(body["model"], cache.account(body, now=when).usage(output_tokens=300)) for ...)

Source: the prompt caching page of the API reference.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from antiphon.simulator.models import Model, catalogue
from antiphon.simulator.prompt import Prompt, read_prompt
from antiphon.simulator.tokens import tokens

LOOK_BACK = 20
"""Positions that are tried per breakpoint, its own among them."""

SWEEP_ABOVE = 100_000
"""Entries; with more than this the dead ones are removed now and then."""


class _Entry(NamedTuple):
    lives: int
    """Seconds after each use."""
    ends_at: float
    readable_from: float


class Accounted(NamedTuple):
    """The prompt of one request, divided by what each token is charged for."""

    input_tokens: int
    """Neither read nor written."""
    read: int
    written_5m: int
    written_1h: int
    used: tuple[bytes, ...] = ()
    """The entries that were read: their lives begin anew."""
    new: tuple[tuple[bytes, int], ...] = ()
    """The entries to write, and how many seconds each lives."""
    started_at: float = 0.0

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.read + self.written_5m + self.written_1h

    def usage(self, output_tokens: int = 0, thinking_tokens: int = 0) -> dict[str, Any]:
        """The `usage` of an answer to this prompt."""
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": self.written_5m + self.written_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
            "output_tokens": output_tokens,
            "output_tokens_details": {"thinking_tokens": thinking_tokens},
            "service_tier": "standard",
        }


class PrefixCache:
    """Entries of one or more organizations, kept apart. Not for several threads at once."""

    def __init__(
        self, models: Mapping[str, Model] | None = None, *, evicted_early: float = 0.0, seed: int = 0
    ) -> None:
        """Of the lives of entries, the share `evicted_early` ends at a random moment before its time."""
        if not 0 <= evicted_early <= 1:
            raise ValueError("evicted_early is a share: from 0 to 1.")
        self._models = catalogue() if models is None else models
        self._evicted_early = evicted_early
        self._seed = seed.to_bytes(8, "big", signed=True)
        self._entries: dict[bytes, _Entry] = {}
        self._sweep_above = SWEEP_ABOVE

    def account(
        self,
        request: Mapping[str, Any],
        now: float,
        *,
        organization: str = "",
        begins_at: float | None = None,
    ) -> Accounted:
        """A request that begins now and is answered: what it reads and writes.

        Args:
            request: a valid body of `/v1/messages`.
            now: seconds; lives are counted from here. Calls come in the order of their times.
            organization: entries of another one are not seen.
            begins_at: when the first byte of the answer comes, at which others can read what this one writes.

        Raises:
            KeyError: there is no such model.
        """
        prompt = read_prompt(request, self._models[request["model"]], organization)
        accounted = self.look_up(prompt, now)
        self.keep(accounted, now if begins_at is None else begins_at)
        return accounted

    def look_up(self, prompt: Prompt, now: float) -> Accounted:
        """What a request that begins now reads and would write. Nothing changes."""
        hit, used = -1, []
        for index, _ in prompt.breakpoints:
            found = self._found(prompt, index, now)
            if found >= 0:
                used.append(prompt.hashes[found])
                hit = max(hit, found)
        read = reached = tokens(prompt.sizes[hit]) if hit >= 0 else 0
        written, new = {300: 0, 3600: 0}, []
        for index, lives in prompt.breakpoints:
            end = tokens(prompt.sizes[index])
            if index > hit and end >= prompt.model.min_cache:
                written[lives] += end - reached
                reached = end
                new.append((prompt.hashes[index], lives))
        left = prompt.input_tokens - reached
        return Accounted(left, read, written[300], written[3600], tuple(used), tuple(new), now)

    def keep(self, accounted: Accounted, begins_at: float) -> None:
        """The answer begins: what was read lives on, and what was written can be read."""
        started = accounted.started_at
        for key in accounted.used:
            entry = self._entries.get(key)
            if entry is not None:
                ends_at = self._ends_at(key, entry.lives, started)
                if not self._evicted_early:
                    ends_at = max(ends_at, entry.ends_at)  # a request that began later was answered before
                self._entries[key] = entry._replace(ends_at=ends_at)
        for key, lives in accounted.new:
            self._entries[key] = self._merged(key, lives, started, begins_at)
        if len(self._entries) > self._sweep_above:
            self._sweep(started)

    def clear(self) -> None:
        self._entries = {}

    def __len__(self) -> int:
        return len(self._entries)

    def _found(self, prompt: Prompt, index: int, now: float) -> int:
        """The longest readable prefix within reach of a breakpoint; -1 if there is none."""
        hashes, positions, entries = prompt.hashes, prompt.positions, self._entries
        last = positions[index] - LOOK_BACK
        while index >= 0 and positions[index] > last:
            entry = entries.get(hashes[index])
            if entry is not None and entry.readable_from <= now < entry.ends_at:
                return index
            index -= 1
        return -1

    def _merged(self, key: bytes, lives: int, started: float, begins_at: float) -> _Entry:
        """A new entry, or the one that another request wrote meanwhile, whichever is better."""
        ends_at = self._ends_at(key, lives, started)
        other = self._entries.get(key)
        if other is None or other.ends_at <= started:
            return _Entry(lives, ends_at, begins_at)
        return _Entry(
            max(lives, other.lives), max(ends_at, other.ends_at), min(begins_at, other.readable_from)
        )

    def _ends_at(self, key: bytes, lives: int, started: float) -> float:
        """The end of a life that starts now. Chance depends on nothing but seed, entry and time."""
        if not self._evicted_early:
            return started + lives
        drawn = hashlib.blake2b(key + repr(started).encode(), digest_size=8, key=self._seed).digest()
        chance = int.from_bytes(drawn, "big") / 2**64
        early = chance < self._evicted_early
        return started + lives * (chance / self._evicted_early if early else 1.0)

    def _sweep(self, now: float) -> None:
        self._entries = {key: entry for key, entry in self._entries.items() if entry.ends_at > now}
        self._sweep_above = max(SWEEP_ABOVE, 2 * len(self._entries))
