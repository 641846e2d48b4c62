"""What search looks for: words of a text, and where they stand in it. Pure, and the same for every store.

A word is a run of letters, digits and marks, without regard to case. Scripts that put no spaces between words
are cut into pairs of neighbouring characters, so that any part of a sentence can be looked for.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import accumulate

INDEXED_CHARS = 100_000
"""How much of a message is searched, in characters."""

INDEXED_BYTES = 500_000
"""How long the words of one message may be together: PostgreSQL holds at most 1 MiB of them in a row."""

LONGEST_WORD = 64
QUERY_CHARS = 1000
QUERY_WORDS = 16
"""What is longer is not looked for."""

KNOWN_CHARS = 10_000
"""Of how many it is kept what they are."""

SNIPPET_CHARS = 160
BEFORE_MATCH = 40

_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff]+)"
)


def words_of(text: str) -> list[str]:
    """The different words of a text, in the form in which they are compared."""
    runs = dict.fromkeys(_runs(text[:INDEXED_CHARS]))
    words = dict.fromkeys(word for run in runs for word in _cut(run)) if _needs_cutting(runs) else runs
    # No character takes more bytes, and none is in more words than two.
    if 2 * 4 * sum(map(len, runs)) <= INDEXED_BYTES:
        return list(words)
    sizes = accumulate(len(word.encode()) for word in words)
    return [word for word, size in zip(words, sizes, strict=True) if size <= INDEXED_BYTES]


def _needs_cutting(runs: Iterable[str]) -> bool:
    if max(map(len, runs), default=0) > LONGEST_WORD:
        return True
    together = " ".join(runs)
    return not together.isascii() and _UNSPACED.search(together) is not None


def query_words(query: str) -> list[str]:
    """What a text must have to be found: for each of these, a word that begins with it."""
    words = dict.fromkeys(word for run in _runs(query[:QUERY_CHARS]) for word in _query_cut(run))
    return list(words)[:QUERY_WORDS]


def matches(text: str, wanted: Sequence[str]) -> bool:
    """Whether a text is found by `query_words`. Quick where it is not."""
    folded = text[:INDEXED_CHARS].casefold()
    if not all(word in folded for word in wanted):
        return False
    words = words_of(text)
    return all(any(word.startswith(begin) for word in words) for begin in wanted)


def snippet_of(text: str, query: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A part of the text around its first match, and where matches lie in it: from, to, in characters."""
    pattern = _pattern(_runs(query[:QUERY_CHARS])[:QUERY_WORDS])
    first = pattern.search(text) if pattern else None
    begin = max(0, first.start() - BEFORE_MATCH) if first else 0
    snippet = text[begin : begin + SNIPPET_CHARS]
    return snippet, tuple(match.span() for match in pattern.finditer(snippet)) if pattern else ()


def _pattern(runs: Iterable[str]) -> re.Pattern[str] | None:
    parts = [part for run in runs for part in _UNSPACED.split(run) if part]
    found = [re.escape(part) if _UNSPACED.match(part) else rf"\b{re.escape(part)}" for part in parts]
    return re.compile("|".join(sorted(set(found), key=len, reverse=True)), re.IGNORECASE) if found else None


def _runs(text: str) -> list[str]:
    """Runs of letters, digits and marks."""
    return text.casefold().translate(_SPACES).split()


class _Spaces(dict[int, int]):
    """By code point: itself where it belongs to a word, else a space. What a text has once, it has again."""

    def __missing__(self, code: int) -> int:
        if len(self) >= KNOWN_CHARS:
            self.clear()
        char = chr(code)
        stays = char.isalnum() or unicodedata.category(char)[0] == "M"
        self[code] = found = code if stays else ord(" ")
        return found


_SPACES = _Spaces()


def _cut(run: str) -> Iterable[str]:
    for part in _UNSPACED.split(run):
        if _UNSPACED.match(part):
            yield from (part[i : i + 2] for i in range(len(part)))
        elif part:
            yield part[:LONGEST_WORD]


def _query_cut(run: str) -> Iterable[str]:
    """As `_cut`, without the single character at the end of a run that has more."""
    for part in _UNSPACED.split(run):
        if _UNSPACED.match(part) and len(part) > 1:
            yield from (part[i : i + 2] for i in range(len(part) - 1))
        elif part:
            yield part[:LONGEST_WORD]
