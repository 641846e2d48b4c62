"""Text of a wanted length without meaning: it is counted, never read."""

import random

SYLLABLES = tuple(
    a + b for a in ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v") for b in "aeiou"
)


class Words:
    """The same seed gives the same text. Words are made once and drawn by chance."""

    def __init__(self, seed: str) -> None:
        self._drawn = random.Random(seed)
        self._words = [
            "".join(self._drawn.choices(SYLLABLES, k=self._drawn.choice((1, 2, 2, 3)))) for _ in range(500)
        ]

    def text(self, characters: int) -> str:
        """Exactly so many characters, none of which is a space at the end; at least one."""
        drawn = " ".join(self._drawn.choices(self._words, k=characters // 3 + 1))
        while len(drawn) < characters:
            drawn += " " + self._drawn.choice(self._words)
        return drawn[: max(1, characters) - 1] + "."

    def asked(self, characters: int) -> str:
        """A person's message."""
        return self.text(characters)

    def said(self, characters: int) -> str:
        """An answer's text."""
        return self.text(characters)
