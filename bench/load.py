"""What an answer is to be like. A message says it in words, and the canned upstream answers as it says."""

import re
from dataclasses import dataclass

_WORDS = re.compile(rb"(\d+) deltas, (\d+) ms apart")


@dataclass(frozen=True, slots=True)
class Load:
    """`pace_ms` 0 is as fast as it can."""

    deltas: int
    pace_ms: int = 0

    @property
    def message(self) -> str:
        return f"{self.deltas} deltas, {self.pace_ms} ms apart"

    @property
    def chars(self) -> int:
        return self.deltas * len(DELTA)


DELTA = "word "


def load_in(body: bytes) -> Load:
    """What the last message of a request asks for."""
    deltas, pace_ms = _WORDS.findall(body)[-1]
    return Load(int(deltas), int(pace_ms))
