"""Whether what is sent of a conversation should become shorter, decided as a turn starts. Pure.

As long as the cache holds the prefix, reading it again is cheap; once it is lost, all of it must be written
anew. So there are two limits for each model, found by replaying conversations (`bench/cost`): one while the
prefix is warm, a lower one once it is cold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeAlias

from antiphon.context import summaries
from antiphon.context.estimate import Correction, TokenEstimates, plan_tokens, text_tokens, tools_tokens
from antiphon.context.plan import SUMMARY, Request, after, fixed_tools, plan_request
from antiphon.context.sendable import is_asking
from antiphon.domain.conversations import Compaction, Header, PlacedMessage
from antiphon.domain.plans import RequestPlan
from antiphon.money.facts import ModelFacts, Prices
from antiphon.money.pricing import Lifetime

LIFETIME_S = {"5m": 300.0, "1h": 3600.0}
LATE_S = 10.0
"""An entry with less than this to live counts as lost: the request takes a moment to arrive."""

COLD_TOKENS = 8_000
WARM_TOKENS = 12_000
"""Limits for models that the table gives none."""
TAIL_TOKENS = 2_000
"""How much of the newest turns stays as it is, the newest turn whatever its size."""
LEAST_CUT = 1_000
"""Less than this is not worth a summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionLimits:
    """Tokens of what is sent of a conversation, tools and system apart, above which it is shortened: when its
    prefix is cold, and when it is warm. `tail` is how much of the newest turns stays.
    """

    cold: int = COLD_TOKENS
    warm: int = WARM_TOKENS
    tail: int = TAIL_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a conversation stands as its turn starts.

    `path` ends with the message to be answered. `idle_s` is the time since the start of the last request that
    wrote or read this prefix, None if there was none; `lifetime` what it was marked with.
    """

    path: Sequence[PlacedMessage]
    compaction: Compaction | None = None
    idle_s: float | None = None
    lifetime: Lifetime | None = "5m"
    correction: Correction = field(default_factory=Correction)

    @property
    def warm(self) -> bool:
        if self.idle_s is None or self.lifetime is None:
            return False
        return self.idle_s < LIFETIME_S[self.lifetime] - LATE_S


@dataclass(frozen=True, slots=True)
class Nothing:
    """Send it as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummariseOnPrefix:
    """Ask the conversation's own model; then append `context_compact` after this message."""

    after_message_id: str
    request: RequestPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class SummariseCold:
    """Ask the small model, once for each part; then append `context_compact` with all answers joined."""

    after_message_id: str
    requests: tuple[RequestPlan, ...]


Decision: TypeAlias = Nothing | SummariseOnPrefix | SummariseCold


def decide_compaction(
    header: Header,
    request: Request,
    standing: Standing,
    estimates: TokenEstimates,
    *,
    small: ModelFacts | None,
    at: date,
    limits: CompactionLimits | None = None,
    forced: bool = False,
) -> Decision:
    """What to do before the next request of this conversation, at the prices of that day (UTC).

    A cold prefix is never read for a summary: a small model reads the raw text of what is cut. A warm one is
    read by the conversation's own model where that costs less, which is where the small model is no smaller.

    If a summary fails or ends otherwise than by itself (`summaries.accepted`), the request goes out as it is.
    `forced`: the window was full, whatever the estimate said; the raw text is read.
    `request.facts` None, a free model, and a limit on the history's turns all mean that nothing is shortened.
    """
    facts = request.facts
    if facts is None or facts.free or request.limits.max_history_turns is not None:
        return Nothing()
    limits = limits or limits_of(facts)
    spoken = round(sent_tokens(standing, estimates) * standing.correction.factor)
    tokens = spoken + head_tokens(header, request, standing)
    window = facts.context - min(request.limits.max_tokens, facts.context // 2)
    fits = tokens <= window and not forced
    if spoken <= (limits.warm if standing.warm else limits.cold) and fits:
        return Nothing()
    sent = after(standing.path, standing.compaction)
    end = cut_at(sent, estimates, limits.tail)
    if end == 0 or estimates.total(placed.message for placed in sent[:end]) < LEAST_CUT:
        return Nothing()
    after_message_id = sent[end - 1].message.id
    requests = summaries.cold(sent[:end], standing.compaction, small or facts)
    if standing.warm and fits:
        own, apart = facts.prices(at, tokens), (small or facts).prices(at, summaries.CHUNK_TOKENS)
        if _summary_price(own.read, own, tokens) <= _summary_price(
            apart.input, apart, plans_tokens(requests)
        ):
            asked = _on_prefix(header, request, standing)
            return SummariseOnPrefix(after_message_id=after_message_id, request=asked)
    return SummariseCold(after_message_id=after_message_id, requests=requests)


def _summary_price(each: int, prices: Prices, tokens: int) -> int:
    """Picodollars of a summary whose prompt costs `each` for a token."""
    return tokens * each + summaries.SUMMARY_TOKENS * prices.output


def limits_of(facts: ModelFacts) -> CompactionLimits:
    """A model's limits: the table's, else the usual ones as far as its window allows."""
    return CompactionLimits(
        cold=facts.compact_cold or min(COLD_TOKENS, facts.context // 3),
        warm=facts.compact_warm or min(WARM_TOKENS, facts.context // 2),
        tail=max(TAIL_TOKENS, min(facts.min_cache, facts.context // 8)),  # less would not be cached
    )


def context_tokens(header: Header, request: Request, standing: Standing, estimates: TokenEstimates) -> int:
    """The estimated tokens of the next request's prompt, corrected by what the model reported before."""
    spoken = round(sent_tokens(standing, estimates) * standing.correction.factor)
    return spoken + head_tokens(header, request, standing)


def sent_tokens(standing: Standing, estimates: TokenEstimates) -> int:
    """Those of the messages that are sent, and of the summary before them, uncorrected."""
    sent = after(standing.path, standing.compaction)
    tokens = estimates.total(placed.message for placed in sent)
    if standing.compaction is not None:
        tokens += text_tokens(SUMMARY) + text_tokens(standing.compaction.summary)
    return tokens


def head_tokens(header: Header, request: Request, standing: Standing) -> int:
    """Those of tools and system, corrected too."""
    tokens = text_tokens(header.system) + tools_tokens(fixed_tools(request.tools))
    return round(tokens * standing.correction.factor)


def plans_tokens(plans: Sequence[RequestPlan]) -> int:
    return sum(map(plan_tokens, plans))


def cut_at(sent: Sequence[PlacedMessage], estimates: TokenEstimates, tail_tokens: int) -> int:
    """How many of the messages may be cut off at the front, so that the rest begins with a person's message.

    The newest turn always stays, and of those before it as many whole ones as have `tail_tokens`.
    """
    begins = [index for index, placed in enumerate(sent) if is_asking(placed)]
    cut, tokens, upto = (begins[-1] if begins else 0), 0, (begins[-1] if begins else 0)
    for begin in reversed(begins[:-1]):
        tokens += estimates.total(placed.message for placed in sent[begin:upto])
        if tokens > tail_tokens:
            break
        cut = upto = begin
    return cut


def _on_prefix(header: Header, request: Request, standing: Standing) -> RequestPlan:
    """The summary's request on what was sent last, with its answer: all but the newest message."""
    bare = replace(request, lifetime=None)
    live = plan_request(header, standing.path[:-1], bare, standing.compaction)
    return summaries.on_prefix(live, request.lifetime)
