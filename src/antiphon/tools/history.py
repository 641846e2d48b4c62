"""`search_history`: Claude looks for what was said before, also in what is not sent any more."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from antiphon.tools.caller import current_caller
from antiphon.tools.inputs import read_signature
from antiphon.tools.tool import Tool

NAME = "search_history"

HITS_MAX = 50
WORDS_MAX = 6
"""Where no message has all words, so many are looked for one by one."""
WORD_CHARS = 4
RESULT_BYTES_MAX = 24_000
"""8,000 tokens, at three bytes each."""


class Found(Protocol):
    """A message that was found. `at` is in milliseconds since the epoch."""

    @property
    def conversation_id(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def at(self) -> int: ...
    @property
    def snippet(self) -> str: ...


Search = Callable[[str, str, int], Awaitable[Sequence[Found]]]
"""principal, query, limit: the newest messages of that principal that have all words of the query."""


async def _search_history(words: str) -> str:
    """Search everything that was said in this and earlier conversations with this user.

    Use it when the user refers to something that is not in this conversation, or not any more. Gives short
    excerpts with their time and conversation, newest first. If nothing is found, try fewer or other words.

    Args:
        words: one to three telling words; a message must have all of them.
    """
    del words
    return ""


def search_history(search: Search) -> Tool:
    """The tool over a store's search. It sees messages of the principal whose turn asks, and of no other."""
    signature = read_signature(_search_history, NAME)

    async def call(given: dict[str, object]) -> str:
        words = str(signature.arguments(given)["words"])
        caller = current_caller()
        found = await search(caller.principal, words, HITS_MAX)
        if not found:
            found = await _by_words(search, caller.principal, words)
        return told(found, caller.conversation_id) or f"Nothing was found for {words[:100]!r}."

    return Tool(
        name=NAME,
        schema=signature.schema,
        call=call,
        description=signature.description,
        effect="pure",
        timeout_s=20.0,
    )


async def _by_words(search: Search, principal: str, words: str) -> list[Found]:
    """Messages that have at least one of the longer words, those with most of them first."""
    each = sorted(
        {word for word in words.split() if len(word) >= WORD_CHARS}, key=lambda word: (-len(word), word)
    )
    if len(each) < 2:
        return []
    counts: dict[str, int] = {}
    hits: dict[str, Found] = {}
    for word in each[:WORDS_MAX]:
        for hit in await search(principal, word, HITS_MAX):
            counts[hit.message_id] = counts.get(hit.message_id, 0) + 1
            hits[hit.message_id] = hit
    return sorted(hits.values(), key=lambda hit: (-counts[hit.message_id], -hit.at))


def told(found: Iterable[Found], conversation_id: str) -> str:
    """One line for each, as many as fit."""
    lines: list[str] = []
    room = RESULT_BYTES_MAX
    for hit in found:
        line = _line(hit, conversation_id)
        room -= len(line.encode()) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines)


def _line(hit: Found, conversation_id: str) -> str:
    when = datetime.fromtimestamp(hit.at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    where = (
        "this conversation"
        if hit.conversation_id == conversation_id
        else f"conversation {hit.conversation_id}"
    )
    quoted = " ".join(hit.snippet.split()).replace('"', "'")
    return f'- {when} UTC, {where}: "{quoted}"'
