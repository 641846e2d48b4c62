"""Searching without an index: look at the newest messages of a principal, one after the other."""

from collections.abc import Iterable, Iterator

from antiphon.stores.base import Hit
from antiphon.stores.words import matches, query_words, snippet_of

SEARCHED = 2000
"""How many messages are looked at: the newest of the principal."""


def scan(
    texts: Iterable[tuple[tuple[int, str, str], str]], query: str, before: tuple[int, str, str] | None
) -> Iterator[Hit]:
    """Hits among `texts`, each after its place, in their order."""
    wanted = query_words(query)
    for place, text in texts if wanted else ():
        if (before is None or place < before) and matches(text, wanted):
            at, conversation_id, message_id = place
            snippet, marks = snippet_of(text, query)
            yield Hit(
                conversation_id=conversation_id, message_id=message_id, at=at, snippet=snippet, marks=marks
            )
