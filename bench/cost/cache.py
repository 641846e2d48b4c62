"""The prompt cache of the study: what of a request is read, what is written. Time is given with each call.

By the rules of the API's prompt caching page: hashes of the prefix per block, at most 20 positions back from
each mark, a minimum length, lifetimes that begin anew when an entry is used, an hour before five minutes.

The simulator's `PrefixCache` accounts the same, request by request; this one is faster where each request
begins as the one before it did, which is what a study is made of.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from antiphon.domain.usage import Usage
from antiphon.simulator.tokens import block_bytes, tokens

Block: TypeAlias = dict[str, Any]

LIVES = {"5m": 300.0, "1h": 3600.0}
LOOK_BACK = 20
RUNS = ("tool_use", "tool_result")


class Accounted(NamedTuple):
    """The prompt of one request in tokens, divided by what each is charged for."""

    input_tokens: int
    read: int
    written_5m: int
    written_1h: int

    def usage(self, out: int) -> Usage:
        """With so many tokens of answer."""
        return Usage(
            input_tokens=self.input_tokens,
            cache_read_tokens=self.read,
            cache_write_5m_tokens=self.written_5m,
            cache_write_1h_tokens=self.written_1h,
            output_tokens=out,
        )


class _Prompt(NamedTuple):
    hashes: list[int]
    sizes: list[int]
    positions: list[int]
    marks: list[tuple[int, float]]


class StudyCache:
    """`evicted_early`: the share of lives of entries that end at a random moment before their time."""

    def __init__(self, min_cache: int, *, evicted_early: float = 0.0, seed: int = 0) -> None:
        self._min_cache = min_cache
        self._evicted_early = evicted_early
        self._drawn = random.Random(seed)
        self._entries: dict[int, tuple[float, float]] = {}
        self._blocks: dict[int, tuple[Any, int, int]] = {}
        self._last: tuple[list[tuple[str, Block]], _Prompt] = ([], _Prompt([], [], [], []))

    def account(self, request: Mapping[str, Any], now: float) -> Accounted:
        """A request that begins at `now` seconds; calls come in the order of their times."""
        prompt = self._read(request)
        hit = max((self._used(prompt, index, now) for index, _ in prompt.marks), default=-1)
        read = reached = tokens(prompt.sizes[hit]) if hit >= 0 else 0
        written = {300.0: 0, 3600.0: 0}
        for index, lives in prompt.marks:
            end = tokens(prompt.sizes[index])
            if index > hit and end >= self._min_cache:
                written[lives] += end - reached
                reached = end
                self._entries[prompt.hashes[index]] = lives, self._end(now, lives)
        return Accounted(tokens(prompt.sizes[-1]) - reached, read, written[300.0], written[3600.0])

    def _used(self, prompt: _Prompt, index: int, now: float) -> int:
        """The longest live prefix in reach of a mark, its life renewed; -1 if there is none."""
        last = prompt.positions[index] - LOOK_BACK
        while index >= 0 and prompt.positions[index] > last:
            found = self._entries.get(prompt.hashes[index])
            if found is not None and now < found[1]:
                self._entries[prompt.hashes[index]] = found[0], self._end(now, found[0])
                return index
            index -= 1
        return -1

    def _end(self, now: float, lives: float) -> float:
        if self._evicted_early and self._drawn.random() < self._evicted_early:
            return now + lives * self._drawn.random()
        return now + lives

    def _read(self, request: Mapping[str, Any]) -> _Prompt:
        """The prompt's prefixes; what it shares with the request before it is not hashed again."""
        parts = [("model", {"type": request["model"]}), *_parts(request)]
        before, known = self._last
        same = _shared(before, parts)
        hashes, sizes, positions = known.hashes[:same], known.sizes[:same], known.positions[:same]
        last, size, position = (hashes[-1], sizes[-1], positions[-1]) if same else (0, 0, 0)
        kind = str(parts[same - 1][1].get("type")) if same else ""
        for part, block in parts[same:]:
            run, kind = kind, str(block.get("type"))
            digest, bytes_ = self._of(block) if part != "model" else (hash(kind), 0)
            last, size = hash((last, part, digest)), size + bytes_
            position += kind != run or kind not in RUNS
            hashes.append(last)
            sizes.append(size)
            positions.append(position)
        marks = [
            (index, LIVES[mark.get("ttl", "5m")])
            for index, (_, block) in enumerate(parts)
            if (mark := block.get("cache_control"))
        ]
        self._last = parts, (prompt := _Prompt(hashes, sizes, positions, marks))
        return prompt

    def _of(self, block: dict[str, Any]) -> tuple[int, int]:
        """Hash and bytes of a block without its mark, kept as long as the block is the same object."""
        if "cache_control" in block:
            return _measured(_unmarked(block))
        known = self._blocks.get(id(block))
        if known is None:
            known = self._blocks[id(block)] = (block, *_measured(block))
        return known[1], known[2]


def _shared(before: list[tuple[str, Block]], parts: list[tuple[str, Block]]) -> int:
    """How many blocks of two requests are the same, from the first on."""
    for index, ((part, block), (other, known)) in enumerate(zip(parts, before, strict=False)):
        if block is not known and (part != other or _unmarked(block) != _unmarked(known)):
            return index
    return min(len(before), len(parts))


def _unmarked(block: Block) -> Block:
    return {key: value for key, value in block.items() if key != "cache_control"}


def _measured(block: dict[str, Any]) -> tuple[int, int]:
    return hash(repr(block)), block_bytes(block)


def _parts(request: Mapping[str, Any]) -> Iterator[tuple[str, Block]]:
    for tool in request.get("tools") or ():
        yield "tool", tool
    for block in request.get("system") or ():
        yield "system", block
    for message in request["messages"]:
        role = message["role"]
        for block in message["content"]:
            yield role, block
