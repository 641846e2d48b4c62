"""What a process has learned of the conversations and models that it spoke with.

It is lost with the process, and no harm done: whoever knows less estimates worse.
"""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass

from antiphon.context.estimate import Correction, TokenEstimates
from antiphon.domain import events as e
from antiphon.domain.conversations import Compaction, Header
from antiphon.domain.usage import Usage
from antiphon.money.pricing import Lifetime
from antiphon.stores.base import Log
from antiphon.stores.frames import decode

CONVERSATIONS = 10_000


@dataclass(frozen=True, slots=True)
class Sent:
    """The last request of a conversation: when (milliseconds), and how its prefix was marked."""

    at: int
    lifetime: Lifetime | None


class Standings:
    def __init__(self, log: Log) -> None:
        self._log = log
        self.estimates = TokenEstimates()
        self._corrections: defaultdict[str, Correction] = defaultdict(Correction)
        self._sent: OrderedDict[str, Sent] = OrderedDict()
        self._compactions: OrderedDict[tuple[str, int], tuple[Compaction, int]] = OrderedDict()

    def sent(self, conversation_id: str) -> Sent | None:
        return self._sent.get(conversation_id)

    def note_sent(self, conversation_id: str, at: int, lifetime: Lifetime | None) -> None:
        self._sent[conversation_id] = Sent(at, lifetime)
        self._sent.move_to_end(conversation_id)
        if len(self._sent) > CONVERSATIONS:
            self._sent.popitem(last=False)

    def correction(self, model: str) -> Correction:
        return self._corrections[model]

    def note_usage(self, model: str, estimated: int, usage: Usage) -> None:
        """What a request was reported to have, beside what it was estimated at."""
        if usage.total_input_tokens:
            correction = Correction(estimated=estimated, reported=usage.total_input_tokens)
            self._corrections[model] += correction

    async def compactions(self, header: Header) -> list[Compaction]:
        """All of a conversation, the newest first. Raises StoreUnavailable."""
        found: list[Compaction] = []
        seq = header.compact_seq
        while seq:
            compaction, seq = await self._compaction(header.id, seq)
            found.append(compaction)
        return found

    async def _compaction(self, conversation_id: str, seq: int) -> tuple[Compaction, int]:
        known = self._compactions.get((conversation_id, seq))
        if known is not None:
            return known
        (frame,) = await self._log.read(conversation_id, seq - 1, 1)
        event = decode(frame)
        assert isinstance(event, e.ContextCompact)
        compaction = Compaction(seq=seq, after_message_id=event.after_message_id, summary=event.summary)
        known = self._compactions[conversation_id, seq] = compaction, event.previous_seq
        if len(self._compactions) > CONVERSATIONS:
            self._compactions.popitem(last=False)
        return known
