"""How much of what was said is still in reach: planted facts, asked for much later.

Facts are sentences of our own: somebody's something is a value, told in passing, each among others that
share its owner or its thing. A question asks in other words, every second one for the owner too. A fact is in
reach if what is sent holds it word for word, or if `search_history` would bring it within 8,000 tokens:
full-text search with BM25 over the raw messages, as the stores do it. What a summary happens to keep is not
counted, for any policy.
"""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from antiphon.domain.messages import text_of
from antiphon.simulator.tokens import tokens

BUDGET_TOKENS = 8_000

OWNERS = (
    ("my sister", "my sibling"),
    ("my landlord", "the owner of the flat"),
    ("our accountant", "our bookkeeper"),
    ("the Berlin office", "the German branch"),
    ("my neighbour", "the man next door"),
    ("the old van", "our vehicle"),
    ("grandma", "my grandmother"),
    ("our supplier", "the vendor"),
    ("the beach house", "the cottage by the sea"),
    ("my dentist", "the one who does my teeth"),
    ("the night shift", "the people who work late"),
    ("my first boss", "the manager I had back then"),
    ("the chess club", "the club"),
    ("our architect", "whoever designed the house"),
    ("the blue boat", "the boat"),
    ("my cousin Ines", "Ines"),
    ("the choir", "the singers"),
    ("uncle Pavel", "Pavel"),
    ("the bakery", "the baker"),
    ("the lab", "the laboratory"),
)
"""As told, and as every second question names them."""
THINGS = (
    ("the phone number of {o} is {v}", "how do I call {o}? I need the phone number"),
    ("{o} has an appointment on {v}", "when is the appointment of {o}?"),
    ("the door code for {o} is {v}", "which code opens the door of {o}?"),
    ("{o} is allergic to {v}", "what allergy does {o} have?"),
    ("the invoice of {o} carries the number {v}", "what was the invoice number of {o}?"),
    ("{o} wants {v} as a birthday present", "what present does {o} want for the birthday?"),
    ("the wifi password of {o} is {v}", "what's the password for the wifi of {o}?"),
    ("{o} parks on level {v}", "on which parking level is {o}?"),
    ("the train of {o} leaves from platform {v}", "from which platform does the train of {o} leave?"),
    ("{o} prefers the {v} tea", "which tea does {o} prefer?"),
)
VALUES = (
    "tulip", "granite", "seven", "walnut", "cobalt", "thirty", "ginger", "harbour", "falcon", "lemon",
    "copper", "eleven", "juniper", "velvet", "marble", "quartz", "saffron", "willow", "amber", "mango",
)  # fmt: skip
CHATTER = (
    "I was thinking about what you said and I need to know more about the number of things on the list.",
    "Which of these would you prefer, and when is it due? I want to leave the office on time today.",
    "How do I write this so that the appointment, the invoice and the present do not get mixed up?",
    "What does it mean when the train is late and the platform is not the one on the board?",
    "Thanks, that helps. Can you call it something else, with a shorter name and no code in it?",
    "The tea was cold, the wifi was slow, and nobody had the password. What would you do?",
    "My door opens to the parking level, and the birthday party is on the next floor.",
    "Sure. Here is what I would write, step by step, with the most important point at the top of the list.",
)


@dataclass(frozen=True, slots=True)
class Fact:
    said: str
    question: str


def facts(drawn: random.Random) -> list[Fact]:
    """All 200 pairs of owner and thing in a random order, each with a value of its own: every fact has 9
    distractors of the same owner and 19 of the same thing.
    """
    planted = [
        Fact(
            said.format(o=owner, v=f"{drawn.choice(VALUES)} {drawn.randint(10, 9999)}"),
            asked.format(o=(owner, other)[number % 2]),
        )
        for owner, other in OWNERS
        for number, (said, asked) in enumerate(THINGS)
    ]
    drawn.shuffle(planted)
    return planted


def message(drawn: random.Random, fact: Fact | None, characters: int) -> str:
    """A message of about this size, with the fact in its middle."""
    chatter: list[str] = []
    while sum(map(len, chatter)) < characters:
        chatter.append(drawn.choice(CHATTER))
    if fact is not None:
        chatter.insert(len(chatter) // 2, f"By the way, {fact.said}.")
    return " ".join(chatter)


class Searched:
    """The raw text of a conversation in a full-text index."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute("CREATE VIRTUAL TABLE said USING fts5(text, tokenize = 'porter unicode61')")
        self._connection.executemany("INSERT INTO said VALUES (?)", [(text,) for text in texts])

    def found(self, question: str) -> Iterator[str]:
        """Messages, the best first, as many as have the budget."""
        words = {word.strip("?.,'").lower() for word in question.split()} - {""}
        query = " OR ".join(f'"{word}"' for word in sorted(words) if word.replace("'", "").isalnum())
        left = BUDGET_TOKENS
        rows = self._connection.execute("SELECT text FROM said WHERE said MATCH ? ORDER BY rank", (query,))
        for (text,) in rows:
            left -= tokens(len(text.encode()))
            if left < 0:
                return
            yield text

    def close(self) -> None:
        self._connection.close()


def in_reach(planted: Sequence[Fact], sent: str, raw: Sequence[str] | None) -> float:
    """The share of facts in reach of what is sent, and of a search of `raw` if there is one."""
    searched = Searched(raw) if raw is not None else None
    reached = 0
    for fact in planted:
        found = fact.said in sent
        if not found and searched is not None:
            found = any(fact.said in text for text in searched.found(fact.question))
        reached += found
    if searched is not None:
        searched.close()
    return reached / len(planted)


def sent_text(messages: Sequence[dict[str, object]]) -> str:
    texts = (content for message in messages if isinstance(content := message["content"], list))
    return "\n".join(text_of(content) for content in texts)
