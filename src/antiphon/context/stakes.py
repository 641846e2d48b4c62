"""What a conversation has at stake while nobody writes: its prefix in the cache. Pure."""

from antiphon.context.compaction import (
    CompactionLimits,
    Standing,
    head_tokens,
    limits_of,
    sent_tokens,
)
from antiphon.context.estimate import TokenEstimates
from antiphon.context.lifetime import Stakes
from antiphon.context.plan import Request
from antiphon.context.summaries import SUMMARY_TOKENS
from antiphon.domain.conversations import Header
from antiphon.money.facts import Prices

SURELY = 1.2
"""How far an estimate must lie above the least prompt that is cached, for the prefix to count as cached."""


def stakes_of(
    header: Header,
    request: Request,
    standing: Standing,
    estimates: TokenEstimates,
    *,
    prices: Prices,
    small: Prices,
    turns: int,
    limits: CompactionLimits | None = None,
) -> Stakes:
    """The stakes of the next pause. `turns` is how many turns the whole path has, `small` the prices of the
    model that summarises. Where the prefix would be cut once it is lost, losing it costs no more than that; a
    prompt too short for the cache has nothing at stake.
    """
    sent, factor = sent_tokens(standing, estimates), standing.correction.factor
    tokens = round(sent * factor) + head_tokens(header, request, standing)
    facts = request.facts
    cached = tokens if facts is None or tokens >= facts.min_cache * SURELY else 0
    whole = sent
    if standing.compaction is not None:
        whole = estimates.total(placed.message for placed in standing.path)
    if limits is None and facts is not None:
        limits = limits_of(facts)
    return Stakes(
        prefix_tokens=cached,
        turn_tokens=round(whole * factor / max(1, turns)),
        prices=prices,
        lost=_cut(tokens, limits, prices, small) if limits is not None and tokens > limits.cold else None,
    )


def _cut(tokens: int, limits: CompactionLimits, prices: Prices, small: Prices) -> float:
    """The price of a summary by the small model, and of writing what it leaves."""
    left = limits.tail + SUMMARY_TOKENS
    return float(tokens * small.input + SUMMARY_TOKENS * small.output + left * prices.write_5m)
