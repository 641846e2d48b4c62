"""What search looks for: words of a text, and where they stand in it. Pure, and the same for every store.

A word is a run of letters, digits and marks, without regard to case. Scripts that put no spaces between words
are cut into pairs of neighbouring characters, so that any part of a sentence can be looked for.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

INDEXED_CHARS = 100_000
"""How much of a message is searched, in characters."""

INDEXED_BYTES = 500_000
"""How long the words of one message may be together: PostgreSQL holds at most 1 MiB of them in a row."""

LONGEST_WORD = 64
QUERY_CHARS = 1000
QUERY_WORDS = 16
"""What is longer is not looked for."""

SNIPPET_CHARS = 160
BEFORE_MATCH = 40

_PLAIN = re.compile(r"[^\W_]+", re.ASCII)
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff]+)"
)


def words_of(text: str) -> list[str]:
    """The different words of a text, in the form in which they are compared."""
    found: dict[str, None] = {}
    size = 0
    for run in _runs(text[:INDEXED_CHARS]):
        for word in _cut(run):
            if word not in found:
                size += len(word.encode())
                if size > INDEXED_BYTES:
                    return list(found)
                found[word] = None
    return list(found)


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
    folded = text.casefold()
    if folded.isascii():
        return _PLAIN.findall(folded)
    return "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in folded).split()


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
